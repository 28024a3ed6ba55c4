/**
 * New claims, filled from volume snapshots and checked, while the application still runs: the restored data
 * is known to be good before anything old is changed.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure } from "../operation/StepContext.ts"
import { operationOf } from "../operation/Token.ts"
import { kinds } from "../Kind.ts"
import * as LimitRange from "../LimitRange.ts"
import * as Resource from "../Resource.ts"
import { untilBound } from "../wait/bound.ts"
import { errandFields, errandsFor, keptRecord } from "./errands.ts"
import {
  assertCut,
  type At,
  create,
  FilledClaim,
  type FillSettings,
  valueOf,
  whileCut
} from "./filledClaim.ts"
import * as Holder from "./holder.ts"
import { byOrdinal, clearCheckPods, notProven, prove, proven, removeCheckPods } from "./proveFilled.ts"
import { checkPodOf, makeCheckPod } from "./checkPods.ts"
import { assertFilled, assertNoneFree } from "./madeFor.ts"
import { isFilledHere, removeFilled } from "./removeFilled.ts"
import { keptVolumes, readClaim, readVolume, retainVolume } from "./volume.ts"
import { isMarkedBy } from "./volumeOwner.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const FillSchema = Schema.TaggedStruct("FillClaims", {
  on,
  claims: Schema.Array(FilledClaim),
  ...errandFields
})
type FillClaims = typeof FillSchema.Type

/** A filled claim with its volume, Bound both ways, under Retain. */
export const retain = (at: At, filled: FilledClaim): Work =>
  Effect.gen(function* () {
    const { as } = filled
    yield* assertFilled(at, filled)
    const claim = yield* readClaim(at.fence.namespace, as)
    const volume = claim?.spec.volumeName
    const own = { claim: as, uid: claim?.metadata.uid ?? "", volume: volume ?? "" }
    if (own.volume === "") yield* notProven(`claim ${as} has no volume`)
    const reason = (yield* untilBound(at, own)) ?? (yield* retainVolume(at, own)).reason
    if (reason !== null) yield* notProven(reason)
  })

/** Writes the filled volumes into the journal: it is the only way to find one whose claim was deleted. */
export const noteVolumes = (claims: ReadonlyArray<FilledClaim>, at: At): Work =>
  Effect.gen(function* () {
    const made = yield* Effect.forEach(
      claims,
      ({ as }) =>
        Effect.map(readClaim(at.fence.namespace, as), (claim) =>
          claim?.spec.volumeName
            ? [{ kind: "PersistentVolume", name: claim.spec.volumeName, uid: claim.metadata.uid ?? null }]
            : []
        ),
      { concurrency: 16 }
    )
    const before = (at.mark ?? []).map(({ kind, name, uid }) => ({ kind, name, uid }))
    const known = new Set(before.map(({ name }) => name))
    yield* at.intend([...before, ...made.flat().filter(({ name }) => !known.has(name))])
  })

/**
 * Names each volume that remains because its claim was deleted: only volumes that this operation has
 * annotated.
 */
export const nameLeft = (at: At): Work =>
  Effect.forEach(
    at.forward ?? [],
    ({ name }) =>
      Effect.gen(function* () {
        const volume = yield* readVolume(name)
        const ref = volume?.spec.claimRef
        const isLeft =
          volume?.status?.phase === "Released" &&
          ref?.namespace === at.fence.namespace &&
          isMarkedBy(operationOf(at.fence.token), volume)
        if (isLeft) {
          yield* at.fallShort(
            `volume ${name}, which was created for the restore, is kept: its claim ${ref.name} was deleted by another client`
          )
        }
      }),
    { concurrency: 8, discard: true }
  )

/** Those whose claims are still to take their places: of the others this is done. */
export const stillToFill = (claims: ReadonlyArray<FilledClaim>, at: At): Work<ReadonlyArray<FilledClaim>> =>
  Effect.map(
    Effect.forEach(
      claims,
      (claim) =>
        Effect.map(readClaim(at.fence.namespace, claim.claim), (found) =>
          isFilledHere(at, found) ? [] : [claim]
        ),
      { concurrency: 16 }
    ),
    (open) => open.flat()
  )

/** A member of whose claims one has its place already had all done before that, and its volumes are apart now. */
const errandsOf = (
  whole: FillClaims,
  at: At,
  record: Effect.Success<ReturnType<typeof keptRecord>>,
  ordinal: number,
  own: ReadonlyArray<FilledClaim>
) =>
  whole.claims.filter((claim) => claim.ordinal === ordinal).length > own.length
    ? Effect.succeed({})
    : errandsFor(whole, at, record, ordinal, own)

const perform = (whole: FillClaims, at: At): Work =>
  Effect.gen(function* () {
    const set = yield* Holder.assertHeld(at.fence)
    const claims = at.isTakenUp ? yield* stillToFill(whole.claims, at) : whole.claims
    const record = claims.length === 0 ? null : yield* keptRecord(whole, at)
    yield* clearCheckPods(claims, at)
    const fit = yield* LimitRange.fitting(at.fence.namespace)
    const fill = Effect.gen(function* () {
      if (claims.length > 0) yield* assertNoneFree(at.fence.namespace, claims)
      yield* Effect.forEach(claims, (claim) => create(at, set, claim), { concurrency: 16, discard: true })
      yield* Effect.forEach(
        byOrdinal(claims),
        ([ordinal, own]) =>
          Effect.flatMap(errandsOf(whole, at, record, ordinal, own), (errands) =>
            makeCheckPod(at, ordinal, fit(checkPodOf(at, set, ordinal, own.map(proven), errands)))
          ),
        { concurrency: 16, discard: true }
      )
      yield* prove(claims, at)
    })
    yield* whileCut(at, claims, fill)
    yield* removeCheckPods(claims, at)
    yield* noteVolumes(claims, at)
    yield* Effect.forEach(claims, (claim) => retain(at, claim), { concurrency: 8, discard: true })
  })

const undo = (step: FillClaims, at: At): Work =>
  Effect.gen(function* () {
    yield* removeCheckPods(step.claims, at)
    yield* Effect.forEach(step.claims, (claim) => removeFilled(at, claim.as, at.settings.discards === true), {
      concurrency: 8,
      discard: true
    })
    yield* nameLeft(at)
  })

/** New claims, filled from volume snapshots, mounted and read by a pod of their own, and under Retain. */
export const FillClaims: StepKind<FillClaims, FillSettings> = {
  tag: "FillClaims",
  schema: FillSchema,
  describe: ({ claims }) =>
    claims.length === 1
      ? `fill a new claim for ${claims[0]?.claim ?? ""} from its snapshot, and check it`
      : `fill ${claims.length} new claims from their snapshots, and check them`,
  access: ({ writes }, { namespace }, { record }) => [
    ...(writes === undefined ? [] : rules("", "secrets", ["get"], record?.namespace ?? namespace)),
    ...rules("", "persistentvolumeclaims", ["get", "list", "create", "patch", "delete"], namespace),
    ...rules("", "pods", ["get", "list", "create", "delete"], namespace),
    ...rules("snapshot.storage.k8s.io", "volumesnapshots", ["get"], namespace),
    ...rules("snapshot.storage.k8s.io", "volumesnapshotcontents", ["get"], null),
    ...rules("", "persistentvolumes", ["get", "patch"], null)
  ],
  rehearse: ({ claims }, at) =>
    Effect.gen(function* () {
      const set = yield* Holder.assertThere(at)
      const api = { namespace: at.fence.namespace }
      yield* assertNoneFree(at.fence.namespace, claims)
      for (const claim of claims) {
        yield* assertCut(at, claim)
        const value = yield* valueOf(at, set, claim)
        if (value !== null) {
          yield* Resource.create({ ...api, api: kinds.persistentvolumeclaims }, value, { dryRun: true })
        }
      }
      const fit = yield* LimitRange.fitting(at.fence.namespace)
      for (const [ordinal, group] of byOrdinal(claims)) {
        const pod = fit(checkPodOf(at, set, ordinal, group.map(proven)))
        yield* Resource.create({ ...api, api: kinds.pods }, pod, { dryRun: true })
      }
      return []
    }),
  marks: ({ claims }) => claims.length,
  perform,
  undo,
  undoAlone: (step, at) =>
    Effect.andThen(
      removeCheckPods(step.claims, at),
      at.report({
        _tag: "Note",
        message: `filled claims are kept: ${step.claims.map(({ as }) => as).join(", ")}, if they exist`
      })
    ),
  outlives: (_, of) => keptVolumes(of)
}
