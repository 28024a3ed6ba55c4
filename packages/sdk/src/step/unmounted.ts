/** An offline snapshot is one of volumes that nobody writes to: looked at before the first one, and after the last. */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { because } from "../operation/OperationError.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import type { Level } from "./record.ts"
import { mountedIn } from "./users.ts"

/** Fails if the snapshot is to be offline, and a pod has one of its claims mounted. */
export const assertUnmounted = (
  at: StepContext<{ readonly level?: typeof Level.Type }>,
  claims: ReadonlyArray<{ readonly claim: string }>
): Effect.Effect<void, Failure, Cluster> =>
  at.settings.level !== "offline"
    ? Effect.void
    : Effect.flatMap(mountedIn(at.fence.namespace), (mountedBy) => {
        const mounted = claims.find(({ claim }) => mountedBy[claim] !== undefined)
        return mounted === undefined
          ? Effect.void
          : Effect.fail(
              because(
                "LevelMissed",
                `claim ${mounted.claim} is mounted by ${mountedBy[mounted.claim]?.join(", ")}, which was not stopped: the snapshot is not offline`,
                "stop that first, and take another snapshot"
              )
            )
      })
