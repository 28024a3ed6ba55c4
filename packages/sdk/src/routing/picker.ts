/**
 * A picker: one strategy over one view of the members. Everything that can be computed ahead is, so
 * that an answer costs a hash and no allocation.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { jump } from "./jump.ts"
import { type Availability, type Member, type Members, spanOf } from "../Members.ts"
import { heaviest, heaviestOf, type Weighable, weighable } from "./rendezvous.ts"
import { ownersOf, type Strategy } from "./strategy.ts"
import { remainder, type Word, word } from "./word.ts"
import { hashKey } from "./xxh64.ts"

/**
 * Reason that a key has no ordinal.
 *
 * - `InvalidStrategy`: it asks for less than one replica, or has no shards.
 * - `EmptyKey`: the key is the empty text; a missing field would send everything to one ordinal.
 * - `NoReplicas`: no ordinal is asked for.
 * - `NoneReady`: every ordinal that the strategy allows is NotReady, Leaving or Missing.
 * - `UnknownOrdinal`: the shard map names no existing or requested ordinal.
 */
export const RoutingReason = Schema.Union([
  Schema.TaggedStruct("InvalidStrategy", {}),
  Schema.TaggedStruct("EmptyKey", {}),
  Schema.TaggedStruct("NoReplicas", {}),
  Schema.TaggedStruct("NoneReady", {}),
  Schema.TaggedStruct("UnknownOrdinal", { shard: Schema.Natural })
])

/** The error of a pick. The message never has the key in it: it may be a customer's. */
export class RoutingError extends Schema.TaggedError<RoutingError>()("RoutingError", {
  reason: RoutingReason,
  message: Schema.String
}) {}

/** Answers in memory; `Routing.picker` creates one. */
export interface Picker {
  readonly strategy: Strategy
  readonly members: Members
  /**
   * The ordinal of a key: `sticky`, where it already is, as long as that pod exists, and otherwise where new
   * keys go.
   */
  readonly pick: (key: string, sticky?: number) => Result.Result<number, RoutingError>
  /** The replica set of a new key, its first choice first. Fewer than asked for while fewer are ready. */
  readonly pickAll: (key: string) => Result.Result<ReadonlyArray<number>, RoutingError>
  /** The replica set of a key as if all that is asked for were ready: where its data belongs. */
  readonly owners: (key: string) => Result.Result<ReadonlyArray<number>, RoutingError>
}

const words: Record<Availability, string> = {
  Ready: "ready",
  NotReady: "not ready",
  Leaving: "leaving",
  Missing: "missing"
}

const listed = (members: ReadonlyArray<Member>): string => {
  const shown = members.slice(0, 5).map(({ ordinal, availability }) => `${ordinal} is ${words[availability]}`)
  const more = members.length - shown.length
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`
}

const once = <A>(make: () => A): (() => A) => {
  let made: A | undefined
  return () => (made ??= make())
}

/** The errors of one view, each created once: a caller without an ordinal asks again and again. */
const errorsOf = ({ name, members, why }: Members) => {
  const byShard = new Map<number, Result.Result<never, RoutingError>>()
  const failed = (reason: typeof RoutingReason.Type, message: string) =>
    Result.fail(new RoutingError({ reason, message }))
  return {
    invalid: once(() =>
      failed(
        { _tag: "InvalidStrategy" },
        `the strategy for ${name} names no ordinal for any key: rendezvous takes a whole number of replicas from 1 on, and a table at least one shard`
      )
    ),
    emptyKey: once(() =>
      failed({ _tag: "EmptyKey" }, "the key is empty: pass the id that the data is kept under")
    ),
    noReplicas: once(() =>
      failed(
        { _tag: "NoReplicas" },
        why ?? `${name} has 0 replicas, so no ordinal can hold a key: scale it up first`
      )
    ),
    noneReady: once(() =>
      failed(
        { _tag: "NoneReady" },
        why ?? `no ordinal of ${name} takes new keys: ${listed(members)}; wait for one to become ready`
      )
    ),
    ofShard: (shard: number, owners: ReadonlyArray<number>) => {
      const known = byShard.get(shard)
      if (known !== undefined) return known
      const there = members.filter(({ ordinal }) => owners.includes(ordinal))
      const made =
        there.length === 0
          ? failed(
              { _tag: "UnknownOrdinal", shard },
              `shard ${shard} is on ${owners.join(", ")} by the table, and ${name} has no such ordinal: give the shard another`
            )
          : failed(
              { _tag: "NoneReady" },
              why ??
                `no ordinal of shard ${shard} of ${name} takes new keys: ${listed(there)}; wait for one to become ready`
            )
      byShard.set(shard, made)
      return made
    }
  }
}

/** The eligible ordinals, and the precomputed values of the strategies. */
interface Choice {
  readonly ordinals: ReadonlyArray<number>
  readonly has: ReadonlySet<number>
  readonly start: number
  /** The number of ordinals from `start` that modulo and jump count. */
  readonly span: number
  readonly weighed: () => Weighable
}

const choiceOf = (members: Members, may: (member: Member) => boolean, span: number): Choice => {
  const ordinals = members.members.filter(may).map(({ ordinal }) => ordinal)
  return {
    ordinals,
    has: new Set(ordinals),
    start: members.start,
    span,
    weighed: once(() => weighable(ordinals))
  }
}

/** Also for keys that modulo and jump would put on an ineligible ordinal: spread over all others. */
const byWeight = (hash: Word, { ordinals, weighed }: Choice): number =>
  ordinals.length === 0 ? -1 : (ordinals[heaviest(hash, weighed())] ?? -1)

const firstOf = (ordinals: ReadonlyArray<number>, among: ReadonlySet<number>): number => {
  for (const ordinal of ordinals) if (among.has(ordinal)) return ordinal
  return -1
}

/** The ordinal itself if it is eligible, otherwise another. */
const orByWeight = (ordinal: number, hash: Word, choice: Choice): number =>
  choice.has.has(ordinal) ? ordinal : byWeight(hash, choice)

/** The ordinal that the strategy names among these; -1: none. */
const named = (strategy: Strategy, hash: Word, choice: Choice): number => {
  const { start, span } = choice
  if (strategy._tag === "Modulo") return orByWeight(start + remainder(hash, span), hash, choice)
  if (strategy._tag === "Jump") return orByWeight(start + jump(hash, span), hash, choice)
  if (strategy._tag === "Rendezvous") return byWeight(hash, choice)
  return firstOf(ownersOf(strategy, hash), choice.has)
}

/** The same for all of a key's replicas. */
const allNamed = (strategy: Strategy, hash: Word, choice: Choice): ReadonlyArray<number> => {
  if (strategy._tag === "Rendezvous") return heaviestOf(hash, choice.weighed(), strategy.replicas)
  if (strategy._tag === "Table") {
    return ownersOf(strategy, hash).filter((ordinal) => choice.has.has(ordinal))
  }
  const ordinal = named(strategy, hash, choice)
  return ordinal < 0 ? [] : [ordinal]
}

/** Validates a strategy that was created by hand, as its schema does. */
const isValid = (strategy: Strategy): boolean => {
  if (strategy._tag === "Table") return strategy.shards.length > 0
  return strategy._tag !== "Rendezvous" || (Number.isInteger(strategy.replicas) && strategy.replicas > 0)
}

const isStaying = ({ availability }: Member): boolean => availability !== "Leaving"
const isReady = ({ availability }: Member): boolean => availability === "Ready"

/** One strategy over one view of the members; see `Routing.picker`. */
export const picker = (strategy: Strategy, members: Members): Picker => {
  const errors = errorsOf(members)
  if (!isValid(strategy)) {
    const invalid = () => errors.invalid()
    return { strategy, members, pick: invalid, pickAll: invalid, owners: invalid }
  }
  const stayingSpan = spanOf(members, isStaying)
  // A joining ordinal is not counted before it is ready, and a leaving one no longer, so that a key
  // moves once. Modulo cannot do so: with each blip of the last ordinal, most keys would move.
  const ready = choiceOf(
    members,
    isReady,
    strategy._tag === "Modulo" ? stayingSpan : spanOf(members, isReady)
  )
  const staying = choiceOf(members, isStaying, stayingSpan)

  // Answers are made once and given out again.
  const answers = new Map(members.members.map(({ ordinal }) => [ordinal, Result.succeed(ordinal)]))
  const present = new Set(
    members.members.filter(({ availability }) => availability !== "Missing").map(({ ordinal }) => ordinal)
  )
  const hash = word(0, 0)

  const none = () => {
    if (staying.ordinals.length === 0) return errors.noReplicas()
    return strategy._tag === "Table"
      ? errors.ofShard(remainder(hash, strategy.shards.length), ownersOf(strategy, hash))
      : errors.noneReady()
  }
  const all = (key: string, choice: Choice) => {
    if (key === "") return errors.emptyKey()
    hashKey(key, hash)
    const ordinals = allNamed(strategy, hash, choice)
    return ordinals.length === 0 ? none() : Result.succeed(ordinals)
  }
  return {
    strategy,
    members,
    pick: (key, sticky) => {
      if (key === "") return errors.emptyKey()
      if (sticky !== undefined && present.has(sticky)) return answers.get(sticky) ?? none()
      hashKey(key, hash)
      return answers.get(named(strategy, hash, ready)) ?? none()
    },
    pickAll: (key) => all(key, ready),
    owners: (key) => all(key, staying)
  }
}
