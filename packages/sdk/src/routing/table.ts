/** Shard maps: created from a strategy once, and changed by as few moves as an even load allows. */
import * as Result from "effect/Result"
import type { Picker, RoutingError } from "./picker.ts"
import type { Table } from "./strategy.ts"

/** A table with this number of shards, each on its owners by this picker; the shard's number is its key. */
export const tableOf = (picker: Picker, shards: number): Result.Result<Table, RoutingError> => {
  const owners: Array<readonly [number, ...ReadonlyArray<number>]> = []
  for (let shard = 0; shard < Math.max(1, shards); shard++) {
    const named = picker.owners(`${shard}`)
    if (Result.isFailure(named)) return Result.fail(named.failure)
    const [first, ...others] = named.success
    if (first !== undefined) owners.push([first, ...others])
  }
  const [first, ...others] = owners
  // There is one shard at least, and each has an owner.
  return Result.succeed({ _tag: "Table", shards: first === undefined ? [[0]] : [first, ...others] })
}

/** Shards by their ordinal. */
type Loads = Map<number, Array<number>>

const extreme = (loads: Loads, isBetter: (a: number, b: number) => boolean, fits: (o: number) => boolean) => {
  let found = -1
  let best = 0
  for (const [ordinal, { length }] of loads) {
    if (fits(ordinal) && (found < 0 || isBetter(length, best))) {
      found = ordinal
      best = length
    }
  }
  return found
}

const least = (loads: Loads, fits: (ordinal: number) => boolean): number =>
  extreme(loads, (a, b) => a < b, fits)

const any = (): boolean => true

/** Takes one shard from the fullest ordinal to the emptiest; false if none can be moved. */
const shift = (loads: Loads, owners: ReadonlyArray<Array<number>>): boolean => {
  const [to, from] = [least(loads, any), extreme(loads, (a, b) => a > b, any)]
  const [full, empty] = [loads.get(from) ?? [], loads.get(to) ?? []]
  if (full.length - empty.length < 2) return false
  const index = full.findLastIndex((shard) => owners[shard]?.includes(to) === false)
  const [shard] = index < 0 ? [] : full.splice(index, 1)
  if (shard === undefined) return false
  empty.push(shard)
  const list = owners[shard]
  if (list !== undefined) list[list.indexOf(from)] = to
  return true
}

/**
 * The table for other ordinals: shards leave ordinals that are not named, and move to others until no ordinal
 * has two more than another. `null` if no ordinals are named.
 */
export const rebalanced = (table: Table, ordinals: ReadonlyArray<number>): Table | null => {
  if (ordinals.length === 0) return null
  const loads: Loads = new Map(ordinals.toSorted((a, b) => a - b).map((ordinal) => [ordinal, []]))
  const owners = table.shards.map((named) => [...new Set(named)].filter((ordinal) => loads.has(ordinal)))
  for (const [shard, held] of owners.entries()) for (const each of held) loads.get(each)?.push(shard)
  for (const [shard, held] of owners.entries()) {
    const copies = Math.min(new Set(table.shards[shard]).size, loads.size)
    while (held.length < copies) {
      const joins = least(loads, (ordinal) => !held.includes(ordinal))
      held.push(joins)
      loads.get(joins)?.push(shard)
    }
  }
  while (shift(loads, owners)) continue
  const [first, ...others] = owners.map(([one = 0, ...more]): readonly [number, ...ReadonlyArray<number>] => [
    one,
    ...more
  ])
  return first === undefined ? null : { _tag: "Table", shards: [first, ...others] }
}
