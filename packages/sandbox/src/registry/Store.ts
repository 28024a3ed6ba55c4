/**
 * The counterpart of etcd and the watch cache: objects by resource, namespace and name, one counter of
 * versions over all of them, and a bounded history that watches and consistent lists read from.
 *
 * Objects are never changed in place, so every read hands out the object itself.
 */
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"

export interface Change {
  readonly type: ResourceType
  readonly kind: "ADDED" | "MODIFIED" | "DELETED"
  readonly revision: number
  /** Of a deletion: the last state, under the deletion's resourceVersion. */
  readonly object: KubeObject
  readonly previous: KubeObject | undefined
}

/** etcd's key order: `a-b/x` comes before `a/x`, and lists come in this order. */
const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ""}/${name}`

export const keyOfObject = (object: KubeObject): string =>
  keyOf(object.metadata.namespace, object.metadata.name)

/** The first index whose item is not below `bound`. */
const lowerBound = <T>(items: ReadonlyArray<T>, below: (item: T) => boolean): number => {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const item = items[middle]
    if (item !== undefined && below(item)) low = middle + 1
    else high = middle
  }
  return low
}

interface Table {
  readonly objects: Map<string, KubeObject>
  /** Sorted. */
  readonly keys: Array<string>
  /** Ascending by revision. */
  history: Array<Change>
  /** The revision of the newest change that history no longer holds. */
  compacted: number
}

const withRevision = (object: KubeObject, revision: number): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(revision) }
})

export class Store {
  /** The version of the newest write. */
  revision = 1
  readonly #historySize: number
  readonly #tables = new Map<ResourceType, Table>()
  readonly #listeners = new Set<(change: Change) => void>()
  readonly #dependents = new Map<string, Map<string, readonly [ResourceType, string]>>()

  /** `historySize`: changes kept per resource before the oldest are compacted. */
  constructor(historySize = 8192) {
    this.#historySize = historySize
  }

  #table(type: ResourceType): Table {
    let table = this.#tables.get(type)
    if (table === undefined) {
      table = { objects: new Map(), keys: [], history: [], compacted: 0 }
      this.#tables.set(type, table)
    }
    return table
  }

  get<T extends KubeObject>(
    type: ResourceType<T>,
    namespace: string | undefined,
    name: string
  ): T | undefined {
    // What a type's table holds has passed that type's decoding: the one place where it is given back as such.
    return this.#table(type).objects.get(keyOf(namespace, name)) as T | undefined
  }

  /** In key order; all namespaces when none is named. */
  list<T extends KubeObject>(type: ResourceType<T>, namespace?: string): ReadonlyArray<T> {
    const { keys, objects } = this.#table(type)
    const found: Array<T> = []
    const prefix = namespace === undefined ? "" : `${namespace}/`
    for (let i = lowerBound(keys, (key) => key < prefix); i < keys.length; i++) {
      const key = keys[i]
      if (key === undefined || !key.startsWith(prefix)) break
      const object = objects.get(key)
      if (object !== undefined) found.push(object as T)
    }
    return found
  }

  /** The list as it was at a revision, or `undefined` when the history to know that is gone. */
  listAt(
    type: ResourceType,
    namespace: string | undefined,
    revision: number
  ): ReadonlyArray<KubeObject> | undefined {
    const { history, compacted } = this.#table(type)
    if (revision < compacted) return undefined
    const from = lowerBound(history, (change) => change.revision <= revision)
    if (from === history.length) return this.list(type, namespace)
    const objects = new Map(this.#table(type).objects)
    for (let i = history.length - 1; i >= from; i--) {
      const change = history[i]
      if (change === undefined) continue
      const key = keyOfObject(change.object)
      if (change.previous === undefined) objects.delete(key)
      else objects.set(key, change.previous)
    }
    return [...objects]
      .filter(([, object]) => namespace === undefined || object.metadata.namespace === namespace)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([, object]) => object)
  }

  count(type: ResourceType): number {
    return this.#table(type).keys.length
  }

  /** Creates or replaces, under the next version. */
  put(type: ResourceType, object: KubeObject): KubeObject {
    const table = this.#table(type)
    const key = keyOfObject(object)
    const previous = table.objects.get(key)
    const stored = withRevision(object, ++this.revision)
    table.objects.set(key, stored)
    if (previous === undefined)
      table.keys.splice(
        lowerBound(table.keys, (other) => other < key),
        0,
        key
      )
    this.#index(type, key, previous, stored)
    this.#record(table, {
      type,
      kind: previous === undefined ? "ADDED" : "MODIFIED",
      revision: this.revision,
      object: stored,
      previous
    })
    return stored
  }

  /** Returns the last state, under the deletion's version; `undefined` when there was none. */
  remove(type: ResourceType, namespace: string | undefined, name: string): KubeObject | undefined {
    const table = this.#table(type)
    const key = keyOf(namespace, name)
    const previous = table.objects.get(key)
    if (previous === undefined) return undefined
    table.objects.delete(key)
    table.keys.splice(
      lowerBound(table.keys, (other) => other < key),
      1
    )
    const object = withRevision(previous, ++this.revision)
    this.#index(type, key, previous, undefined)
    this.#record(table, { type, kind: "DELETED", revision: this.revision, object, previous })
    return object
  }

  #index(
    type: ResourceType,
    key: string,
    previous: KubeObject | undefined,
    current: KubeObject | undefined
  ): void {
    const before = previous?.metadata.ownerReferences
    const after = current?.metadata.ownerReferences
    if (before === after) return
    const entry = `${type.group}/${type.resource}/${key}`
    for (const owner of before ?? []) {
      const dependents = this.#dependents.get(owner.uid)
      dependents?.delete(entry)
      if (dependents?.size === 0) this.#dependents.delete(owner.uid)
    }
    for (const owner of after ?? []) {
      let dependents = this.#dependents.get(owner.uid)
      if (dependents === undefined) this.#dependents.set(owner.uid, (dependents = new Map()))
      dependents.set(entry, [type, key])
    }
  }

  /** The objects whose ownerReferences name this uid, oldest reference first. */
  dependents(uid: string): ReadonlyArray<readonly [ResourceType, KubeObject]> {
    const found: Array<readonly [ResourceType, KubeObject]> = []
    for (const [type, key] of this.#dependents.get(uid)?.values() ?? []) {
      const object = this.#table(type).objects.get(key)
      if (object !== undefined) found.push([type, object])
    }
    return found
  }

  #record(table: Table, change: Change): void {
    table.history.push(change)
    if (table.history.length > this.#historySize) this.#forget(table, table.history.length >>> 1)
    for (const listener of this.#listeners) listener(change)
  }

  #forget(table: Table, count: number): void {
    if (count <= 0) return
    table.compacted = table.history[count - 1]?.revision ?? table.compacted
    table.history = table.history.slice(count)
  }

  /** Changes after a revision, oldest first, or `undefined` when some of them are forgotten. */
  since(type: ResourceType, revision: number): ReadonlyArray<Change> | undefined {
    const { history, compacted } = this.#table(type)
    if (revision < compacted) return undefined
    const from = lowerBound(history, (change) => change.revision <= revision)
    return from === history.length ? [] : history.slice(from)
  }

  /** The oldest revision that a list or a watch of this resource can still start from. */
  oldest(type: ResourceType): number {
    return this.#table(type).compacted
  }

  /** Everything that there is, as if it had just come. */
  all(): ReadonlyArray<Change> {
    return [...this.#tables].flatMap(([type]) =>
      this.list(type).map((object): Change => ({
        type,
        kind: "ADDED",
        revision: Number(object.metadata.resourceVersion),
        object,
        previous: undefined
      }))
    )
  }

  /** Forgets the history up to a revision, as etcd's compaction does every five minutes. */
  compact(revision = this.revision): void {
    for (const table of this.#tables.values()) {
      this.#forget(
        table,
        lowerBound(table.history, (change) => change.revision <= revision)
      )
      table.compacted = Math.max(table.compacted, Math.min(revision, this.revision))
    }
  }

  /** Notifies the listeners of an unchanged object; watches see nothing. */
  touch(type: ResourceType, object: KubeObject): void {
    const change: Change = {
      type,
      kind: "MODIFIED",
      revision: Number(object.metadata.resourceVersion),
      object,
      previous: object
    }
    for (const listener of this.#listeners) listener(change)
  }

  /** Called with each change, in order, within its write. Returns a function that stops it. */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }
}

/** Read access to objects before a write. */
export interface Stored {
  readonly store: Store
}
