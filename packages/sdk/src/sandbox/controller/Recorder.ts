/**
 * The events that controllers leave on the objects they work on, as `kubectl describe`
 * shows them: one object for equal ones, with a count, gone an hour after the last.
 */
import type { Draft, KubeObject } from "../KubeObject.ts"
import type { Registry } from "../Registry.ts"
import { type Event, events } from "../resource/core.ts"
import { Refusal } from "../Status.ts"
import * as Timestamp from "../Timestamp.ts"
import type { Controller } from "./Controller.ts"

export interface Happening {
  readonly type?: "Normal" | "Warning"
  readonly reason: string
  readonly message: string
  /** Such as `kubelet`. */
  readonly component: string
  /** The node that a kubelet speaks for. */
  readonly host?: string
  /** Such as `spec.containers{db}`. */
  readonly fieldPath?: string
}

/** As the API server's `--event-ttl`. */
const lifeMillis = 3_600_000

export class Recorder {
  readonly #registry: Registry
  /** The name and the last time of each event that is there, the least recent first. */
  readonly #known = new Map<
    string,
    { readonly namespace: string; readonly name: string; readonly at: number }
  >()
  readonly #isOn: boolean

  /** `isOn`: false where nobody reads events, and thousands of pods are held. */
  constructor(registry: Registry, isOn = true) {
    this.#registry = registry
    this.#isOn = isOn
  }

  record(about: KubeObject, happening: Happening): void {
    if (!this.#isOn) return
    const { type = "Normal", reason, message, component, host = "", fieldPath = "" } = happening
    const key = [about.metadata.uid, type, reason, message, component, fieldPath].join("|")
    const known = this.#known.get(key)
    const at = this.#registry.now()
    const namespace = about.metadata.namespace ?? "default"
    const time = Timestamp.fromMillis(at)
    this.#known.delete(key)
    try {
      if (known !== undefined && this.#count(known.namespace, known.name, time)) {
        this.#known.set(key, { ...known, at })
        return
      }
      const name = `${about.metadata.name}.${Math.floor(this.#registry.random() * 2 ** 48)
        .toString(16)
        .padStart(16, "0")}`
      const event: Draft & Readonly<Record<string, unknown>> = {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name, namespace },
        involvedObject: {
          apiVersion: about.apiVersion,
          kind: about.kind,
          name: about.metadata.name,
          ...(about.metadata.namespace === undefined ? {} : { namespace }),
          uid: about.metadata.uid,
          resourceVersion: about.metadata.resourceVersion,
          ...(fieldPath === "" ? {} : { fieldPath })
        },
        reason,
        message,
        type,
        count: 1,
        firstTimestamp: time,
        lastTimestamp: time,
        source: { component, ...(host === "" ? {} : { host }) },
        reportingComponent: component,
        reportingInstance: host
      }
      this.#registry.create(events, namespace, event)
      this.#known.set(key, { namespace, name, at })
    } catch (refusal) {
      // A namespace that is going away, or a quota: an event is never worth a failure.
      if (!(refusal instanceof Refusal)) throw refusal
    }
  }

  #count(namespace: string, name: string, time: string): boolean {
    const event = this.#registry.store.get(events, namespace, name)
    if (event === undefined) return false
    const counted: Event = { ...event, count: (event.count ?? 1) + 1, lastTimestamp: time }
    this.#registry.store.put(events, counted)
    return true
  }

  /** Removes what is too old; answers when the next one will be. */
  expire(): number | undefined {
    for (const [key, { namespace, name, at }] of this.#known) {
      const left = at + lifeMillis - this.#registry.now()
      if (left > 0) return left
      this.#known.delete(key)
      this.#registry.store.remove(events, namespace, name)
    }
    return undefined
  }

  /** What removes old events, as etcd's leases do. */
  get controller(): Controller {
    return {
      name: "event-ttl",
      keysOf: ({ kind, type }) => (type === events && kind !== "DELETED" ? ["all"] : []),
      reconcile: () => this.expire()
    }
  }
}
