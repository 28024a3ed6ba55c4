/** Waiting until objects are gone: what is made of a name before its holder is gone would go with it. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { Subject } from "../operation/Progress.ts"
import type { Failure } from "../operation/StepContext.ts"
import { endOf, holdersOf, wayOut } from "./holders.ts"
import { type Clocked, polledSoon, until } from "./until.ts"

export interface GoneWait {
  readonly subject: Subject
  /** The object; null: it is gone, or another one has its name. */
  readonly look: Effect.Effect<object | null, ClusterError, Cluster>
  /** How long it may take, in milliseconds. */
  readonly limit: number
  /** What is said where it does not go. */
  readonly stuck: OperationError
}

const isGoing = (object: object | null): boolean =>
  Boolean(Reflect.get(Object(Reflect.get(Object(object), "metadata")), "deletionTimestamp"))

/** Why it has not gone: the finalizers that hold it, where there are any. */
const named = ({ message, action }: OperationError, holders: ReadonlyArray<string>): OperationError =>
  because(
    "TimedOut",
    holders.length === 0 ? message : `${message}: held by ${holders.join(", ")}`,
    holders.length === 0
      ? action
      : (wayOut(holders) ?? "find out which controller owns it, and let it finish")
  )

export const untilGone = (at: Clocked, spec: GoneWait): Effect.Effect<void, Failure, Cluster> =>
  Effect.suspend(() => {
    let holders: ReadonlyArray<string> = []
    return Effect.asVoid(
      until(at, {
        views: polledSoon(
          Effect.map(spec.look, (found) => {
            // Until it is in deletion, no finalizer holds it: whoever is to delete it has not yet.
            holders = isGoing(found) ? holdersOf(found) : []
            return found
          })
        ),
        until: (found) => (found === null ? [] : [{ subject: spec.subject, for: endOf(holders) }]),
        limit: spec.limit,
        late: () => Effect.succeed(named(spec.stuck, holders))
      })
    )
  })
