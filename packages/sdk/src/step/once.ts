/** A step whose outcome is in the journal, since its effect does not show whether it was done. */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"

type Work = Effect.Effect<void, Failure, Cluster>

/**
 * A step that is done is not repeated: if a plan passes a number of replicas twice, the number does not tell.
 */
export const once =
  <Step, Settings>(move: (step: Step, at: StepContext<Settings>) => Work) =>
  (step: Step, at: StepContext<Settings>): Work => {
    if (at.mark?.[0].state === "Succeeded") return Effect.void
    const { kind, name, uid } = at.fence
    // Written with the intent of the next one: that has no effect before this one is known to be done.
    return at
      .intend([{ kind, name, uid }])
      .pipe(Effect.andThen(move(step, at)), Effect.andThen(at.conclude("Succeeded")))
  }
