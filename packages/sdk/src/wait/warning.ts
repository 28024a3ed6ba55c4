/** The newest warning about an object, in its controller's words: the reason that it is late. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { Event } from "../kind/Policy.ts"
import type { Subject } from "../operation/Progress.ts"
import * as Resource from "../Resource.ts"

export const lastSeen = ({ series, lastTimestamp, eventTime, metadata }: Event): number =>
  Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "") || 0

/** The last line of its message, shortened; `null` if it is empty. */
export const lineOf = ({ message }: Event): string | null => {
  const text = message?.trim().split("\n").at(-1) ?? ""
  return text === "" ? null : text.slice(0, 300)
}

/** The last line of it, shortened; `null` if there is none, or events cannot be read. */
export const warningOf = (
  namespace: string,
  { kind, name }: Subject
): Effect.Effect<string | null, ClusterError, Cluster> =>
  Resource.listReadable(kinds.events, {
    namespace,
    fieldSelector: `involvedObject.kind=${kind},involvedObject.name=${name},type=Warning`
  }).pipe(
    Effect.map(({ items }) => {
      const newest = items.toSorted((left, right) => lastSeen(left) - lastSeen(right)).at(-1)
      return newest === undefined ? null : lineOf(newest)
    }),
    Effect.catchIf(
      ({ reason }) => reason._tag === "Forbidden" || reason._tag === "NotFound",
      () => Effect.succeed(null)
    )
  )
