/** Deletes orphans, and handles foreground and orphan deletion. */
import type { KubeObject, OwnerReference } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import { groupVersion, type ResourceType } from "../apimachinery/ResourceType.ts"
import type { Controller } from "./Controller.ts"

const keyOf = (type: ResourceType, { metadata }: KubeObject): string =>
  `${type.group}|${type.resource}|${metadata.namespace ?? ""}|${metadata.name}`

class Item {
  readonly #registry: Registry
  readonly #types: ReadonlyArray<ResourceType>
  readonly type: ResourceType
  readonly object: KubeObject

  constructor(
    registry: Registry,
    types: ReadonlyArray<ResourceType>,
    type: ResourceType,
    object: KubeObject
  ) {
    this.#registry = registry
    this.#types = types
    this.type = type
    this.object = object
  }

  #typeOf(reference: OwnerReference): ResourceType | undefined {
    return this.#types.find(
      (each) =>
        each.kind === reference.kind &&
        each.versions.some((version) => groupVersion(each, version) === reference.apiVersion)
    )
  }

  /** An owner reference to another namespace is not resolved (a trap of every restore). */
  owner(reference: OwnerReference): KubeObject | undefined {
    const type = this.#typeOf(reference)
    if (type === undefined) return undefined
    const namespace = type.namespaced ? this.object.metadata.namespace : undefined
    const found = this.#registry.store.get(type, namespace, reference.name)
    return found?.metadata.uid === reference.uid ? found : undefined
  }

  collect(): void {
    const { finalizers, deletionTimestamp, ownerReferences } = this.object.metadata
    if (deletionTimestamp !== undefined) {
      if (finalizers?.includes("orphan") === true) this.#orphan()
      else if (finalizers?.includes("foregroundDeletion") === true) this.#waitForDependents()
      return
    }
    if (ownerReferences === undefined || ownerReferences.length === 0) return
    // Nobody knows whether an owner is there whose kind is not served: nothing is changed.
    if (ownerReferences.some((reference) => this.#typeOf(reference) === undefined)) return
    const here = ownerReferences.filter((reference) => this.owner(reference) !== undefined)
    const { namespace, name, uid } = this.object.metadata
    if (here.length === 0) {
      this.#registry.remove(this.type, namespace, name, { uid, propagation: "Background" })
    } else if (here.length < ownerReferences.length) this.#setOwners(this.type, this.object, here)
  }

  #setOwners(type: ResourceType, object: KubeObject, ownerReferences: ReadonlyArray<OwnerReference>): void {
    const { namespace, name } = object.metadata
    this.#registry.update(type, namespace, name, (current) => ({
      ...current,
      metadata: { ...current.metadata, ownerReferences }
    }))
  }

  #release(finalizer: string): void {
    const { namespace, name } = this.object.metadata
    this.#registry.update(this.type, namespace, name, (current) => ({
      ...current,
      metadata: {
        ...current.metadata,
        finalizers: (current.metadata.finalizers ?? []).filter((each) => each !== finalizer)
      }
    }))
  }

  #orphan(): void {
    const { uid } = this.object.metadata
    for (const [type, dependent] of this.#registry.store.dependents(uid)) {
      const others = (dependent.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid)
      this.#setOwners(type, dependent, others)
    }
    this.#release("orphan")
  }

  #waitForDependents(): void {
    const { uid } = this.object.metadata
    const { store } = this.#registry
    for (const [type, { metadata }] of store.dependents(uid)) {
      if (metadata.deletionTimestamp !== undefined) continue
      const propagation = store.dependents(metadata.uid).length > 0 ? "Foreground" : "Background"
      this.#registry.remove(type, metadata.namespace, metadata.name, { uid: metadata.uid, propagation })
    }
    const blocking = store
      .dependents(uid)
      .some(([, { metadata }]) =>
        metadata.ownerReferences?.some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true)
      )
    if (!blocking) this.#release("foregroundDeletion")
  }
}

/** `types`: all that are served, since anything may own anything. */
export const garbageCollector = (registry: Registry, types: ReadonlyArray<ResourceType>): Controller => {
  const itemOf = (key: string): Item | undefined => {
    const [group, resource, namespace = "", name = ""] = key.split("|")
    const type = types.find((each) => each.group === group && each.resource === resource)
    const object = type && registry.store.get(type, namespace === "" ? undefined : namespace, name)
    return type === undefined || object === undefined ? undefined : new Item(registry, types, type, object)
  }
  return {
    name: "garbage-collector",
    keysOf: ({ kind, type, object }) => {
      if (kind !== "DELETED") {
        const { ownerReferences, deletionTimestamp } = object.metadata
        return ownerReferences !== undefined || deletionTimestamp !== undefined ? [keyOf(type, object)] : []
      }
      const item = new Item(registry, types, type, object)
      const owners = (object.metadata.ownerReferences ?? []).flatMap((reference) => {
        const owner = item.owner(reference)
        const ownerType =
          owner && types.find((each) => each.kind === owner.kind && groupVersion(each) === owner.apiVersion)
        // Only an owner that waits for its dependents cares.
        return owner === undefined ||
          ownerType === undefined ||
          owner.metadata.deletionTimestamp === undefined
          ? []
          : [keyOf(ownerType, owner)]
      })
      const left = registry.store
        .dependents(object.metadata.uid)
        .map(([each, dependent]) => keyOf(each, dependent))
      return [...owners, ...left]
    },
    reconcile: (key) => {
      itemOf(key)?.collect()
      return undefined
    }
  }
}
