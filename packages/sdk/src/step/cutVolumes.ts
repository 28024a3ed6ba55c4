/**
 * Takes the volume snapshots of some claims, each with a VolumeSnapshot of its own: all are requested at
 * once, and the step is done when each is taken, long before it is ready to use.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { VolumeSnapshot } from "../kind/Snapshot.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import { on, rules, type StepKind, stepsOf, withInner } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import * as Resource from "../Resource.ts"
import { format } from "../GoDuration.ts"
import type { Level } from "./record.ts"
import { assertUnmounted } from "./unmounted.ts"
import { type Condition, inWords, type Unmet } from "../wait/condition.ts"
import { wakingSidecars } from "./wakeSidecars.ts"
import { defaultStepTimeout, polled, steadily, until } from "../wait/until.ts"
import {
  assertClaims,
  CutClaim,
  labelsOf,
  makeBeside,
  ourSnapshots,
  removeOurs,
  snapshotTarget,
  contentFor,
  contentsOf,
  isUnderWay,
  unconfirmed,
  untilContentsGone,
  untilNoneUnderWay
} from "./snapshots.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const CutSchema = Schema.TaggedStruct("CutVolumes", {
  on,
  /** The set that they belong to. */
  set: Schema.String,
  claims: Schema.Array(
    Schema.Struct({
      ...CutClaim.fields,
      /** The VolumeSnapshot's name. */
      as: Schema.String,
      /** Its VolumeSnapshotClass. */
      class: Schema.String
    })
  )
})
type CutVolumes = typeof CutSchema.Type

/** The error if a volume snapshot is not taken. */
export const notCut = (unmet: ReadonlyArray<Unmet>, limit: number = defaultStepTimeout): OperationError =>
  because(
    "LevelMissed",
    `no volume snapshot within ${format(limit)}: ${inWords(unmet)}`,
    "check the logs of the snapshot controller and of the CSI driver"
  )

/** The settings of the verb that a kind that waits for volume snapshots needs. */
export interface CutSettings {
  /** Milliseconds without progress after which a step stops. Default 10 minutes. */
  readonly stepTimeout?: number
  /** True if a lower level than the requested one is a failure. */
  readonly strict?: boolean
  /** The level that is to be reached. */
  readonly level?: typeof Level.Type
}

const manifest = (step: CutVolumes, claim: CutVolumes["claims"][number], operation: string) => ({
  metadata: { name: claim.as, labels: labelsOf(step.set, operation) },
  spec: {
    // Without permission to list them none is known: then it is the driver's default.
    ...(claim.class === "" ? {} : { volumeSnapshotClassName: claim.class }),
    source: { persistentVolumeClaimName: claim.claim }
  }
})

/** The parts of a snapshot: what is frozen between the first and the last of them is of one moment. */
export interface Cutting {
  /** Requests every volume snapshot. */
  readonly ask: Work
  /**
   * Returns once every volume snapshot is taken. With `isFrozen` it polls more often, and the first source of
   * the result, and gives up with the first error, since its controller's next attempt may be too late.
   */
  readonly observe: (isFrozen: boolean) => Work
  /**
   * Checks whether it is the planned one; with `isHeld` nothing was written between the first volume snapshot
   * and the last.
   */
  readonly finish: (isHeld: boolean) => Work
}

/** The polling interval for a volume snapshot during a freeze, in milliseconds. */
export const whileFrozen = 25

/** The observed state of a volume snapshot. */
interface Seen {
  readonly snapshot: VolumeSnapshot | undefined
  /** Its content says that it is taken, before the VolumeSnapshot does. */
  readonly isCut: boolean
}

/**
 * The driver writes the time of the snapshot to the content; the VolumeSnapshot gets it by more requests of a
 * throttled client.
 */
const isCutInStorage = ({ metadata: { uid } }: VolumeSnapshot): Work<boolean> =>
  Effect.map(contentFor(uid), (content) => content?.status?.creationTime != null)

/**
 * Reason that a snapshot is not taken yet; `null` if it is. An error may be temporary: its controller
 * retries.
 */
const uncut = ({ snapshot, isCut }: Seen): string | null => {
  if (snapshot === undefined) return "its snapshot to be observed"
  const { creationTime, readyToUse, error } = snapshot.status ?? {}
  if (isCut || creationTime != null || readyToUse === true) return null
  return error?.message ?? "its snapshot"
}

const look = (step: CutVolumes, at: StepContext, isFrozen: boolean): Work<ReadonlyMap<string, Seen>> =>
  Effect.gen(function* () {
    const snapshots = yield* ourSnapshots(at.fence.namespace, at.plan.id)
    const seen = yield* Effect.forEach(
      step.claims,
      ({ as }) => {
        const snapshot = snapshots.get(as)
        const asked =
          isFrozen && snapshot !== undefined && uncut({ snapshot, isCut: false }) !== null
            ? isCutInStorage(snapshot)
            : Effect.succeed(false)
        return Effect.map(asked, (isCut) => [as, { snapshot, isCut }] as const)
      },
      { concurrency: 16 }
    )
    return new Map(seen)
  })

const allCut =
  (step: CutVolumes): Condition<ReadonlyMap<string, Seen>> =>
  (seen) =>
    step.claims.flatMap(({ claim, as }) => {
      const why = uncut(seen.get(as) ?? { snapshot: undefined, isCut: false })
      return why === null ? [] : [{ subject: { kind: "PersistentVolumeClaim", name: claim }, for: why }]
    })

/** The error for a volume snapshot that was requested, or seen, and then deleted. */
export const goneCut = (title: string): OperationError =>
  because("LevelMissed", `${title} was deleted before its snapshot was taken`, "take another snapshot")

/** A volume snapshot that failed, or was deleted, during a freeze. */
const failedCut =
  (step: CutVolumes) =>
  (seen: ReadonlyMap<string, Seen>): OperationError | null => {
    const gone = step.claims.find(({ as }) => {
      const snapshot = seen.get(as)?.snapshot
      return snapshot === undefined || snapshot.metadata.deletionTimestamp != null
    })
    if (gone !== undefined) return goneCut(`volumesnapshot "${gone.as}"`)
    const failed = step.claims.find(
      ({ as }) =>
        seen.get(as)?.snapshot?.status?.error != null &&
        uncut(seen.get(as) ?? { snapshot: undefined, isCut: false }) !== null
    )
    return failed === undefined
      ? null
      : because(
          "LevelMissed",
          `the volume snapshot of ${failed.claim} failed: ${seen.get(failed.as)?.snapshot?.status?.error?.message ?? ""}`,
          "check the logs of the snapshot controller and of the CSI driver"
        )
  }

/** Anyone who knows the operation's id could have created it before us, for another claim. */
const assertOf = ({ claim, as }: CutVolumes["claims"][number], { spec }: VolumeSnapshot): Work =>
  spec.source.persistentVolumeClaimName === claim
    ? Effect.void
    : Effect.fail(
        because(
          "Changed",
          `volumesnapshot "${as}" is not of claim ${claim}`,
          "abort, and take another snapshot"
        )
      )

/** Everything that can be done before the snapshots are requested. */
export const cutting = (step: CutVolumes, at: StepContext<CutSettings>): Work<Cutting> =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    const there = yield* ourSnapshots(namespace, at.plan.id)
    for (const claim of step.claims) {
      const found = there.get(claim.as)
      if (found !== undefined) yield* assertOf(claim, found)
    }
    const missing = step.claims.filter(({ as }) => !there.has(as))
    if (missing.length > 0) {
      yield* assertClaims(at, missing)
      yield* assertUnmounted(at, missing)
    }
    const ask = Effect.forEach(
      missing,
      (claim) =>
        Effect.gen(function* () {
          const value = manifest(step, claim, at.plan.id)
          const made = yield* makeBeside(at, snapshotTarget(namespace, claim.as), value)
          yield* assertOf(claim, yield* Resource.accept(kinds.volumesnapshots, made))
        }),
      { concurrency: "unbounded", discard: true }
    )
    const observe = (isFrozen: boolean) =>
      Effect.gen(function* () {
        const began = yield* at.elapsed
        yield* until(at, {
          views: isFrozen ? steadily(look(step, at, true), whileFrozen) : polled(look(step, at, false), 100),
          until: allCut(step),
          limit: at.settings.stepTimeout ?? defaultStepTimeout,
          ...(isFrozen ? { vain: failedCut(step) } : {}),
          late: (unmet) => Effect.succeed(notCut(unmet, at.settings.stepTimeout))
        })
        const millis = (yield* at.elapsed) - began
        for (const { claim } of step.claims) {
          const subject = { kind: "PersistentVolumeClaim", name: claim }
          yield* at.report({ _tag: "Stage", subject, stage: "taken", millis })
        }
      })
    return { ask, observe, finish: () => Effect.void }
  })

const perform = (step: CutVolumes, at: StepContext<CutSettings>): Work =>
  Effect.gen(function* () {
    const { ask, observe } = yield* cutting(step, at)
    yield* ask
    yield* observe(false)
  })

const targets = (step: CutVolumes, namespace: string) =>
  step.claims.map(({ as }) => snapshotTarget(namespace, as))

/** The snapshots that the driver may be taking now. */
const underWay = (namespace: string, operation: string): Work<ReadonlyArray<Unmet>> =>
  Effect.gen(function* () {
    const snapshots = [...(yield* ourSnapshots(namespace, operation)).values()]
    const open = yield* Effect.filter(snapshots, isUnderWay, { concurrency: 16 })
    return open.map((snapshot) => ({
      subject: { kind: "VolumeSnapshot", name: snapshot.metadata.name },
      for: uncut({ snapshot, isCut: false }) ?? unconfirmed
    }))
  })

const undo = (step: CutVolumes, at: StepContext<CutSettings>): Work =>
  Effect.gen(function* () {
    const { namespace } = at.fence
    yield* untilNoneUnderWay(at, underWay(namespace, at.plan.id))
    const contents = contentsOf([...(yield* ourSnapshots(namespace, at.plan.id)).values()])
    yield* wakingSidecars(
      namespace,
      contents,
      Effect.andThen(removeOurs(at, targets(step, namespace)), untilContentsGone(at, contents))
    )
  })

/** The claims that a plan snapshots separately, with the names of their VolumeSnapshots. */
export const singlesOf = (plan: Pick<StepContext["plan"], "steps">): CutVolumes["claims"] =>
  stepsOf<CutVolumes>(CutVolumes, withInner(plan.steps)).flatMap(({ claims }) => claims)

/** One VolumeSnapshot per claim, all asked for at once. */
export const CutVolumes: StepKind<CutVolumes, CutSettings> = {
  tag: "CutVolumes",
  schema: CutSchema,
  describe: ({ claims }) =>
    claims.length === 1
      ? "take a snapshot of 1 volume"
      : `take separate snapshots of ${claims.length} volumes`,
  access: (_, { namespace }) => [
    ...rules("", "persistentvolumeclaims", ["list"], namespace),
    ...rules("snapshot.storage.k8s.io", "volumesnapshots", ["get", "list", "create", "delete"], namespace)
  ],
  rehearse: (step, at) =>
    Effect.as(
      Effect.forEach(
        step.claims,
        (claim) =>
          Resource.create(
            { api: kinds.volumesnapshots, namespace: at.fence.namespace },
            manifest(step, claim, at.plan.id),
            { dryRun: true }
          ),
        { concurrency: 8, discard: true }
      ),
      []
    ),
  perform,
  undo,
  undoAlone: undo
}
