/**
 * New claims that are all made from one member's data, while the application still runs on its own.
 *
 * A copy of that member's volume is filled from its cut, and opened alone in a pod of its own, which saves
 * what it holds. The copy is cut in its turn, so that each member's new volume is filled where that member may
 * run; and there a pod makes the member's data, under its own name. It is opened once: what is opened twice
 * may end in two states, by a lease that runs out in between.
 *
 * What is run is the profile's, and stands in no plan: whoever resumes has to have the same.
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
import * as Resource from "../Resource.ts"
import { fingerprint, type Seed } from "../Seed.ts"
import { shellWord } from "../ShellWord.ts"
import { inWords } from "../wait/condition.ts"
import { defaultStepTimeout, polled, until } from "../wait/until.ts"
import { notTheCut } from "./cutSource.ts"
import { nameLeft, noteVolumes, retain, stillToFill } from "./fillClaims.ts"
import * as Fill from "./filledClaim.ts"
import * as Prove from "./proveFilled.ts"
import { makeProver, readProver, removeProver } from "./provers.ts"
import { disproof, isOver, waitsFor } from "./proverVerdict.ts"
import { isFilledHere, removeFilled } from "./removeFilled.ts"
import { seedPod } from "./seedPod.ts"
import { dropCut, makeBeside, readContent, readSnapshot, snapshotTarget } from "./snapshots.ts"
import { readClaim } from "./volume.ts"
import { madeByAnnotation } from "../Labels.ts"
import * as Workload from "./workload.ts"

export interface SeedSettings extends Fill.FillSettings {
  /** The same as the plan was made with, by its fingerprint; absent: nobody has it any more. */
  readonly seed?: Seed
}

type At = StepContext<SeedSettings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const SeedSchema = Schema.TaggedStruct("SeedClaims", {
  on,
  /** The profile's name, for words alone. */
  profile: Schema.String,
  /** Of what is run in the pods. */
  digest: Schema.String,
  /** The copy of one member's volume; its own cut has its name. */
  from: Fill.FilledClaim,
  /** VolumeSnapshotClass of that cut; null: the cluster's default. */
  class: Schema.NullOr(Schema.String),
  claims: Schema.Array(Fill.FilledClaim)
})
type SeedClaims = typeof SeedSchema.Type

/** The name of the copy, and of its cut. */
export const copyName = (claim: string, id: string): string => `${claim}-seed-${id}`

/** What a seed's pods find is looked at as what a prover does; but they have work to do. */
const working = (at: At): At => ({ ...at, settings: { ...at.settings, allowEmpty: false, runs: true } })

const seedFor = (step: SeedClaims, { settings: { seed }, fence }: At): Work<Seed> =>
  seed !== undefined && fingerprint(seed) === step.digest
    ? Effect.succeed(seed)
    : Effect.fail(
        because(
          "Mismatch",
          seed === undefined
            ? `the members of ${fence.name} are made by profile ${step.profile}, which was not given`
            : `profile ${seed.profile} is not the one that this was planned with`,
          `give --profile ${shellWord(step.profile)} as when it was started; or abort`
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
      views: polled(readProver(at, "seed")),
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
            "a resume goes on waiting; nothing of the application was touched"
          )
        )
    })
  )
}

/** What nobody knows of a cut that is still to be made. */
const unknown = { handle: null, volumeHandle: null } as const

const cutOfCopy = ({ from }: SeedClaims, at: At) =>
  Effect.gen(function* () {
    const found = yield* readSnapshot(at.fence.namespace, from.as)
    const name = found?.status?.boundVolumeSnapshotContentName
    const content = name ? yield* readContent(name) : null
    const cut = { claim: from.as, snapshot: from.as, ...unknown, driver: from.driver }
    return { found, why: notTheCut(cut, found, content) }
  })

/** The uid of the copy's cut that stands in the journal: no member was made before that. */
const markedCut = ({ from }: SeedClaims, at: At): string | null =>
  at.mark?.find(({ kind, name }) => kind === "VolumeSnapshot" && name === from.as)?.uid ?? null

/**
 * Fails where what has the name of the copy's cut is not the one that members are made from. One that nobody
 * has noted yet is made anew: its label is on whatever somebody puts it, and it may be older than what is saved.
 */
const assertOwnCut = (step: SeedClaims, at: At): Work =>
  Effect.gen(function* () {
    const { as } = step.from
    const marked = markedCut(step, at)
    const there = yield* readSnapshot(at.fence.namespace, as)
    if (marked !== null && there?.metadata.uid !== marked) {
      return yield* because(
        "Changed",
        `volumesnapshot "${as}" is ${there === null ? "gone" : "another one"}: members that were made from it are not proven`,
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

/** The copy is cut, and its cut ready: it is of the copy's claim alone, and known by its uid. */
const cutCopy = (step: SeedClaims, at: At): Work =>
  Effect.gen(function* () {
    const { as } = step.from
    const operation = operationOf(at.fence.token)
    yield* assertOwnCut(step, at)
    const made = yield* makeBeside(at, snapshotTarget(at.fence.namespace, as), {
      metadata: {
        name: as,
        labels: { "app.kubernetes.io/managed-by": "kubectl-stateful", [madeByAnnotation]: operation }
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

/** What is saved of one member lies in a cut of its own. */
const save = (step: SeedClaims, at: At, set: StatefulSet, { save: argv }: Seed): Work =>
  Effect.gen(function* () {
    const fill = Effect.gen(function* () {
      yield* Fill.create(at, set, step.from)
      yield* makeProver(at, "seed", podOf(step, at, set, argv).saves)
      yield* untilSaved(step, at)
    })
    yield* Fill.whileCut(at, [step.from], fill)
    yield* removeProver(at, "seed")
    yield* cutCopy(step, at)
  })

/** Whether every claim is there, of this operation: what it was filled from may be gone by now. */
const areMade = (claims: ReadonlyArray<Fill.FilledClaim>, at: At): Work<boolean> =>
  Effect.map(
    Effect.forEach(claims, ({ as }) => readClaim(at.fence.namespace, as), { concurrency: 16 }),
    (all) => all.every((claim) => isFilledHere(at, claim) && claim?.status?.phase === "Bound")
  )

/** The copy and its cut go: nothing of the application needs them any more. */
const clear = (step: SeedClaims, at: At): Work =>
  Effect.gen(function* () {
    yield* removeProver(at, "seed")
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
      yield* Prove.clearProvers(claims, at)
      const last = yield* readProver(at, "seed")
      if (isOver(last)) yield* removeProver(at, "seed")
      const together = { concurrency: 16, discard: true } as const
      const make = Effect.gen(function* () {
        yield* Effect.forEach(claims, (claim) => Fill.create(at, set, claim), together)
        yield* Effect.forEach(claims, (claim) => makeProver(at, claim.ordinal, makes(claim)), together)
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
      yield* Prove.removeProvers(claims, at)
      yield* noteVolumes([...claims, step.from], at)
      yield* Effect.forEach(claims, (claim) => retain(at, claim), together)
    }
    yield* clear(step, at)
  })

const undo = (step: SeedClaims, at: At): Work =>
  Effect.gen(function* () {
    yield* Prove.removeProvers(step.claims, at)
    yield* Effect.forEach(step.claims, (claim) => removeFilled(at, claim.as), {
      concurrency: 8,
      discard: true
    })
    yield* clear(step, at)
    yield* nameLeft(at)
  })

/** New claims for every member, made from a copy of one member's volume. */
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
      return [`whether ${step.from.claim} can be opened alone is not tried in a dry run`]
    }),
  marks: ({ claims }) => claims.length + 2,
  perform,
  undo,
  undoAlone: (step, at) =>
    Effect.gen(function* () {
      yield* Prove.removeProvers(step.claims, at)
      yield* removeProver(at, "seed")
      const left = [...step.claims, step.from].map(({ as }) => as).join(", ")
      yield* at.report({
        _tag: "Note",
        message: `claims that were filled stay: ${left}, if they are there, and volumesnapshot ${step.from.as}`
      })
    })
}
