/**
 * Routing: from a key to the ordinal of the StatefulSet's pod that stores it, in memory.
 *
 * Pure: from a strategy and a view of the members to ordinals. `Discovery` gives such views; where
 * the number of replicas is all there is to know, `allReady` does.
 *
 * | strategy | keys that move from N to N + 1 | for |
 * |---|---|---|
 * | `modulo` | N / (N + 1): nearly all | a number of replicas that never changes |
 * | `jump` | 1 / (N + 1), all to the new ordinal | ordinals, which are added and removed at the end |
 * | `rendezvous` | 1 / (N + 1), all to the new ordinal | several replicas a key, ordinals lost in the middle |
 * | `table` | those that you move | shards that are moved by hand, or by `rebalanced` |
 *
 * A key is hashed by XXH64 with seed 0 over its UTF-8 bytes, so that a service in any language finds the same
 * ordinal; docs/routing.md has the values to check it with.
 */
import type { Strategy, Table } from "./routing/strategy.ts"
import { valueOf, word } from "./routing/word.ts"
import { hashKey } from "./routing/xxh64.ts"

export { allReady, Availability, Member, Members } from "./Members.ts"
export {
  type Change,
  type KeyMove,
  movedShare,
  moveOf,
  moves,
  type ShardMove,
  shardMoves
} from "./routing/moves.ts"
export { type Picker, picker, RoutingError, RoutingReason } from "./routing/picker.ts"
export { type Router, router } from "./routing/router.ts"
export { Jump, Modulo, Rendezvous, Strategy, Table } from "./routing/strategy.ts"
export { rebalanced, tableOf } from "./routing/table.ts"

/** The key's hash modulo the number of replicas. **Caveats**: with one replica more or fewer, nearly all keys move. */
export const modulo: Strategy = { _tag: "Modulo" }

/**
 * Jump consistent hash (Lamping and Veach, 2014): the least possible number of keys moves, and each ordinal
 * has the same share. **Caveats**: only the highest ordinals can be added and removed cheaply, as those of a
 * StatefulSet; the keys of one that is lost in the middle are spread over all others.
 */
export const jump: Strategy = { _tag: "Jump" }

/**
 * Rendezvous hashing (Thaler and Ravishankar, 1998): each key on `replicas` ordinals, in an order of
 * preference; the least possible number of copies moves, whichever ordinal is added or removed.
 *
 * **Default:** 1 replica. **Caveats**: a pick costs time in proportion to the number of ordinals.
 */
export const rendezvous = (replicas = 1): Strategy => ({ _tag: "Rendezvous", replicas })

/**
 * A shard map: a key's shard is its hash modulo the number of shards, and `shards[shard]` lists the
 * ordinals that hold it, the first choice first. **Caveats**: the number of shards never changes
 * again without moving nearly all keys; take many times the replicas that you will ever have.
 */
export const table = (shards: Table["shards"]): Table => ({ _tag: "Table", shards })

/** The 64-bit number that a key's ordinal is computed from, to compare with other languages. */
export const hash = (key: string): bigint => {
  const into = word(0, 0)
  hashKey(key, into)
  return valueOf(into)
}
