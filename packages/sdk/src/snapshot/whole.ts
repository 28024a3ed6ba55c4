/**
 * Whether newer snapshots are more than their entry in the list, which anybody who may write ConfigMaps can
 * have written: one whose record is gone or damaged does not stand for an older one that is deleted.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { type Listed, readWhole } from "../step/recordList.ts"
import { isComplete, newerThan } from "./newest.ts"

type Read<A> = Effect.Effect<A, ClusterError, Cluster>

/** True unless its record is seen to be gone, damaged, or of other volumes. Who may not read it goes by the list. */
const isWhole = (namespace: string, { summary }: Listed): Read<boolean> =>
  readWhole(namespace, summary.name).pipe(
    Effect.map((read) => {
      const claims = (cuts: typeof summary.cuts) => cuts.map(({ claim, uid }) => `${claim} ${uid}`).join()
      return read !== null && read.sealed && claims(read.record.cuts) === claims(summary.cuts)
    }),
    Effect.catchReasons("ClusterError", {
      Unreadable: () => Effect.succeed(false),
      NotFound: () => Effect.succeed(false),
      Forbidden: () => Effect.succeed(true)
    })
  )

/** Asks for each snapshot once. */
export const wholes = (namespace: string): ((one: Listed) => Read<boolean>) => {
  const known = new Map<string, boolean>()
  return (one) =>
    Effect.suspend(() => {
      const is = known.get(one.summary.name)
      return is === undefined
        ? Effect.tap(isWhole(namespace, one), (found) =>
            Effect.sync(() => known.set(one.summary.name, found))
          )
        : Effect.succeed(is)
    })
}

/** True if so many newer ones of the same application are whole. */
export const hasNewer = (
  listed: ReadonlyArray<Listed>,
  one: Listed,
  count: number,
  whole: (other: Listed) => Read<boolean>
): Read<boolean> =>
  Effect.gen(function* () {
    let found = 0
    for (const newer of newerThan(listed, one)) {
      if (yield* whole(newer)) found += 1
      if (found >= count) return true
    }
    return false
  })

/** True if it is complete, and no newer one stands for it. */
export const isLast = (namespace: string, listed: ReadonlyArray<Listed>, one: Listed): Read<boolean> =>
  isComplete(one)
    ? Effect.map(hasNewer(listed, one, 1, wholes(namespace)), (has) => !has)
    : Effect.succeed(false)
