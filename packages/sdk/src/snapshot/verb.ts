/** The snapshot verb: its steps, and its own parts. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { because } from "../operation/OperationError.ts"
import { keyOf, type Plan } from "../operation/Plan.ts"
import { rules, type StepOf, stepsOf, withInner } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { type InMillis, inMillis, type StepOptions, verb } from "../operation/Verb.ts"
import { AwaitReady } from "../step/awaitReady.ts"
import { CutGroup } from "../step/cutGroup.ts"
import { cutsOf, judgedOf } from "../step/cuts.ts"
import { CutQuiesced, probe, quiescedBy } from "../step/cutQuiesced.ts"
import { CutVolumes, singlesOf } from "../step/cutVolumes.ts"
import {
  checkClaims,
  claimsByName,
  RestoreReclaimPolicies,
  retainedBy,
  RetainVolumes
} from "../step/reclaimPolicy.ts"
import { checkPlaces, placeRules, Places } from "../step/places.ts"
import { cutName, Level, Proof, reached, Recoverable, seedOnlyOf, skewOf } from "../step/record.ts"
import { recordName } from "../RecordName.ts"
import type { Quiesce } from "../Quiesce.ts"
import { RecordSet, SetSettings } from "../step/recordSet.ts"
import { isListed } from "../step/recordWrite.ts"
import { countsOf, SetReplicas } from "../step/replicas.ts"
import { RetainContents } from "../step/retainContents.ts"
import { RestoreRetention, SetRetention } from "../step/retention.ts"
import { lost } from "../step/volumeOwner.ts"
import * as Workload from "../step/workload.ts"

const steps = [
  RetainVolumes,
  SetRetention,
  SetReplicas,
  CutVolumes,
  CutGroup,
  CutQuiesced,
  RetainContents,
  RecordSet,
  RestoreRetention,
  RestoreReclaimPolicies,
  AwaitReady
] as const

export type SnapshotStep = StepOf<(typeof steps)[number]>

/** The settings in a plan in addition to its steps. */
export const SnapshotSettings = Schema.Struct({
  ...SetSettings.fields,
  /** The directories of the data as reported by the application, checked before anything is started. */
  places: Schema.optionalKey(Places),
  /** For an offline snapshot: the facts that each change of the number of replicas relies on. */
  facts: Schema.optionalKey(Workload.Facts)
})
export type SnapshotSettings = typeof SnapshotSettings.Type

/** A plan to take a set, as it is printed and journalled. */
export interface SnapshotPlan extends Plan<SnapshotStep, SnapshotSettings> {}

/** Options for running a plan, in addition to the plan itself. */
export interface SnapshotRun extends StepOptions {
  /** How its members are quiesced, if the plan does that. */
  readonly quiesce?: Quiesce
}

type Going = SnapshotSettings & InMillis<SnapshotRun>

/** The result of taking a snapshot. */
export const SnapshotResult = Schema.Struct({
  set: Schema.String,
  level: Level,
  /** How the members were quiesced; absent if they were not. */
  quiesced: Schema.optionalKey(Proof),
  recoverable: Schema.optionalKey(Recoverable),
  /** The profile by which its members are restorable by seeding only; absent: none says so. */
  seedOnly: Schema.optionalKey(Schema.String),
  why: Schema.Array(Schema.String),
  /** Time between the first and the last volume snapshot, in milliseconds; `null` if unknown. */
  skew: Schema.NullOr(Schema.Finite),
  claims: Schema.Natural,
  /** The size that a restore needs, in bytes; `null` if unknown. */
  bytes: Schema.NullOr(Schema.Finite)
})
export type SnapshotResult = typeof SnapshotResult.Type

type At = StepContext<Going>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** The claims are still the planned ones, and hold their volumes. */
const check = (plan: SnapshotPlan): Work =>
  Effect.gen(function* () {
    const { claims } = plan.settings
    const now = yield* claimsByName(
      plan.home,
      claims.map(({ claim }) => claim)
    )
    for (const { claim, uid, volume } of claims) {
      const why = lost({ claim, uid, volume }, now.get(claim) ?? null)
      if (why !== null)
        return yield* because("Changed", `${why} since this was planned`, "run the command again")
    }
  })

/** Reports if the number of replicas after an offline snapshot is not the previous one. */
const checkCount = (plan: SnapshotPlan, at: At): Work =>
  Effect.gen(function* () {
    const before = countsOf(plan)[0]?.from
    if (before === undefined) return
    const is = Workload.replicasOf(yield* Workload.assertHeld(at.fence))
    if (is !== before) {
      yield* at.fallShort(
        `replicas of ${at.fence.name} are ${is} instead of ${before}: another client set them`
      )
    }
    yield* checkClaims(at, retainedBy(plan))
  })

const conclude = (plan: SnapshotPlan, at: At): Work<SnapshotResult> =>
  Effect.gen(function* () {
    const { set, level, why, claims, oneMember, recoverable, retained } = plan.settings
    yield* checkCount(plan, at)
    const cuts = yield* cutsOf(at)
    for (const { claim, content, deletionPolicy, snapshot, readyToUse } of cuts) {
      if (retained && deletionPolicy === "Delete")
        yield* at.fallShort(
          `the volume snapshot of ${claim} is not kept: another client set deletionPolicy Delete on volumesnapshotcontent ${content}`
        )
      if (snapshot === null)
        yield* at.fallShort(`the snapshot of ${claim} is gone, or another client replaced it`)
      else if (!readyToUse) yield* at.fallShort(`the snapshot of ${claim} is no longer ready to use`)
    }
    if (!(yield* isListed(at, set)))
      return yield* because(
        "Changed",
        `no list shows ${set}: another client deleted configmap "${recordName(set)}"`,
        "abort, and take another snapshot"
      )
    const sizes = cuts.flatMap(({ restoreSize }) => (restoreSize === null ? [] : [restoreSize]))
    const bytes = sizes.length < cuts.length ? null : sizes.reduce((sum, size) => sum + size, 0)
    const skew = skewOf(cuts)
    const is = reached(level, why, judgedOf(cuts))
    const told = {
      ...(recoverable === undefined ? {} : { recoverable }),
      ...seedOnlyOf(oneMember, is.level, claims.length)
    }
    return { set, ...is, ...told, skew, claims: claims.length, bytes }
  })

export const snapshotVerb = verb<SnapshotStep, SnapshotSettings, SnapshotRun, Going, SnapshotResult>({
  name: "snapshot",
  steps,
  settings: SnapshotSettings,
  result: SnapshotResult,
  misfit: ({ app, guards, home, settings, steps: all }) => {
    const record = guards.find(({ kind }) => kind === "Secret")
    if (guards.some(({ namespace }) => namespace !== home)) return "it owns objects of another namespace"
    if (record?.name !== recordName(settings.set)) return "it owns another record than its own"
    const names = [
      ...singlesOf({ steps: all }).map(({ claim, as }) => as === cutName(settings.set, claim)),
      ...stepsOf(CutGroup, withInner(all)).map(({ as }) => as === settings.set)
    ]
    if (names.includes(false)) return "it takes snapshots with another name than its own"
    if (app._tag === "Selector") {
      return stepsOf(SetReplicas, all).length > 0 ? "it stops an application of several workloads" : null
    }
    return guards.length === 2 ? null : "a snapshot of a StatefulSet owns that and its record"
  },
  going: (plan, options) => ({ ...plan.settings, ...inMillis(options) }),
  hooks: () => [],
  check: (plan, _, __, resumed) => (resumed ? Effect.void : check(plan)),
  consent: () => null,
  access: ({ settings, home }) => [
    // Without its claims it would be a snapshot of none.
    ...rules("", "persistentvolumeclaims", ["list"], home),
    ...(settings.places === undefined ? [] : placeRules(home))
  ],
  preflight: (plan, _, { quiesce }) => {
    const step = quiescedBy(plan)
    const { places, claims } = plan.settings
    const placed =
      places === undefined
        ? Effect.void
        : checkPlaces(places, plan.home, new Set(claims.map(({ claim }) => claim)), quiesce)
    return step === null ? placed : Effect.andThen(probe(step, plan.home, quiesce), placed)
  },
  conclude,
  concludeBack: checkCount,
  capture: (plan, objects) => {
    const beyond = Workload.beyondOf(objects.get(keyOf(plan.guards[0])))
    return beyond === null ? {} : { beyond }
  }
})
