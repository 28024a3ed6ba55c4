/**
 * A controller's client with its own rate limit, as in client-go. A write that exceeds the limit ends the
 * reconciliation, which starts again when the limit allows it.
 */
import { equal } from "../apimachinery/Json.ts"
import type { Draft, KubeObject } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import { Pace } from "./Pace.ts"

export class Client {
  readonly registry: Registry
  readonly #pace: Pace

  /** Without `perSecond` there is no limit. The burst is twice the rate, as both snapshot controllers have it. */
  constructor(registry: Registry, perSecond?: number) {
    this.registry = registry
    this.#pace = new Pace(registry, perSecond === undefined ? undefined : { perSecond, burst: 2 * perSecond })
  }

  /** Runs a reconciliation; one that has to wait asks to be run again. */
  run(reconcile: () => number | undefined): number | undefined {
    return this.#pace.run(reconcile)
  }

  /** Reads, changes and writes; nothing happens when it is so already. */
  update<T extends KubeObject>(type: ResourceType<T>, object: T, change: (current: T) => Draft): T {
    const { namespace, name } = object.metadata
    const current = this.registry.find(type, namespace, name)
    const next = change(current)
    if (equal(next, current)) return current
    this.#pace.take()
    this.registry.update(type, namespace, name, () => next)
    return this.registry.store.get(type, namespace, name) ?? current
  }

  setStatus<T extends KubeObject>(type: ResourceType<T>, object: T, status: T["status"]): T {
    const { namespace, name, uid } = object.metadata
    const current = this.registry.store.get(type, namespace, name)
    if (current === undefined || current.metadata.uid !== uid) return object
    if (equal(current.status, status)) return current
    this.#pace.take()
    this.registry.setStatus(type, current, status)
    return this.registry.find(type, namespace, name)
  }

  create(type: ResourceType, namespace: string | undefined, draft: Draft): void {
    this.#pace.take()
    this.registry.create(type, namespace, draft)
  }

  remove(type: ResourceType, { metadata }: KubeObject): void {
    if (metadata.deletionTimestamp !== undefined) return
    this.#pace.take()
    this.registry.remove(type, metadata.namespace, metadata.name, { uid: metadata.uid })
  }

  addFinalizer<T extends KubeObject>(type: ResourceType<T>, object: T, finalizer: string): T {
    return this.update(type, object, (current) =>
      current.metadata.finalizers?.includes(finalizer) === true
        ? current
        : {
            ...current,
            metadata: {
              ...current.metadata,
              finalizers: [...(current.metadata.finalizers ?? []), finalizer]
            }
          }
    )
  }

  /** The object may be gone afterwards. */
  removeFinalizers(type: ResourceType, object: KubeObject, ...finalizers: ReadonlyArray<string>): void {
    const { namespace, name } = object.metadata
    if (this.registry.store.get(type, namespace, name) === undefined) return
    this.update(type, object, (current) => {
      const before = current.metadata.finalizers ?? []
      const left = before.filter((each) => !finalizers.includes(each))
      return left.length === before.length
        ? current
        : { ...current, metadata: { ...current.metadata, finalizers: left } }
    })
  }

  /** `undefined` takes the annotation away. */
  annotate<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    key: string,
    value: string | undefined
  ): T {
    return this.update(type, object, (current) => {
      const { [key]: before, ...others } = current.metadata.annotations ?? {}
      if (before === value) return current
      const annotations = value === undefined ? others : { ...others, [key]: value }
      return { ...current, metadata: { ...current.metadata, annotations } }
    })
  }
}

/** Exponential backoff: 1, 2, 4 … seconds, at most five minutes. */
export class Backoff {
  readonly #times = new Map<string, number>()

  next(key: string): number {
    const times = this.#times.get(key) ?? 0
    this.#times.set(key, times + 1)
    return Math.min(300_000, 1000 * 2 ** times)
  }

  reset(key: string): void {
    this.#times.delete(key)
  }
}
