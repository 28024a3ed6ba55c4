/** The policy by which a volume's driver deletes it once its claim goes. */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { untilBound } from "../wait/bound.ts"
import { policyOf, policyPath, writeVolume } from "./volume.ts"
import type { Bound } from "./volumeOwner.ts"

/** Sets it, once claim and volume are bound to each other; returns the reason that it is not set. */
export const deleteWithClaim = (
  at: StepContext,
  own: Bound
): Effect.Effect<string | null, Failure, Cluster> =>
  Effect.gen(function* () {
    yield* untilBound(at, own)
    const { reason } = yield* writeVolume(at, {
      own,
      done: (found) => policyOf(found) === "Delete",
      change: () => [{ op: "replace", path: policyPath, value: "Delete" }],
      undo: () => [
        { op: "test", path: "/spec/claimRef/uid", value: own.uid },
        { op: "replace", path: policyPath, value: "Retain" }
      ]
    })
    return reason
  })
