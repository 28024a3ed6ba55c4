/**
 * New claims that are all rebuilt from one member's data, while the application still runs.
 *
 * A copy of that member's volume is filled from its volume snapshot, and opened in a pod of its own, which
 * saves its contents. A snapshot of the copy is taken, so that each member's new volume is filled where that
 * member can run; there a pod rebuilds the member's data, under its own name. The copy is opened once:
 * opening it twice could give two states, if a lease expires in between.
 *
 * The commands are the profile's, and are in no plan: a resume needs the same profile.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { format } from "../GoDuration.ts"
import { operationOf } from "../operation/Token.ts"
import { kinds } from "../Kind.ts"
import * as LimitRange from "../LimitRange.ts"
import * as Resource from "../Resource.ts"
import { fingerprint, type Seed } from "../Seed.ts"
import { shellWord } from "../ShellWord.ts"
import { inWords } from "../wait/condition.ts"
import { defaultStepTimeout, polled, until } from "../wait/until.ts"
import { notTheCut } from "./cutSource.ts"
import { assertFilled, assertNoneFree } from "./madeFor.ts"
import { nameLeft, noteVolumes, retain, stillToFill } from "./fillClaims.ts"
import * as Fill from "./filledClaim.ts"
import * as Prove from "./proveFilled.ts"
import { makeCheckPod, readCheckPod, removeCheckPod } from "./checkPods.ts"
import { disproof, isOver, waitsFor } from "./checkPodResult.ts"
import { isFilledHere, removeFilled } from "./removeFilled.ts"
import { seedPod } from "./seedPod.ts"
import { dropCut } from "./dropCut.ts"
import { makeBeside, readContent, readSnapshot, snapshotTarget } from "./snapshots.ts"
import { readClaim } from "./volume.ts"
import { madeByAnnotation, managedBy } from "../Labels.ts"
import * as Workload from "./workload.ts"

export interface SeedSettings extends Fill.FillSettings {
  /** The seed that the plan was made with, by its fingerprint; absent if it was not given again. */
  readonly seed?: Seed
}

type At = StepContext<SeedSettings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const SeedSchema = Schema.TaggedStruct("SeedClaims", {
  on,
  /** The profile's name, only for messages. */
  profile: Schema.String,
  /** The digest of the commands in the pods. */
  digest: Schema.String,
  /** The copy of one member's volume; its own snapshot has its name. */
  from: Fill.FilledClaim,
  /** VolumeSnapshotClass of that snapshot; `null` for the cluster's default. */
  class: Schema.NullOr(Schema.String),
  claims: Schema.Array(Fill.FilledClaim)
})
type SeedClaims = typeof SeedSchema.Type

/** The name of the copy, and of its snapshot. */
export const copyName = (claim: string, id: string): string => `${claim}-seed-${id}`

/** The result of a seed pod is read like that of a check pod; but it has work to do. */
const working = (at: At): At => ({ ...at, settings: { ...at.settings, allowEmpty: false, runs: true } })

const seedFor = (step: SeedClaims, { settings: { seed }, fence }: At): Work<Seed> =>
  seed !== undefined && fingerprint(seed) === step.digest
    ? Effect.succeed(seed)
    : Effect.fail(
        because(
          "Mismatch",
          seed === undefined
            ? `the members of ${fence.name} are rebuilt by profile ${step.profile}, which was not passed`
            : `profile ${seed.profile} is not the one that this was planned with`,
          `pass the same --profile ${shellWord(step.profile)} as at the start; or abort`
        )
      )

const podOf = (step: SeedClaims, at: At, set: StatefulSet, argv: ReadonlyArray<string>) => {
  const common = { id: operationOf(at.fence.token), argv, members: step.claims.length }
  return {
    saves: seedPod(set, {
      ...common,
      which: "seed",
      ordinal: step.from.ordinal,
      claim: Prove.proven(step.from)
    }),
    makes: (claim: Fill.FilledClaim) =>
      seedPod(set, { ...common, which: claim.ordinal, ordinal: claim.ordinal, claim: Prove.proven(claim) })
  }
}

/** A pod that saves has ended well. */
const untilSaved = (step: SeedClaims, at: At): Work => {
  const limit = at.settings.stepTimeout ?? defaultStepTimeout
  return Effect.asVoid(
    until(at, {
      views: polled(readCheckPod(at, "seed")),
      until: (pod) =>
        isOver(pod)
          ? []
          : [{ subject: { kind: "PersistentVolumeClaim", name: step.from.as }, for: waitsFor(pod) }],
      vain: (pod) => {
        const why = pod === null ? null : disproof(pod, { runs: true })
        return why === null ? null : Prove.notProven(`${step.from.claim}: ${why}`)
      },
      limit,
      late: (unmet) =>
        Effect.succeed(
          because(
            "TimedOut",
            `not saved in ${format(limit)}: ${inWords(unmet)}`,
            "a resume continues to wait; the application was not changed"
          )
        )
    })
  )
}

/** The unknown facts of a volume snapshot that is still to be taken. */
const unknown = { handle: null, volumeHandle: null } as const

const cutOfCopy = ({ from }: SeedClaims, at: At) =>
  Effect.gen(function* () {
    const found = yield* readSnapshot(at.fence.namespace, from.as)
    const name = found?.status?.boundVolumeSnapshotContentName
    const content = name ? yield* readContent(name) : null
    const cut = { claim: from.as, snapshot: from.as, ...unknown, driver: from.driver }
    return { found, why: notTheCut(cut, found, content) }
  })

/** The uid of the copy's snapshot in the journal: no member was rebuilt before that. */
const markedCut = ({ from }: SeedClaims, at: At): string | null =>
  at.mark?.find(({ kind, name }) => kind === "VolumeSnapshot" && name === from.as)?.uid ?? null

/**
 * Fails if the VolumeSnapshot with the name of the copy's is not the one that members are rebuilt from. One
 * that is not in the journal yet is taken again: anyone could have set its label, and it may be older than
 * the saved data.
 */
const assertOwnCut = (step: SeedClaims, at: At): Work =>
  Effect.gen(function* () {
    const { as } = step.from
    const marked = markedCut(step, at)
    const there = yield* readSnapshot(at.fence.namespace, as)
    if (marked !== null && there?.metadata.uid !== marked) {
      return yield* because(
        "Changed",
        `volumesnapshot "${as}" is ${there === null ? "gone" : "another one"}: members that were rebuilt from it are not verified`,
        "abort, and plan again"
      )
    }
    if (marked !== null || there === null) return
    if (!at.isTakenUp) {
      return yield* because(
        "Changed",
        `volumesnapshot "${as}" already exists and does not belong to this operation`,
        "check it and remove it; then resume"
      )
    }
    yield* dropCut(at, as)
  })

/**
 * Takes the snapshot of the copy, and waits until it is ready: it is of the copy's claim only, and identified
 * by its uid.
 */
const cutCopy = (step: SeedClaims, at: At): Work =>
  Effect.gen(function* () {
    const { as } = step.from
    const operation = operationOf(at.fence.token)
    yield* assertOwnCut(step, at)
    const made = yield* makeBeside(at, snapshotTarget(at.fence.namespace, as), {
      metadata: {
        name: as,
        labels: { ...managedBy, [madeByAnnotation]: operation }
      },
      spec: {
        ...(step.class === null ? {} : { volumeSnapshotClassName: step.class }),
        source: { persistentVolumeClaimName: as }
      }
    })
    yield* until(at, {
      views: polled(cutOfCopy(step, at)),
      until: ({ found, why }) =>
        why === null
          ? []
          : [{ subject: { kind: "VolumeSnapshot", name: as }, for: found?.status?.error?.message ?? why }],
      limit: at.settings.stepTimeout ?? defaultStepTimeout
    })
    if (markedCut(step, at) !== null) return
    const before = (at.mark ?? []).map(({ kind, name, uid }) => ({ kind, name, uid }))
    yield* at.intend([...before, { kind: "VolumeSnapshot", name: as, uid: made.metadata.uid ?? null }])
  })

/** The saved data of one member is in a snapshot of its own. */
const save = (step: SeedClaims, at: At, set: StatefulSet, { save: argv }: Seed): Work =>
  Effect.gen(function* () {
    const fit = yield* LimitRange.fitting(at.fence.namespace)
    const fill = Effect.gen(function* () {
      yield* assertNoneFree(at.fence.namespace, [step.from])
      yield* Fill.create(at, set, step.from)
      yield* makeCheckPod(at, "seed", fit(podOf(step, at, set, argv).saves))
      yield* untilSaved(step, at)
    })
    yield* Fill.whileCut(at, [step.from], fill)
    yield* assertFilled(at, step.from)
    yield* removeCheckPod(at, "seed")
    yield* cutCopy(step, at)
  })

/** True if this operation created every claim: their sources may be deleted by now. */
const areMade = (claims: ReadonlyArray<Fill.FilledClaim>, at: At): Work<boolean> =>
  Effect.map(
    Effect.forEach(claims, ({ as }) => readClaim(at.fence.namespace, as), { concurrency: 16 }),
    (all) => all.every((claim) => isFilledHere(at, claim) && claim?.status?.phase === "Bound")
  )

/** Deletes the copy and its snapshot: nothing of the application needs them any longer. */
const clear = (step: SeedClaims, at: At): Work =>
  Effect.gen(function* () {
    yield* removeCheckPod(at, "seed")
    yield* dropCut(at, step.from.as)
    yield* removeFilled(at, step.from.as)
  })

const perform = (step: SeedClaims, whole: At): Work =>
  Effect.gen(function* () {
    const at = working(whole)
    const set = yield* Workload.assertHeld(at.fence)
    const claims = at.isTakenUp ? yield* stillToFill(step.claims, at) : step.claims
    if (claims.length > 0) {
      const seed = yield* seedFor(step, at)
      const { makes } = podOf(step, at, set, seed.restore)
      const fit = yield* LimitRange.fitting(at.fence.namespace)
      yield* Prove.clearCheckPods(claims, at)
      const last = yield* readCheckPod(at, "seed")
      if (isOver(last)) yield* removeCheckPod(at, "seed")
      const together = { concurrency: 16, discard: true } as const
      const make = Effect.gen(function* () {
        yield* assertNoneFree(at.fence.namespace, claims)
        yield* Effect.forEach(claims, (claim) => Fill.create(at, set, claim), together)
        yield* Effect.forEach(claims, (claim) => makeCheckPod(at, claim.ordinal, fit(makes(claim))), together)
        yield* Prove.prove(claims, at)
      })
      // All of them are of the copy's one cut.
      const cut = [{ ...step.from, snapshot: step.from.as, cutOf: step.from.as, ...unknown }]
      const isNoted = at.mark?.some(({ kind }) => kind === "PersistentVolume") ?? false
      if (isNoted && (yield* areMade(claims, at))) yield* make
      else {
        yield* (yield* areMade(claims, at)) ? assertOwnCut(step, at) : save(step, at, set, seed)
        yield* Fill.whileCut(at, cut, make)
      }
      yield* Prove.removeCheckPods(claims, at)
      yield* noteVolumes([...claims, step.from], at)
      yield* Effect.forEach(claims, (claim) => retain(at, claim), together)
    }
    yield* clear(step, at)
  })

const undo = (step: SeedClaims, at: At): Work =>
  Effect.gen(function* () {
    yield* Prove.removeCheckPods(step.claims, at)
    yield* Effect.forEach(step.claims, (claim) => removeFilled(at, claim.as), {
      concurrency: 8,
      discard: true
    })
    yield* clear(step, at)
    yield* nameLeft(at)
  })

/** New claims for every member, rebuilt from a copy of one member's volume. */
export const SeedClaims: StepKind<SeedClaims, SeedSettings> = {
  tag: "SeedClaims",
  schema: SeedSchema,
  describe: ({ claims, from, profile }) =>
    `rebuild ${claims.length} members from a copy of ${from.claim} by profile ${profile}, and check them`,
  access: (_, { namespace }) => [
    ...rules("", "persistentvolumeclaims", ["get", "list", "create", "patch", "delete"], namespace),
    ...rules("", "pods", ["get", "list", "create", "delete"], namespace),
    ...rules("snapshot.storage.k8s.io", "volumesnapshots", ["get", "create", "delete"], namespace),
    ...rules("snapshot.storage.k8s.io", "volumesnapshotcontents", ["get", "patch"], null),
    ...rules("", "persistentvolumes", ["get", "patch"], null)
  ],
  rehearse: (step, at) =>
    Effect.gen(function* () {
      const set = yield* Workload.assertThere(at)
      yield* Fill.assertCut(at, step.from)
      const namespace = at.fence.namespace
      for (const claim of [step.from, ...step.claims]) {
        const value = yield* Fill.valueOf(at, set, claim)
        if (value !== null)
          yield* Resource.create({ api: kinds.persistentvolumeclaims, namespace }, value, { dryRun: true })
      }
      const { saves, makes } = podOf(step, at, set, ["true"])
      for (const pod of [saves, ...step.claims.map(makes)])
        yield* Resource.create({ api: kinds.pods, namespace }, pod, { dryRun: true })
      return [`a dry run does not test whether ${step.from.claim} can be opened by itself`]
    }),
  marks: ({ claims }) => claims.length + 2,
  perform,
  undo,
  undoAlone: (step, at) =>
    Effect.gen(function* () {
      yield* Prove.removeCheckPods(step.claims, at)
      yield* removeCheckPod(at, "seed")
      const left = [...step.claims, step.from].map(({ as }) => as).join(", ")
      yield* at.report({
        _tag: "Note",
        message: `filled claims are kept: ${left}, if they exist, and volumesnapshot ${step.from.as}`
      })
    })
}
