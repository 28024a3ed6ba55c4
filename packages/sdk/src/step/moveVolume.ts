/**
 * Setting a leftover claim aside: its volume moves to a claim of another name, so that a new pod
 * starts empty and nothing is lost.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { because } from "../operation/OperationError.ts"
import { on, type Outliving, rules, type StepKind, stepsOf } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { operationOf } from "../operation/Token.ts"
import { endedAnnotation, madeByAnnotation, setAsideLabel } from "../Labels.ts"
import * as Resource from "../Resource.ts"
import { untilBound } from "../wait/bound.ts"
import { giveBack, isHeldBy, moveVolume, withoutMark } from "./rebind.ts"
import { nameUnmarked, tryRetain, whereabouts } from "./reclaimPolicy.ts"
import { claimTarget, readClaim, readVolume, releaseVolume } from "./volume.ts"
import { isMarkedBy } from "./volumeOwner.ts"
import * as Holder from "./holder.ts"
import { shellWord } from "../ShellWord.ts"

type At = StepContext

const MoveSchema = Schema.TaggedStruct("MoveVolume", {
  on,
  from: Schema.String,
  /** Of the claim `from`. */
  uid: Schema.String,
  volume: Schema.String,
  to: Schema.String,
  /** The volume's previous reclaim policy, which an abort restores; `null` if it is unknown. */
  reclaimPolicy: Schema.NullOr(Schema.String),
  /**
   * True if pods start on it again after an abort: until it is restored, none may start. Absent means
   * false.
   */
  needed: Schema.optionalKey(Schema.Boolean)
})
type MoveVolume = typeof MoveSchema.Type

/** Gives the volume back to the claim it came from, with its reclaim policy. */
const bringBack = (
  at: At,
  step: MoveVolume,
  selector: Readonly<Record<string, string>>
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const isBack = yield* giveBack(at, {
      ...step,
      labels: (before) => ({ ...selector, ...withoutMark(before) })
    })
    if (!isBack) {
      const reason = `${step.from} is in use again: the previous data stays in ${step.to}`
      // Some members with what they had, and one that begins empty, is no state that there ever was.
      if (step.needed === true) {
        return yield* because(
          "Changed",
          `${reason}, and no pod was started`,
          `delete the claim that was created since: kubectl delete pvc ${step.from} -n ${shellWord(at.fence.namespace)}; then abort again`
        )
      }
      yield* at.fallShort(reason)
      return
    }
    const kept = { claim: step.from, reclaimPolicy: step.reclaimPolicy }
    const home = yield* readClaim(at.fence.namespace, step.from)
    const volume = yield* readVolume(step.volume)
    if (home?.metadata.uid == null || !isHeldBy(volume, home)) {
      yield* at.fallShort(`${step.from} did not get its data back: ${whereabouts(step.volume, volume)}`)
      return
    }
    if (!isMarkedBy(operationOf(at.fence.token), volume)) {
      yield* nameUnmarked(at, kept, volume)
      return
    }
    const own = { claim: step.from, uid: home.metadata.uid, volume: step.volume }
    yield* untilBound(at, own)
    const released = yield* releaseVolume(at, own)
    yield* released.reason === null
      ? nameUnmarked(at, kept, released.volume)
      : at.fallShort(`${released.reason}: volume ${step.volume} keeps reclaim policy Retain`)
  })

/** The volumes that a plan moves. */
export const movedBy = (plan: Pick<StepContext["plan"], "steps">): ReadonlyArray<string> =>
  stepsOf<MoveVolume>(MoveVolume, plan.steps).map(({ volume }) => volume)

/** The claims whose names a plan frees. */
export const vacatedBy = (plan: Pick<StepContext["plan"], "steps">): ReadonlyArray<string> =>
  stepsOf<MoveVolume>(MoveVolume, plan.steps).map(({ from }) => from)

/** The claim that a step has set aside, if it exists. */
const asideOf = ({ to }: MoveVolume, { namespace, plan }: Outliving) =>
  Effect.map(readClaim(namespace, to), (claim) =>
    claim !== null && claim.metadata.annotations?.[madeByAnnotation] === plan.id ? claim : null
  )

/** Moves a leftover claim's volume to a claim of another name, so that a new pod starts empty. */
export const MoveVolume: StepKind<MoveVolume, object> = {
  tag: "MoveVolume",
  together: true,
  schema: MoveSchema,
  describe: ({ from, to }) => `set ${from} aside as ${to}`,
  access: (_, { namespace }) => [
    ...rules("", "persistentvolumeclaims", ["list", "get", "create", "patch", "delete"], namespace),
    ...rules("", "pods", ["list"], namespace),
    ...rules("", "persistentvolumes", ["get", "patch"], null)
  ],
  rehearse: (step, at) =>
    Effect.gen(function* () {
      yield* tryRetain(at, [{ ...step, claim: step.from }])
      const claim = claimTarget(at.fence.namespace, step.from)
      yield* Resource.remove(claim, { uid: step.uid, dryRun: true })
      return [
        `set ${step.from} aside as ${step.to}: claim ${step.to} is not validated: the volume is not free yet`
      ]
    }),
  perform: (step, at) =>
    moveVolume(at, {
      volume: step.volume,
      from: step.from,
      uid: step.uid,
      to: step.to,
      aside: true,
      labels: (before) => ({ ...before, [setAsideLabel]: at.fence.name })
    }),
  undo: (step, at) =>
    Effect.flatMap(Holder.assertHeld(at.fence), (set) =>
      // A Deployment's claims have the labels that they had, whatever its pods have.
      bringBack(at, step, at.fence.kind === "Deployment" ? {} : (set.spec.selector.matchLabels ?? {}))
    ),
  undoAlone: ({ from, to, volume }, at) =>
    at.report({
      _tag: "Note",
      message: `volume ${volume} of ${from} stays where it is: with claim ${to}, if that exists, with reclaim policy Retain`
    }),
  seal: (step, of) =>
    Effect.flatMap(asideOf(step, of), (claim) =>
      claim === null
        ? Effect.void
        : Effect.asVoid(
            Resource.patch(claimTarget(of.namespace, step.to), {
              _tag: "Merge",
              value: { metadata: { uid: claim.metadata.uid, annotations: { [endedAnnotation]: of.plan.id } } }
            })
          )
    ),
  sealed: (step, of) =>
    Effect.map(asideOf(step, of), (claim) =>
      claim?.metadata.annotations?.[endedAnnotation] === of.plan.id ? `claim "${step.to}"` : null
    )
}
