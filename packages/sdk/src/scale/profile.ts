/**
 * A profile that stands in an annotation of the StatefulSet.
 *
 * Whoever may edit the StatefulSet says there what is run with the permissions of whoever scales it:
 * so it is read only where a caller asks for it.
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
 * The profile in the StatefulSet's annotation. Fails where there is none: a goodbye that was counted
 * on would be left out.
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
        "give the hooks by --profile or flags, without --trust-annotations"
      )
    }
    const wrong = (why: string) =>
      refusedBecause(
        `annotation ${profileAnnotation} of statefulset "${ref.name}": ${why}`,
        "correct it: it has the form of a profile file, see docs/scale.md"
      )
    const content = yield* Effect.mapError(parseYaml(text), ({ message }) => wrong(message))
    const profile = fromFile(content)
    return Result.isSuccess(profile) ? profile.success : yield* Effect.fail(wrong(profile.failure))
  })
