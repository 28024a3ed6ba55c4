/**
 * Valid inputs with a few edits: what is only random is refused by a parser's first line. An input is a list
 * of numbers, so that it shrinks by leaving edits out.
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"

const upTo = (maximum: number) =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum })))

/** What, where, and with what. */
export interface Edit {
  readonly kind: number
  readonly at: number
  readonly with: number
}

/** Which of the valid inputs, and its edits. */
export interface Mutation {
  readonly base: number
  readonly edits: ReadonlyArray<Edit>
}

export const mutations: Arbitrary.Arbitrary<Mutation> = Arbitrary.all({
  base: upTo(255),
  edits: Arbitrary.array(Arbitrary.all({ kind: upTo(6), at: upTo(1 << 20), with: upTo(1 << 20) }), {
    maxLength: 8
  })
})

/** Where bytes are cut into pieces. */
export const cuts: Arbitrary.Arbitrary<ReadonlyArray<number>> = Arbitrary.array(upTo(1 << 20), {
  maxLength: 8
})

/** C0, C1, DEL, bidi, zero width, separators, an invisible letter, a lone surrogate, wide and combining. */
export const hostile =
  "\u001b]0;T\u0007\u009b2J\u0085\u007f\u202e\u2066\u200b\ufeff\u2028\u{e0041}\ud800数e\u0301"

const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth)

/** Pieces that parsers trip over. */
const words: ReadonlyArray<string> = [
  "\0",
  "\n",
  "\r\n",
  "\t",
  " ",
  '"',
  "'",
  "\\",
  "{",
  "}",
  "[",
  "]",
  ":",
  ": ",
  ",",
  "- ",
  "---\n",
  "&a ",
  "*a",
  "<<: *a\n",
  "!!binary ",
  "? ",
  "| \n",
  "%YAML 9.9\n",
  "null",
  "-1",
  "1e999",
  "0x7fffffff",
  "99999999999999999999",
  "__proto__",
  "constructor",
  "prototype",
  hostile,
  "\ufeff",
  deep("[", "]", 2000),
  deep('{"a":', "}", 2000),
  "- ".repeat(500),
  "a".repeat(5000),
  "9".repeat(5000),
  "(".repeat(500),
  "\u0301".repeat(500)
]

/** The numbers of a seed, one after another. */
const noise = (seed: number, length: number): Uint8Array => {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1
  return Uint8Array.from({ length }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state & 255
  })
}

/** More is no other case, and takes longer. */
const mostBytes = 256 * 1024

const edited = (bytes: Buffer, { kind, at, with: by }: Edit, other: Buffer): Buffer => {
  const place = at % (bytes.length + 1)
  const [before, behind] = [bytes.subarray(0, place), bytes.subarray(place)]
  const length = 1 + (by % 32)
  switch (kind) {
    case 0:
      return Buffer.concat([before, Buffer.of(by & 255), behind.subarray(1)])
    case 1:
      return Buffer.concat([before, Buffer.from(words[by % words.length] ?? ""), behind])
    case 2:
      return Buffer.concat([before, behind.subarray(length)])
    case 3: {
      const piece = behind.subarray(0, length)
      return Buffer.concat([before, ...Array.from({ length: 1 << (by % 8) }, () => piece), behind])
    }
    case 4:
      return before
    case 5:
      return Buffer.concat([before, other.subarray(by % (other.length + 1))])
    default:
      return Buffer.concat([before, noise(by, length), behind.subarray(length)])
  }
}

const pick = <A>(all: ReadonlyArray<A>, place: number): A => {
  const found = all[place % all.length]
  if (found === undefined) throw new Error("an empty corpus")
  return found
}

/** One of the texts, edited as bytes: what comes out may be no UTF-8. */
export const bytesOf = (corpus: ReadonlyArray<Uint8Array | string>, { base, edits }: Mutation): Buffer => {
  let bytes: Buffer = Buffer.from(pick(corpus, base))
  for (const edit of edits) {
    const next = edited(bytes, edit, Buffer.from(pick(corpus, edit.with)))
    if (next.length <= mostBytes) bytes = next
  }
  return bytes
}

export const textOf = (corpus: ReadonlyArray<string>, mutation: Mutation): string =>
  bytesOf(corpus, mutation).toString("utf8")

const nested = (depth: number): unknown => JSON.parse(deep('{"a":[', "]}", depth).replace("[]", "[1]"))

/** Values of every type, and of the wrong one, wherever one stands. */
const values: ReadonlyArray<() => unknown> = [
  () => null,
  () => true,
  () => -1,
  () => 1e308,
  () => Number.MAX_SAFE_INTEGER + 1,
  () => "",
  () => hostile,
  () => "a".repeat(5000),
  () => "9".repeat(5000),
  () => [],
  () => ({}),
  () => [null],
  () => nested(50),
  () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  () => "__proto__"
]

type Holder = Record<string, unknown>

/** Every place in a value that holds another: an object and a key of it. */
const placesOf = (root: Holder): ReadonlyArray<readonly [Holder, string]> => {
  const places: Array<readonly [Holder, string]> = []
  const left: Array<Holder> = [root]
  for (let holder = left.pop(); holder !== undefined && places.length < 20_000; holder = left.pop()) {
    for (const [key, value] of Object.entries(holder)) {
      places.push([holder, key])
      if (typeof value === "object" && value !== null) left.push(value as Holder)
    }
  }
  return places
}

/** An own key, whatever its name. */
const put = (holder: Holder, key: string, value: unknown) =>
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })

/** One of the values, edited as a tree: what comes out is JSON still. */
export const valueOf = (corpus: ReadonlyArray<unknown>, { base, edits }: Mutation): unknown => {
  const root: Holder = { value: structuredClone(pick(corpus, base)) }
  for (const { kind, at, with: by } of edits) {
    const [holder, key] = pick(placesOf(root), at)
    const value = holder[key]
    if (kind < 3) put(holder, key, pick(values, by)())
    else if (kind === 3 && holder !== root) Reflect.deleteProperty(holder, key)
    else if (kind === 4 && !Array.isArray(holder))
      put(holder, pick(["__proto__", "constructor", hostile, "", "length"], by), value)
    else if (kind === 5) put(holder, key, [value, structuredClone(value)])
    else {
      const [other, name] = pick(placesOf(root), by)
      put(holder, key, structuredClone(other[name]))
    }
  }
  return root["value"]
}
