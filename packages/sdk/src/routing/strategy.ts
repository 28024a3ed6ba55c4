/**
 * Strategies: plain data, so that they can be in a configuration that services in other languages read as
 * well.
 */
import * as Schema from "effect/Schema"
import { remainder, type Word } from "./word.ts"

const Positive = Schema.Int.check(Schema.isGreaterThan(0))

/** `hash mod count`. */
export const Modulo = Schema.TaggedStruct("Modulo", {})

/** Jump consistent hash. */
export const Jump = Schema.TaggedStruct("Jump", {})

/** Highest random weight: each key on this number of ordinals. */
export const Rendezvous = Schema.TaggedStruct("Rendezvous", { replicas: Positive })

/** A shard map: a key's shard is `hash mod shards.length`, and each shard names its ordinals, the first choice first. */
export const Table = Schema.TaggedStruct("Table", {
  shards: Schema.NonEmptyArray(Schema.NonEmptyArray(Schema.Natural))
})
export type Table = typeof Table.Type

export const Strategy = Schema.Union([Modulo, Jump, Rendezvous, Table])
export type Strategy = typeof Strategy.Type

/** The ordinals that hold the shard of this hash. */
export const ownersOf = ({ shards }: Table, hash: Word): ReadonlyArray<number> =>
  shards[remainder(hash, shards.length)] ?? []
