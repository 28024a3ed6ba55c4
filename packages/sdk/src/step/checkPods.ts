/** Check pods in the cluster: created, read and deleted by their operation. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import * as Fence from "../operation/Fence.ts"
import { because } from "../operation/OperationError.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { operationOf } from "../operation/Token.ts"
import { kinds, reading } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import type { Holder } from "./holder.ts"
import { untilGone } from "../wait/gone.ts"
import { type Errands, type Proven, checkPodName, checkPod } from "./checkPod.ts"
import { proverLabel } from "../Labels.ts"
import { CheckPod } from "./checkPodResult.ts"
import { fieldAt } from "../resource/KubeObject.ts"

type At = StepContext
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** Time that a pod may take to be deleted, in milliseconds. */
const patience = 120_000

/** The ordinal whose volume it checks, or the copy that all others are rebuilt from. */
export type Which = number | "seed"

/** Part of a check pod's name: a Deployment may have the name of a StatefulSet. */
export const whichOf = ({ fence }: Pick<At, "fence">, which: Which): number | string =>
  fence.kind === "Deployment" ? `d${which}` : which

const podTarget = (at: At, ordinal: Which): Resource.Target => ({
  api: kinds.pods,
  namespace: at.fence.namespace,
  name: checkPodName(at.fence.name, whichOf(at, ordinal), operationOf(at.fence.token))
})

const checkPods = reading(kinds.pods, CheckPod)

/** The check pod of an ordinal; `null` if this operation has none there. */
export const readCheckPod = (at: At, ordinal: Which): Effect.Effect<CheckPod | null, ClusterError, Cluster> =>
  Effect.flatMap(Resource.findObject(podTarget(at, ordinal)), (object) => {
    const made = fieldAt(object?.metadata, "labels", proverLabel)
    return object === null || made !== operationOf(at.fence.token)
      ? Effect.succeed(null)
      : Resource.accept(checkPods, object)
  })

/** The check pod of an ordinal's claims. */
export const checkPodOf = (
  at: At,
  set: Holder,
  ordinal: number,
  claims: ReadonlyArray<Proven>,
  errands: Errands = {}
): object => checkPod(set, whichOf(at, ordinal), operationOf(at.fence.token), claims, errands)

/** Creates a check pod, unless it exists. */
export const makeCheckPod = (at: At, ordinal: Which, pod: object): Work =>
  Effect.gen(function* () {
    yield* Fence.beside<CheckPod | null>(at.standing, {
      look: readCheckPod(at, ordinal),
      done: (found) => found !== null,
      write: () =>
        Effect.andThen(
          Resource.create({ api: kinds.pods, namespace: at.fence.namespace }, pod),
          readCheckPod(at, ordinal)
        ),
      takeBack: (made, why) =>
        why === null || made === null
          ? Effect.succeed(null)
          : Effect.as(Resource.remove(podTarget(at, ordinal), { uid: made.metadata.uid }), null)
    })
  })

/** Deletes a check pod, and waits until it is deleted: its claim is free then. */
export const removeCheckPod = (at: At, ordinal: Which): Work =>
  Effect.gen(function* () {
    const pod = yield* readCheckPod(at, ordinal)
    if (pod === null) return
    yield* Fence.beside<CheckPod | null>(at.standing, {
      look: readCheckPod(at, ordinal),
      // Its kubelet reports when it has stopped.
      done: (found) =>
        found?.metadata.uid !== pod.metadata.uid || found.metadata.deletionTimestamp !== undefined,
      write: () =>
        Effect.andThen(
          Resource.remove(podTarget(at, ordinal), { uid: pod.metadata.uid }),
          readCheckPod(at, ordinal)
        )
    })
    yield* untilGone(at, {
      subject: { kind: "Pod", name: pod.metadata.name },
      look: Effect.map(readCheckPod(at, ordinal), (found) =>
        found?.metadata.uid === pod.metadata.uid ? found : null
      ),
      limit: patience,
      stuck: because(
        "TimedOut",
        `pod ${pod.metadata.name} is stuck terminating`,
        "check its node; then resume"
      )
    })
  })
