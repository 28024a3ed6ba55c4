/**
 * The wait for the volume controller, which sees that a volume was moved to another claim only with its
 * next round, 15 seconds apart. Until then claim and volume name each other, and one is not Bound yet.
 */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { readClaim, readVolume } from "../step/volume.ts"
import { type Bound, foreign, isReserved, ownerOf } from "../step/volumeOwner.ts"
import * as Holder from "../step/holder.ts"
import { polled, until } from "./until.ts"

/** Two rounds of the controller, in milliseconds. */
const patience = 30_000

/**
 * Reason that the volume does not belong to its claim; `null` if it does. If only the controller has yet to
 * see it, this waits.
 */
export const untilBound = (at: StepContext, own: Bound): Effect.Effect<string | null, Failure, Cluster> =>
  Effect.gen(function* () {
    const began = yield* at.elapsed
    const look = Effect.gen(function* () {
      const [set, claim, volume] = yield* Effect.all(
        [Holder.assertHeld(at.fence), readClaim(at.fence.namespace, own.claim), readVolume(own.volume)],
        { concurrency: 3 }
      )
      const reason = foreign(ownerOf(at, set), own, claim, volume)
      const isLate = (yield* at.elapsed) - began >= patience
      return { reason, isOpen: reason !== null && isReserved(own, claim, volume) && !isLate }
    })
    const { reason } = yield* until(at, {
      views: polled(look),
      until: (view) =>
        view.isOpen
          ? [{ subject: { kind: "PersistentVolumeClaim", name: own.claim }, for: "the volume controller" }]
          : [],
      limit: 2 * patience
    })
    return reason
  })
