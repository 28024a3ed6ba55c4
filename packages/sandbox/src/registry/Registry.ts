/**
 * The path of every write, from a client's request or a controller: names, uids, generations,
 * preconditions, deletion in its stages, and the rules of the kind; then the store.
 */
import type { Admission } from "./Admission.ts"
import { equal, isObject } from "../apimachinery/Json.ts"
import type { Draft, KubeObject, Metadata } from "../apimachinery/KubeObject.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import * as ManagedFields from "./ManagedFields.ts"
import * as Status from "../apimachinery/Status.ts"
import type { Store } from "./Store.ts"
import { prohibited, required, wrong } from "../apimachinery/FieldError.ts"
import { generatedFaults, metadataFaults, nameFaults, omitEmpty } from "./strategy/ObjectMeta.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"

export interface WriteOptions extends ManagedFields.Writer {
  /** Everything is checked and nothing kept. */
  readonly dryRun?: boolean
  readonly user?: string
}

export interface DeleteOptions extends WriteOptions {
  readonly uid?: string
  readonly resourceVersion?: string
  readonly gracePeriodSeconds?: number
  readonly propagation?: "Background" | "Foreground" | "Orphan"
}

export interface Deleted {
  readonly object: KubeObject
  /** True if the object is gone, rather than terminating. */
  readonly gone: boolean
}

/** The key of the object in etcd: some messages contain it. */
const storageKey = (type: ResourceType, namespace: string | undefined, name: string): string =>
  [
    "/registry",
    ...(type.custom ? [type.group] : []),
    type.resource,
    ...(namespace === undefined ? [] : [namespace]),
    name
  ].join("/")

const suffixLetters = "bcdfghjklmnpqrstvwxz2456789"

/** The fields of an object that a client sets. */
const wish = (object: Draft): unknown => {
  const { metadata: _, status: __, ...rest } = object
  return rest
}

/** Namespaces alone have their preconditions checked by the store, which says it in words of its own. */
const checkNamespace = (type: ResourceType, { metadata }: KubeObject, options: DeleteOptions): void => {
  for (const [what, asked, is] of [
    ["UID", options.uid, metadata.uid],
    ["ResourceVersion", options.resourceVersion, metadata.resourceVersion]
  ] as const) {
    if (asked !== undefined && asked !== is)
      throw Status.conflict(
        type,
        metadata.name,
        `Precondition failed: ${what} in precondition: ${asked}, ${what} in object meta: ${is}`
      )
  }
}

export class Registry {
  readonly store: Store
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** In [0, 1). */
  readonly random: () => number
  readonly #admission: Admission

  constructor(store: Store, now: () => number, random: () => number, admission: Admission) {
    this.store = store
    this.now = now
    this.random = random
    this.#admission = admission
  }

  uid(): string {
    let hex = ""
    for (let i = 0; i < 32; i++) hex += Math.floor(this.random() * 16).toString(16)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
  }

  #suffix(): string {
    let suffix = ""
    for (let i = 0; i < 5; i++) suffix += suffixLetters[Math.floor(this.random() * suffixLetters.length)]
    return suffix
  }

  find<T extends KubeObject>(type: ResourceType<T>, namespace: string | undefined, name: string): T {
    const object = this.store.get(type, namespace, name)
    if (object === undefined) throw Status.notFound(type, name)
    return object
  }

  create(
    type: ResourceType,
    namespace: string | undefined,
    draft: Draft,
    options: WriteOptions = {}
  ): KubeObject {
    const generated = draft.metadata.generateName
    let name = draft.metadata.name ?? ""
    if (name === "" && generated !== undefined && generated !== "") {
      // As the server does: five letters, and a second try is the client's business.
      name = `${generated.slice(0, 58)}${this.#suffix()}`
    }
    if (draft.metadata.resourceVersion !== undefined && draft.metadata.resourceVersion !== "") {
      throw Status.plain(500, "resourceVersion should not be set on objects to be created")
    }
    if (type.namespaced && (draft.metadata.namespace ?? namespace) !== namespace) {
      throw Status.badRequest(
        "the namespace of the provided object does not match the namespace sent on the request"
      )
    }
    const { strategy } = type
    const { status: _, ...withoutStatus } = draft
    const hasStatus = type.subresources.includes("status")
    const named: Draft = {
      ...(hasStatus && strategy.keepsStatus !== true ? withoutStatus : draft),
      metadata: { ...draft.metadata, name, ...(namespace === undefined ? {} : { namespace }) }
    }
    const defaulted = strategy.withDefaults?.(named) ?? named
    // Admission comes before a name is made: what it refuses it names by the prefix.
    const told = draft.metadata.name || generated || ""
    const admitted = this.#admission.mutate(this, type, namespace, defaulted, told)
    const faults = [
      ...(generated === undefined || generated === "" ? [] : generatedFaults(type, generated)),
      ...(name === "" ? [required("metadata.name", "name or generateName is required")] : []),
      ...(name === "" ? [] : nameFaults(type, name)),
      ...metadataFaults(admitted),
      ...(name === "" ? [] : (strategy.faults?.(admitted) ?? []))
    ]
    if (faults.length > 0) throw Status.invalid(type, name, faults)
    const given = draft.metadata.finalizers ?? []
    const finalizers = [...given, ...(strategy.finalizers ?? []).filter((each) => !given.includes(each))]
    const {
      deletionTimestamp: ___,
      deletionGracePeriodSeconds: ____,
      resourceVersion: _____,
      namespace: ______,
      ...metadata
    } = admitted.metadata
    const made: KubeObject = {
      ...admitted,
      metadata: omitEmpty({
        ...metadata,
        name,
        ...(namespace === undefined ? {} : { namespace }),
        uid: this.uid(),
        resourceVersion: "",
        ...(type.counted || type.custom || type.resource === "pods" ? { generation: 1 } : {}),
        creationTimestamp: Timestamp.fromMillis(this.now()),
        finalizers
      }),
      ...(strategy.initialStatus === undefined ? {} : { status: strategy.initialStatus })
    }
    const object = this.#tracked(type, made, undefined, options)
    this.#admission.validate(this, type, "CREATE", object, undefined, options)
    const same = this.store.get(type, namespace, name)
    if (same !== undefined)
      throw Status.alreadyExists(type, name, same.metadata.deletionTimestamp !== undefined)
    return options.dryRun === true ? object : this.store.put(type, object)
  }

  /**
   * Reads, changes and writes in one step. `change` answers the whole new object;
   * a uid or resourceVersion in it is a precondition.
   */
  update(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    change: (current: KubeObject) => Draft,
    options: WriteOptions & { readonly patch?: boolean } = {}
  ): KubeObject {
    const current = this.find(type, namespace, name)
    const asked = change(current)
    const { strategy } = type
    const { uid, resourceVersion } = asked.metadata
    if (uid !== undefined && uid !== "" && uid !== current.metadata.uid) {
      if (options.patch === true)
        throw Status.invalid(type, name, [wrong("metadata.uid", uid, "field is immutable")])
      throw Status.conflict(
        type,
        name,
        `StorageError: invalid object, Code: 4, Key: ${storageKey(type, namespace, name)}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`
      )
    }
    if (resourceVersion !== undefined && resourceVersion !== "") {
      if (!/^\d+$/.test(resourceVersion)) {
        throw Status.plain(
          500,
          `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`
        )
      }
      if (resourceVersion !== current.metadata.resourceVersion) throw Status.modified(type, name)
    } else if (type.custom || strategy.updatesNeedVersion === true) {
      // Here the server names a custom resource by its plural.
      throw Status.invalid({ ...type, kind: type.resource }, name, [
        {
          field: "metadata.resourceVersion",
          reason: "FieldValueInvalid",
          message: "Invalid value: 0: must be specified for an update"
        }
      ])
    }
    const ofStatus = options.subresource === "status"
    const { status: _, ...rest } = asked
    const defaulted: Draft = ofStatus
      ? { ...current, metadata: type.custom ? current.metadata : asked.metadata, status: asked.status }
      : type.subresources.includes("status")
        ? {
            ...(strategy.withDefaults?.(rest) ?? rest),
            ...(current.status === undefined ? { status: undefined } : { status: current.status })
          }
        : (strategy.withDefaults?.(asked) ?? asked)
    const metadata = this.#nextMetadata(current, defaulted)
    const { status, ...body } = defaulted
    let next: KubeObject = { ...body, ...(status === undefined ? {} : { status }), metadata }
    const added = (metadata.finalizers ?? []).filter(
      (each) => current.metadata.finalizers?.includes(each) !== true
    )
    const faults = [
      ...(current.metadata.deletionTimestamp !== undefined && added.length > 0
        ? [
            prohibited(
              "metadata.finalizers",
              `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((each) => JSON.stringify(each)).join(", ")}}`
            )
          ]
        : []),
      ...metadataFaults({ ...next, metadata }),
      ...(ofStatus
        ? (strategy.statusFaults?.(next) ?? [])
        : [...(strategy.faults?.(next) ?? []), ...(strategy.updateFaults?.(next, current) ?? [])])
    ]
    if (faults.length > 0) throw Status.invalid(type, name, faults)
    if (equal(next, current)) return current
    const isCounted =
      !equal(wish(next), wish(current)) ||
      (strategy.countsAnnotations === true &&
        !equal(next.metadata.annotations ?? {}, current.metadata.annotations ?? {}))
    if (metadata.generation !== undefined && !ofStatus && isCounted) {
      next = { ...next, metadata: { ...metadata, generation: metadata.generation + 1 } }
    }
    next = this.#tracked(type, next, current, options)
    this.#admission.validate(this, type, "UPDATE", next, current, options)
    if (options.dryRun === true) return next
    if (this.#isOver(type, next)) {
      // The last finalizer went: what was waiting to be deleted is.
      this.store.remove(type, namespace, name)
      return next
    }
    return this.store.put(type, next)
  }

  #tracked(
    type: ResourceType,
    next: KubeObject,
    previous: KubeObject | undefined,
    writer: ManagedFields.Writer
  ): KubeObject {
    const managedFields = ManagedFields.track(type, next, previous, writer, this.now())
    return managedFields === next.metadata.managedFields || managedFields === undefined
      ? next
      : { ...next, metadata: { ...next.metadata, managedFields } }
  }

  /** Sets the metadata that a client cannot set. */
  #nextMetadata(current: KubeObject, asked: Draft): Metadata {
    const { deletionTimestamp, deletionGracePeriodSeconds, namespace, generation } = current.metadata
    const {
      deletionTimestamp: _,
      deletionGracePeriodSeconds: __,
      generation: ___,
      namespace: ____,
      ...metadata
    } = asked.metadata
    return omitEmpty({
      ...metadata,
      name: current.metadata.name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: current.metadata.uid,
      resourceVersion: current.metadata.resourceVersion,
      creationTimestamp: current.metadata.creationTimestamp,
      ...(generation === undefined ? {} : { generation }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds })
    })
  }

  #isOver(type: ResourceType, object: KubeObject): boolean {
    const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata
    const held =
      type.resource === "namespaces" && isObject(object.spec) && !equal(object.spec["finalizers"] ?? [], [])
    return (
      deletionTimestamp !== undefined &&
      (deletionGracePeriodSeconds ?? 0) === 0 &&
      (finalizers ?? []).length === 0 &&
      !held
    )
  }

  /** A controller's write of a status; nothing happens when it is so already. */
  setStatus<T extends KubeObject>(type: ResourceType<T>, object: T, status: T["status"]): void {
    const { namespace, name } = object.metadata
    const current = this.store.get(type, namespace, name)
    if (
      current === undefined ||
      current.metadata.uid !== object.metadata.uid ||
      equal(current.status, status)
    )
      return
    this.store.put(type, { ...current, status })
  }

  remove(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {}
  ): Deleted {
    const current = this.find(type, namespace, name)
    const { metadata } = current
    if (type.resource === "namespaces") checkNamespace(type, current, options)
    if (options.uid !== undefined && options.uid !== metadata.uid) {
      throw Status.deleteConflict(
        type,
        name,
        `the UID in the precondition (${options.uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`
      )
    }
    if (options.resourceVersion !== undefined && options.resourceVersion !== metadata.resourceVersion) {
      throw Status.deleteConflict(
        type,
        name,
        `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`
      )
    }
    this.#admission.validate(this, type, "DELETE", current, current, options)
    const kept = (metadata.finalizers ?? []).filter(
      (each) => each !== "orphan" && each !== "foregroundDeletion"
    )
    const finalizers =
      options.propagation === "Orphan"
        ? [...kept, "orphan"]
        : options.propagation === "Foreground"
          ? [...kept, "foregroundDeletion"]
          : options.propagation === "Background"
            ? kept
            : (metadata.finalizers ?? [])
    const own = type.strategy.gracePeriodSeconds?.(current)
    const asked = own === undefined || own === 0 ? 0 : Math.max(options.gracePeriodSeconds ?? own, 0)
    const left =
      metadata.deletionTimestamp === undefined ? undefined : (metadata.deletionGracePeriodSeconds ?? 0)
    // A second wish can only shorten the first.
    const grace =
      left === undefined ? asked : options.gracePeriodSeconds === undefined ? left : Math.min(left, asked)
    const namespaceInUse = type.resource === "namespaces"
    if (grace === 0 && finalizers.length === 0 && !namespaceInUse) {
      // A kind with graceful deletion is answered as it was marked, tried or not.
      if (options.dryRun === true)
        return {
          object: own === undefined ? current : this.#marked(type, current, finalizers, 0),
          gone: true
        }
      // A kind with graceful deletion is marked first, even if there is nothing to wait for: watches see both.
      if (own !== undefined && left === undefined)
        this.store.put(type, this.#marked(type, current, finalizers, 0))
      return { object: this.store.remove(type, namespace, name) ?? current, gone: true }
    }
    if (left === grace && equal(finalizers, metadata.finalizers ?? []))
      return { object: current, gone: false }
    const object = this.#marked(type, current, finalizers, grace)
    return { object: options.dryRun === true ? object : this.store.put(type, object), gone: false }
  }

  /** The object on its way out. */
  #marked(
    type: ResourceType,
    current: KubeObject,
    finalizers: ReadonlyArray<string>,
    grace: number
  ): KubeObject {
    const { metadata } = current
    const left =
      metadata.deletionTimestamp === undefined ? undefined : (metadata.deletionGracePeriodSeconds ?? 0)
    return {
      ...current,
      metadata: omitEmpty({
        ...metadata,
        finalizers,
        deletionTimestamp:
          left === grace && metadata.deletionTimestamp !== undefined
            ? metadata.deletionTimestamp
            : Timestamp.fromMillis(this.now() + grace * 1000),
        ...(type.resource === "namespaces" ? {} : { deletionGracePeriodSeconds: grace }),
        ...(metadata.generation === undefined || left !== undefined
          ? {}
          : { generation: metadata.generation + 1 })
      }),
      ...(type.resource === "namespaces"
        ? { status: { ...(isObject(current.status) ? current.status : {}), phase: "Terminating" } }
        : {})
    }
  }
}
