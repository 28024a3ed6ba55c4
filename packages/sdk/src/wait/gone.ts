/**
 * Waits until objects are deleted: an object that is created under a name before its predecessor is deleted
 * would be deleted too.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { Subject } from "../operation/Progress.ts"
import type { Failure } from "../operation/StepContext.ts"
import { endOf, holdersOf, wayOut } from "./holders.ts"
import { type Clocked, polledSoon, until } from "./until.ts"
import { fieldAt } from "../resource/KubeObject.ts"

export interface GoneWait {
  readonly subject: Subject
  /** The object; `null` if it was deleted or replaced. */
  readonly look: Effect.Effect<object | null, ClusterError, Cluster>
  /** The time limit, in milliseconds. */
  readonly limit: number
  /** The error if it is not deleted. */
  readonly stuck: OperationError
}

const isGoing = (object: object | null): boolean => Boolean(fieldAt(object, "metadata", "deletionTimestamp"))

/** Reason that it still exists: its finalizers, if there are any. */
const named = ({ message, action }: OperationError, holders: ReadonlyArray<string>): OperationError =>
  because(
    "TimedOut",
    holders.length === 0 ? message : `${message}: waiting for ${holders.join(", ")}`,
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
            // Until it is being deleted, no finalizer holds it: its owner has not deleted it yet.
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
