/**
 * A profile in an annotation of the StatefulSet.
 *
 * Anyone who can edit the StatefulSet can set there what runs with the permissions of the user who scales it:
 * so it is read only on request.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Workload from "../step/workload.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { parseYaml } from "../Manifest.ts"
import { because, type OperationError, refusedBecause } from "../operation/OperationError.ts"
import { fromFile, type Profile } from "../Profile.ts"
import { profileAnnotation } from "../Labels.ts"

/**
 * The profile in the StatefulSet's annotation. Fails if there is none: an expected leave hook would be
 * skipped.
 */
export const annotatedProfile = (ref: {
  readonly namespace: string
  readonly name: string
}): Effect.Effect<Profile, OperationError | ClusterError, Cluster> =>
  Effect.gen(function* () {
    const set = yield* Workload.read(ref).pipe(
      Effect.catchReason("ClusterError", "NotFound", () =>
        Effect.fail(because("NotFound", `statefulset "${ref.name}" not found`))
      )
    )
    const text = set.metadata.annotations?.[profileAnnotation]
    if (text === undefined) {
      return yield* refusedBecause(
        `statefulset "${ref.name}" has no annotation ${profileAnnotation}`,
        "pass the hooks by --profile or flags, without --trust-annotations"
      )
    }
    const wrong = (why: string) =>
      refusedBecause(
        `annotation ${profileAnnotation} of statefulset "${ref.name}": ${why}`,
        "correct it: it must have the format of a profile file, see docs/scale.md"
      )
    const content = yield* Effect.mapError(parseYaml(text), ({ message }) => wrong(message))
    const profile = fromFile(content)
    return Result.isSuccess(profile) ? profile.success : yield* Effect.fail(wrong(profile.failure))
  })
