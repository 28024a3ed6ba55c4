/** Watches: where one starts, and which of the store's changes it sees as which event. */
import type { WatchEvent } from "@kubectl-stateful/sdk/Cluster"
import { inVersion } from "./Answer.ts"
import { freeze } from "../apimachinery/Json.ts"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import { integer, parseVersion, selectorOf } from "./List.ts"
import { groupVersion, type ResourceType } from "../apimachinery/ResourceType.ts"
import * as Selector from "../apimachinery/Selector.ts"
import * as Status from "../apimachinery/Status.ts"
import type { Change, Store } from "../registry/Store.ts"
import { prohibited, unsupported } from "../apimachinery/FieldError.ts"

const initialEnd = "k8s.io/initial-events-end"

const check = (query: URLSearchParams): void => {
  const match = query.get("resourceVersionMatch") ?? ""
  const initial = query.has("sendInitialEvents")
  const faults = []
  if (initial && match !== "NotOlderThan") {
    faults.push(
      prohibited(
        "resourceVersionMatch",
        "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
      )
    )
  }
  if (match !== "" && !initial) {
    faults.push(
      prohibited(
        "resourceVersionMatch",
        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
      )
    )
  }
  if (match !== "" && match !== "NotOlderThan") {
    faults.push(unsupported("resourceVersionMatch", match, ["NotOlderThan"]))
  }
  if (faults.length > 0) throw Status.invalidOptions("ListOptions", faults)
}

/** A list calls a bad version the caller's fault, a watch the server's own. */
const versionOf = (text: string | null): number | undefined => {
  if (text !== null && !/^\d*$/.test(text)) {
    const shown = JSON.stringify(text)
    throw Status.plain(
      500,
      `resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: invalid syntax`
    )
  }
  return parseVersion(text)
}

/** One watch: a position in the history, advanced by `next`. It stores no events of its own. */
export class Watch {
  readonly type: ResourceType
  /** Seconds until the server ends it, as asked; undefined: its own choice. */
  readonly timeoutSeconds: number | undefined
  readonly bookmarks: boolean
  readonly #store: Store
  readonly #version: string
  readonly #namespace: string | undefined
  readonly #match: Selector.Match
  readonly #show: (event: WatchEvent) => WatchEvent
  #position: number
  #initial: ReadonlyArray<WatchEvent>
  #over = false

  constructor(
    store: Store,
    type: ResourceType,
    version: string,
    namespace: string | undefined,
    name: string | undefined,
    query: URLSearchParams,
    show: (event: WatchEvent) => WatchEvent
  ) {
    check(query)
    this.type = type
    this.#show = show
    this.#store = store
    this.#version = version
    this.#namespace = namespace
    this.#match = Selector.both(
      selectorOf(type, query),
      name === undefined ? Selector.labels("") : (object) => object.metadata.name === name
    )
    this.bookmarks = isTrue(query.get("allowWatchBookmarks"))
    const seconds = integer(query.get("timeoutSeconds"))
    this.timeoutSeconds = seconds > 0 ? seconds : undefined
    const from = versionOf(query.get("resourceVersion"))
    const sendInitial = query.get("sendInitialEvents")
    const initial = sendInitial === null ? from === undefined || from === 0 : isTrue(sendInitial)
    this.#position = initial || from === undefined || from === 0 ? store.revision : from
    this.#initial = initial
      ? [
          ...store
            .list(type, namespace)
            .filter(this.#match)
            .map((object): WatchEvent => ({ type: "ADDED", object: this.#shown(object) })),
          ...(sendInitial !== null && this.bookmarks ? [this.#bookmark({ [initialEnd]: "true" })] : [])
        ]
      : []
  }

  #shown(object: KubeObject): KubeObject {
    return freeze(inVersion(this.type, this.#version, object))
  }

  #bookmark(annotations?: Readonly<Record<string, string>>): WatchEvent {
    return {
      type: "BOOKMARK",
      object: {
        kind: this.type.kind,
        apiVersion: groupVersion(this.type, this.#version),
        metadata: {
          resourceVersion: String(this.#position),
          ...(annotations === undefined ? {} : { annotations })
        }
      }
    }
  }

  /** A bookmark of everything that was seen so far. */
  bookmark(): WatchEvent {
    return this.#show(this.#bookmark())
  }

  /** True if an ERROR was the last event. */
  get over(): boolean {
    return this.#over
  }

  /** The events since the last call, as this watch sees them. */
  next(): ReadonlyArray<WatchEvent> {
    return this.#over ? [] : this.#seenSince().map(this.#show)
  }

  #seenSince(): ReadonlyArray<WatchEvent> {
    const initial = this.#initial
    this.#initial = []
    const changes = this.#store.since(this.type, this.#position)
    if (changes === undefined) {
      this.#over = true
      const { status } = Status.expired(
        `too old resource version: ${this.#position} (${this.#store.oldest(this.type)})`
      )
      return [...initial, { type: "ERROR", object: status }]
    }
    if (changes.length === 0) {
      // Nothing of this kind happened up to now: a bookmark may say so.
      this.#position = Math.max(this.#position, this.#store.revision)
      return initial
    }
    const events = [...initial]
    for (const change of changes) {
      this.#position = change.revision
      const event = this.#seen(change)
      if (event !== undefined) events.push(event)
    }
    return events
  }

  #seen({ kind, object, previous }: Change): WatchEvent | undefined {
    if (this.#namespace !== undefined && object.metadata.namespace !== this.#namespace) return undefined
    const before = previous !== undefined && this.#match(previous)
    const after = kind !== "DELETED" && this.#match(object)
    if (after) return { type: before ? "MODIFIED" : "ADDED", object: this.#shown(object) }
    if (!before) return undefined
    // What left the selection is shown as it was, under the version at which it left.
    const last: KubeObject =
      kind === "DELETED"
        ? object
        : {
            ...previous,
            metadata: { ...previous.metadata, resourceVersion: object.metadata.resourceVersion }
          }
    return { type: "DELETED", object: this.#shown(last) }
  }
}

/** As the server reads a flag of a query: whatever is not a no. */
export const isTrue = (text: string | null): boolean => text !== null && text !== "false" && text !== "0"
