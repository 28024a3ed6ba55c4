/**
 * What is left of an answer when chance is taken out of it: uids, resourceVersions,
 * revisions and addresses become numbers in the order of their first appearance, so
 * that "the same uid as before" still shows; times become words.
 */

export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

export const isObject = (value: unknown): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isArray = (value: Json): value is ReadonlyArray<Json> => Array.isArray(value)

/** Fields that say who wrote what, or what the documentation says: no behaviour of ours leans on them. */
const dropped = ["managedFields", "description"]

const uidPattern = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const revisionPattern = /\b([a-z][a-z0-9-]*)-([bcdfghjklmnpqrstvwxz2456789]{8,10})$/

/** One reader of one conversation: it remembers what it has seen. */
export class Normal {
  readonly #words: ReadonlyArray<readonly [string, string]>
  readonly #seen = new Map<string, Map<string, number>>()

  /** `words`: names made for this run alone, and what stands for them. */
  constructor(words: ReadonlyArray<readonly [string, string]>) {
    this.#words = words
  }

  #number(kind: string, value: string): string {
    const known = this.#seen.get(kind) ?? new Map<string, number>()
    this.#seen.set(kind, known)
    const number = known.get(value) ?? known.size + 1
    known.set(value, number)
    return `<${kind} ${number}>`
  }

  text(value: string): string {
    let text = value
    for (const [word, stands] of this.#words) text = text.replaceAll(word, stands)
    return (
      text
        .replaceAll(/\b[0-9a-f]{64}\b/g, (hash) => this.#number("hash", hash))
        .replaceAll(uidPattern, (uid) => this.#number("uid", uid))
        .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g, "<microtime>")
        .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "<time>")
        .replaceAll(/(ResourceVersion in (?:precondition|record)) \(\d+\)/g, "$1 (<rv>)")
        .replaceAll(/(ResourceVersion in object meta:) \d+/g, "$1 <rv>")
        .replaceAll(/(current:) \d+/g, "$1 <rv>")
        .replaceAll(/(too old resource version: \d+) \(\d+\)/g, "$1 (<rv>)")
        // The server shows the patched object with its managedFields; the sandbox never shows an object in an error.
        .replaceAll(
          /(patch: |^)Invalid value: "(?:\{\\"apiVersion\\".*\}|map\[.*\])": /gs,
          "$1Invalid value: "
        )
        .replaceAll(/\b(kube-api-access-)[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, "$1<letters>")
        .replaceAll(/\b10\.\d+\.\d+\.\d+\b/g, (address) => this.#number("address", address))
        .replaceAll(/\b(generated-)[bcdfghjklmnpqrstvwxz2456789]{5}\b/g, "$1<letters>")
    )
  }

  #field(key: string, value: Json, ofList: boolean): Json {
    if (key === "resourceVersion" && typeof value === "string" && value !== "")
      return ofList ? "<rv>" : this.#number("rv", value)
    if (key === "continue" && typeof value === "string" && value !== "") return "<continue>"
    if (
      [
        "controller-revision-hash",
        "controller.kubernetes.io/hash",
        "currentRevision",
        "updateRevision"
      ].includes(key) &&
      typeof value === "string"
    )
      return this.#number("revision", value)
    return this.json(value, ofList)
  }

  /** Keys sorted, so that two answers with the same content are the same text. */
  json(value: Json, ofList = false): Json {
    if (typeof value === "string") return this.text(value)
    if (isArray(value)) return value.map((item) => this.json(item))
    if (!isObject(value)) return value
    const { kind } = value
    if (kind === "ControllerRevision" && isObject(value["metadata"])) {
      const { name } = value["metadata"]
      const { data: _, ...rest } = value
      return this.#keys(
        typeof name === "string" && revisionPattern.test(name)
          ? { ...rest, metadata: { ...value["metadata"], name: this.#number("revision", name) } }
          : rest,
        false
      )
    }
    const list = typeof kind === "string" && (kind.endsWith("List") || kind === "Table")
    const { items } = value
    // Items of a list carry no kind, and revisions have a hash for a name.
    const named =
      kind === "ControllerRevisionList" && items !== undefined && isArray(items)
        ? {
            ...value,
            items: items.map((item) => (isObject(item) ? { ...item, kind: "ControllerRevision" } : item))
          }
        : value
    return this.#keys(named, list || (ofList && kind === undefined))
  }

  #keys(value: { readonly [key: string]: Json }, ofList: boolean): Json {
    const answer: Record<string, Json> = {}
    for (const key of Object.keys(value).toSorted()) {
      const item = value[key]
      if (item === undefined || dropped.includes(key)) continue
      answer[this.text(key)] = key === "metadata" ? this.json(item, ofList) : this.#field(key, item, ofList)
    }
    return answer
  }
}
