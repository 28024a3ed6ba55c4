/**
 * The events that controllers leave on the objects they work on, as `kubectl describe`
 * shows them: one object for equal ones, with a count, gone an hour after the last.
 */
import type { Draft, KubeObject } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import { type Event, events } from "../registry/kinds/core.ts"
import { Refusal } from "../apimachinery/Status.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
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

/** Events that differ only in their message are combined beyond this number. */
const mostAlike = 10

const combined = "(combined from similar events): "

interface Sent {
  readonly name: string
  /** Empty for the one that combines the rest. */
  readonly message: string
  readonly fieldPath: string
}

/** Events on one object, of one type and reason and from one sender. */
interface Alike {
  readonly namespace: string
  readonly sent: Array<Sent>
  at: number
}

export class Recorder {
  readonly #registry: Registry
  /** The least recent first. */
  readonly #alike = new Map<string, Alike>()
  readonly #isOn: boolean

  /** `isOn` is false if no events are read and there are thousands of pods. */
  constructor(registry: Registry, isOn = true) {
    this.#registry = registry
    this.#isOn = isOn
  }

  record(about: KubeObject, happening: Happening): void {
    if (!this.#isOn) return
    const { type = "Normal", reason, message, component, fieldPath = "" } = happening
    const alike = this.#of([about.metadata.uid, type, reason, component].join("|"), about)
    const same = alike.sent.find((each) => each.message === message && each.fieldPath === fieldPath)
    const isOneOfMany = same === undefined && alike.sent.length >= mostAlike
    const known = isOneOfMany ? alike.sent.find((each) => each.message === "") : same
    const words = isOneOfMany ? `${combined}${message}` : message
    try {
      if (known !== undefined && this.#count(alike.namespace, known.name, words)) return
      const name = this.#create(about, alike.namespace, { ...happening, message: words })
      if (known !== undefined) alike.sent.splice(alike.sent.indexOf(known), 1)
      alike.sent.push({ name, message: isOneOfMany ? "" : message, fieldPath })
    } catch (refusal) {
      // A terminating namespace, or a quota: an event never causes a failure.
      if (!(refusal instanceof Refusal)) throw refusal
    }
  }

  /** Counts and combines events by sender, as client-go's correlator does, but never resets. */
  #of(key: string, about: KubeObject): Alike {
    const at = this.#registry.now()
    const known = this.#alike.get(key)
    const namespace = about.metadata.namespace ?? "default"
    const alike = known ?? { namespace, sent: [], at }
    alike.at = at
    this.#alike.delete(key)
    this.#alike.set(key, alike)
    return alike
  }

  #create(about: KubeObject, namespace: string, happening: Happening): string {
    const { type = "Normal", reason, message, component, host = "", fieldPath = "" } = happening
    const suffix = Math.floor(this.#registry.random() * 2 ** 48)
    const name = `${about.metadata.name}.${suffix.toString(16).padStart(16, "0")}`
    const time = Timestamp.fromMillis(this.#registry.now())
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
    return name
  }

  #count(namespace: string, name: string, message: string): boolean {
    const event = this.#registry.store.get(events, namespace, name)
    if (event === undefined) return false
    const lastTimestamp = Timestamp.fromMillis(this.#registry.now())
    const counted: Event = { ...event, message, count: (event.count ?? 1) + 1, lastTimestamp }
    this.#registry.store.put(events, counted)
    return true
  }

  #drop({ namespace, sent }: Alike): void {
    for (const { name } of sent.splice(0)) this.#registry.store.remove(events, namespace, name)
  }

  /** Removes what is too old; answers when the next will be. */
  expire(): number | undefined {
    for (const [key, alike] of this.#alike) {
      const left = alike.at + lifeMillis - this.#registry.now()
      if (left > 0) return left
      this.#alike.delete(key)
      this.#drop(alike)
    }
    return undefined
  }

  /** The controller that removes old events, as etcd's leases do. */
  get controller(): Controller {
    return {
      name: "event-ttl",
      keysOf: ({ kind, type }) => (type === events && kind !== "DELETED" ? ["all"] : []),
      reconcile: () => this.expire()
    }
  }
}
