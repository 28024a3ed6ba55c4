/**
 * The keys, or shards, whose ordinals differ between two routings: the data that a migration has to copy
 * before, or after, a scale.
 */
import * as Result from "effect/Result"
import type { Picker, RoutingError } from "./picker.ts"
import type { Strategy, Table } from "./strategy.ts"

/** The move of a key, or of a range of shards. */
export interface Change {
  /** Ordinals that hold it no more. */
  readonly from: ReadonlyArray<number>
  /** Ordinals that hold it from now on. */
  readonly to: ReadonlyArray<number>
}

export interface KeyMove extends Change {
  readonly key: string
}

/** Shards `first` to `last`, both included, all with the same change. */
export interface ShardMove extends Change {
  readonly first: number
  readonly last: number
}

const without = (list: ReadonlyArray<number>, other: ReadonlyArray<number>): ReadonlyArray<number> =>
  list.filter((ordinal) => !other.includes(ordinal))

const changeOf = (before: ReadonlyArray<number>, after: ReadonlyArray<number>): Change | null => {
  const change = { from: without(before, after), to: without(after, before) }
  return change.from.length === 0 && change.to.length === 0 ? null : change
}

/** One key's change of owners; null when it stays. */
export const moveOf = (
  before: Picker,
  after: Picker,
  key: string
): Result.Result<Change | null, RoutingError> =>
  Result.flatMap(before.owners(key), (from) => Result.map(after.owners(key), (to) => changeOf(from, to)))

/** Those of the keys that change their owners, as they are asked for: nothing is kept. */
export const moves = function* (
  before: Picker,
  after: Picker,
  keys: Iterable<string>
): Generator<KeyMove, void, void> {
  for (const key of keys) {
    const change = Result.getOrThrow(moveOf(before, after, key))
    if (change !== null) yield { key, ...change }
  }
}

const isSame = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): boolean =>
  a.length === b.length && a.every((ordinal, index) => ordinal === b[index])

/** The shards that change their owners, in ranges; `null` if the tables have different numbers of shards. */
export const shardMoves = (before: Table, after: Table): ReadonlyArray<ShardMove> | null => {
  if (before.shards.length !== after.shards.length) return null
  const runs: Array<{ first: number; last: number } & Change> = []
  for (const [shard, owners] of before.shards.entries()) {
    const change = changeOf(owners, after.shards[shard] ?? [])
    if (change === null) continue
    const run = runs.at(-1)
    if (run?.last === shard - 1 && isSame(run.from, change.from) && isSame(run.to, change.to)) {
      run.last = shard
    } else runs.push({ first: shard, last: shard, ...change })
  }
  return runs
}

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b))

/**
 * The share of all copies of keys that move to an ordinal which did not have them, when `from` replicas
 * become `to`: from 0 to 1, the expected value for many keys. `null` for a shard map, which moves nothing by
 * itself.
 */
export const movedShare = (strategy: Strategy, from: number, to: number): number | null => {
  if (strategy._tag === "Table") return null
  if (to === 0 || from === to) return 0
  if (from === 0) return 1
  const [fewer, more] = [Math.min(from, to), Math.max(from, to)]
  if (strategy._tag === "Modulo") return 1 - (fewer * greatestDivisor(from, to)) / (from * to)
  if (to > from || strategy._tag === "Jump") return 1 - fewer / more
  // If fewer ordinals are left than copies, some of a removed ordinal's copies have no new place.
  const { replicas } = strategy
  return 1 - (Math.min(replicas, more) * fewer) / (more * Math.min(replicas, fewer))
}
