/**
 * Claims that lose their pods and are kept. Before the first pod is removed their volumes are set to
 * Retain, so that deleting a claim in the meantime, or setting whenScaled to Delete, deletes no data. At
 * the end each claim and volume is checked: a reclaim policy is restored only on a volume that is still
 * Bound to the planned claim. Any other keeps reclaim policy Retain, and is reported.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../kind/Storage.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { isGoing } from "../operation/NamespaceGone.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind, stepsOf } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { operationOf } from "../operation/Token.ts"
import { after, parse } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"
import { shellWord } from "../ShellWord.ts"
import { byName, claimsOf } from "./templates.ts"
import {
  before,
  eachVolume,
  KeptClaim,
  keptVolumes,
  policyOf,
  readClaim,
  readVolume,
  releaseVolume,
  retainVolume,
  type Written
} from "./volume.ts"
import { madeByAnnotation } from "../Labels.ts"
import { anothers, type Bound, isMarkedBy, isReserved, lost } from "./volumeOwner.ts"
import * as Holder from "./holder.ts"
import { counted } from "../Plural.ts"

type At = StepContext

/** Those whose volumes would be deleted with their claims. */
export const atRisk = (claims: ReadonlyArray<KeptClaim>): ReadonlyArray<KeptClaim> =>
  claims.filter(({ reclaimPolicy }) => reclaimPolicy !== null && reclaimPolicy !== "Retain")

/** Sets Retain on the volumes of these claims, and reads it back. */
export const keepVolumes = (
  at: At,
  { claims, retain }: { readonly claims: ReadonlyArray<KeptClaim>; readonly retain: boolean }
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    if (!retain) return
    const kept = yield* eachVolume(atRisk(claims), (own) => retainVolume(at, own))
    const operation = operationOf(at.fence.token)
    const failed = kept.find(
      ({ volume, reason }) =>
        // Kept by an earlier run of this operation: its claim may be deleted by now, but not its data.
        reason !== null &&
        !(volume !== null && isMarkedBy(operation, volume) && policyOf(volume) === "Retain")
    )
    if (failed === undefined) return
    const { claim, reason } = failed
    return yield* because(
      "Changed",
      `${reason}: ${at.fence.name} was not scaled, because the data of ${claim.claim} would not be kept`,
      `to keep it: kubectl patch pv ${shellWord(claim.volume ?? "")} -p '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}'; then abort, and plan again`
    )
  })

/** What happened to the data of a claim that lost it. */
export const whereabouts = (name: string, volume: PersistentVolume | null): string => {
  if (volume === null) return `volume ${name} is gone, and its data with it`
  return policyOf(volume) === "Retain"
    ? `its data is kept in volume ${name}, reclaim policy Retain`
    : `volume ${name} has reclaim policy ${policyOf(volume)}, and may be deleted with its data`
}

/** The current claims of a namespace by name: others need not be valid. */
export const claimsIn = (
  namespace: string,
  which: Resource.Which
): Effect.Effect<ReadonlyArray<PersistentVolumeClaim>, ClusterError, Cluster> =>
  Resource.list(kinds.persistentvolumeclaims, { namespace, which })

/** The existing ones of these claims, by name. */
export const claimsByName = (
  namespace: string,
  names: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, PersistentVolumeClaim>, ClusterError, Cluster> => {
  const asked = new Set(names)
  // Who restores manifests alone needs no permission to list claims, and learns at the end alone that it is missing.
  if (asked.size === 0) return Effect.succeed(new Map())
  return Effect.map(
    claimsIn(namespace, ({ name }) => asked.has(name)),
    byName
  )
}

/**
 * What happened to a claim's data, as far as this process can read volumes; `null` if the claim still has
 * it.
 */
const missing = (own: Bound, claim: PersistentVolumeClaim | null) =>
  readVolume(own.volume).pipe(
    Effect.map((volume) => (isReserved(own, claim, volume) ? null : whereabouts(own.volume, volume))),
    Effect.catchReason("ClusterError", "Forbidden", () =>
      Effect.succeed(`the state of volume ${own.volume} is unknown: no permission to read persistentvolumes`)
    )
  )

/** Names each of these claims that no longer has its volume. */
export const checkClaims = (
  at: At,
  claims: ReadonlyArray<KeptClaim>
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    if (claims.length === 0) return
    const now = yield* claimsByName(
      at.fence.namespace,
      claims.map(({ claim }) => claim)
    )
    for (const { claim, uid, volume } of claims) {
      if (volume === null) continue
      const own = { claim, uid, volume }
      const found = now.get(claim) ?? null
      const reason = lost(own, found)
      const whither = reason === null ? null : yield* missing(own, found)
      if (whither !== null) yield* at.fallShort(`${reason}; ${whither}`)
    }
  })

/** Names a volume that keeps reclaim policy Retain because its annotation with the previous policy is missing. */
export const nameUnmarked = (
  at: At,
  { claim, reclaimPolicy }: Pick<KeptClaim, "claim" | "reclaimPolicy">,
  volume: PersistentVolume | null
): Effect.Effect<void> =>
  volume === null || reclaimPolicy === null || reclaimPolicy === "Retain" || policyOf(volume) !== "Retain"
    ? Effect.void
    : at.fallShort(
        `volume ${volume.metadata.name} of ${claim} has reclaim policy Retain instead of ${reclaimPolicy}: the annotation to restore it was removed, so it was left as it is`
      )

const release = (at: At, own: Bound): Effect.Effect<Written, Failure, Cluster> =>
  Effect.gen(function* () {
    const { set } = yield* Holder.standing(at)
    const volume = set === null ? yield* readVolume(own.volume) : null
    // Without its holder only a mark tells whose a volume is: without one there is nothing to put back.
    return set !== null || isMarkedBy(operationOf(at.fence.token), volume)
      ? yield* releaseVolume(at, own)
      : { volume, reason: lost(own, yield* readClaim(at.fence.namespace, own.claim)) }
  })

/** Puts the reclaim policies back, and names each claim that was to stay and did not. */
export const releaseVolumes = (
  at: At,
  { claims, retain }: { readonly claims: ReadonlyArray<KeptClaim>; readonly retain: boolean }
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const risky = retain ? atRisk(claims) : []
    if (claims.length > 0 && (yield* isGoing(at.fence.namespace))) {
      const kept = risky.map(({ claim, volume }) => `${volume} (${claim})`).join(", ")
      yield* at.fallShort(
        `namespace ${at.fence.namespace} is being deleted, and its claims with it; ${kept === "" ? "their volumes follow their own policies" : `kept with reclaim policy Retain: ${kept}`}`
      )
      return
    }
    const released = yield* eachVolume(risky, (own) => release(at, own))
    for (const { claim, volume, reason } of released) {
      if (claim.volume === null) continue
      if (reason !== null) yield* at.fallShort(`${reason}; ${whereabouts(claim.volume, volume)}`)
      else if (volume?.metadata.deletionTimestamp) {
        const what = `volume ${claim.volume} of ${claim.claim} is being deleted`
        yield* at.fallShort(
          `${what}: no new pod can mount it; its reclaim policy stays Retain, so its data is kept`
        )
      } else yield* nameUnmarked(at, claim, volume)
    }
    yield* checkClaims(
      at,
      claims.filter((claim) => !risky.includes(claim))
    )
  })

/** The claims of ordinals from `first` on, below `end`, as they are now, with their volumes. */
export const claimsFrom = (
  set: StatefulSet,
  first: number,
  end = Number.MAX_SAFE_INTEGER
): Effect.Effect<ReadonlyArray<KeptClaim>, ClusterError, Cluster> =>
  Effect.map(claimsOf(set), (claims) =>
    [...claims.values()].flatMap(({ metadata, spec }): ReadonlyArray<KeptClaim> => {
      const ordinal = parse(metadata.name.slice(metadata.name.lastIndexOf("-") + 1))
      return ordinal === null || ordinal < first || ordinal >= end || !spec.volumeName || !metadata.uid
        ? []
        : [{ claim: metadata.name, uid: metadata.uid, volume: spec.volumeName, reclaimPolicy: null }]
    })
  )

/**
 * An abort removes pods that may have written: their volumes are set to Retain as well. A claim without a
 * volume, and missing permission to set reclaim policies, do not stop an abort.
 */
export const keepWhatIs = (
  at: At,
  claims: ReadonlyArray<KeptClaim>,
  whenScaled: string | undefined
): Effect.Effect<ReadonlyArray<KeptClaim>, Failure, Cluster> =>
  eachVolume(claims, (own) => retainVolume(at, own)).pipe(
    // The previous policy is now recorded on each volume.
    Effect.map((kept) =>
      kept.map(({ claim, volume }) => ({ ...claim, reclaimPolicy: volume && before(volume) }))
    ),
    Effect.catchReason("ClusterError", "Forbidden", () =>
      Effect.as(
        at.report({
          _tag: "Note",
          message:
            whenScaled === "Delete"
              ? "no permission to set reclaim policies: a claim that is deleted with its pod loses its data"
              : "no permission to set reclaim policies: claims are kept only while whenScaled is not set to Delete"
        }),
        claims
      )
    )
  )

/** Restores what `keepWhatIs` has set, and names each claim that was deleted. */
export const releaseWhatIs = (
  at: At,
  claims: ReadonlyArray<KeptClaim>
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const operation = operationOf(at.fence.token)
    const looked = yield* Effect.forEach(
      claims,
      (claim) =>
        (claim.volume === null ? Effect.succeed(null) : readVolume(claim.volume)).pipe(
          Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed(null)),
          Effect.map((volume) => ({ claim, volume }))
        ),
      { concurrency: 8 }
    )
    const marked = looked.flatMap(({ claim, volume }) => (isMarkedBy(operation, volume) ? [claim] : []))
    const told = new Set<KeptClaim>(marked)
    for (const { claim, volume } of looked) {
      if (marked.includes(claim)) continue
      // A claim whose volume was given to another says Bound until its controller looks again.
      const other =
        claim.volume === null || volume === null
          ? null
          : anothers(at.fence.namespace, { ...claim, volume: claim.volume }, volume)
      if (other === null) yield* nameUnmarked(at, claim, volume)
      else {
        told.add(claim)
        yield* at.fallShort(`${other}: it was ${claim.claim}'s`)
      }
    }
    for (const { claim, volume, reason } of yield* eachVolume(marked, (own) => releaseVolume(at, own))) {
      if (claim.volume === null) continue
      if (reason !== null) yield* at.fallShort(`${reason}; ${whereabouts(claim.volume, volume)}`)
      else yield* nameUnmarked(at, claim, volume)
    }
    yield* checkClaims(
      at,
      claims.filter((claim) => !told.has(claim))
    )
  })

/** Restores what an interrupted abort has set on its own claims. */
const releaseOwn = (at: At, isOwn: (claim: string) => boolean): Effect.Effect<void, Failure, Cluster> =>
  Effect.flatMap(
    claimsIn(at.fence.namespace, ({ name }) => isOwn(name)),
    (claims) =>
      releaseWhatIs(
        at,
        claims.flatMap(({ metadata, spec }): ReadonlyArray<KeptClaim> => {
          const { name, uid } = metadata
          return uid && spec.volumeName
            ? [{ claim: name, uid, volume: spec.volumeName, reclaimPolicy: null }]
            : []
        })
      )
  )

/** The same on claims by template and ordinal. */
export const releaseMarked = (
  at: At,
  templates: ReadonlyArray<string>
): Effect.Effect<void, Failure, Cluster> =>
  releaseOwn(at, (claim) =>
    templates.some((template) => after(`${template}-${at.fence.name}-`, claim) !== null)
  )

/** The same on claims that a pod template names. */
const releaseNamed = (at: At, names: ReadonlyArray<string>): Effect.Effect<void, Failure, Cluster> =>
  releaseOwn(at, (claim) => names.includes(claim))

/**
 * In a resumed operation, policies that are missing in the journal are restored too, from the annotations
 * on the volumes of this application's claims: editing a journal edits no volume.
 */
const releaseUnsaid = (at: At): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    if (!at.isTakenUp) return
    const { set } = yield* Holder.standing(at)
    const templates = (set?.spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name)
    if (templates.length > 0) yield* releaseMarked(at, templates)
    else if (set !== null) yield* releaseNamed(at, [...Holder.namedBy(set).keys()])
  })

/** Claims whose volumes were moved and returned were created by this operation, under the same names. */
const asTheyAre = (at: At, step: RetainVolumes): Effect.Effect<RetainVolumes, ClusterError, Cluster> =>
  Effect.map(
    claimsByName(
      at.fence.namespace,
      step.claims.map(({ claim }) => claim)
    ),
    (now) => ({
      ...step,
      claims: step.claims.map((own) => {
        const found = now.get(own.claim)
        const isBack =
          found?.metadata.annotations?.[madeByAnnotation] === operationOf(at.fence.token) &&
          found.spec.volumeName === own.volume
        return isBack ? { ...own, uid: found.metadata.uid ?? "" } : own
      })
    })
  )

const RetainSchema = Schema.TaggedStruct("RetainVolumes", {
  on,
  claims: Schema.Array(KeptClaim),
  retain: Schema.Boolean
})
type RetainVolumes = typeof RetainSchema.Type

/** The rules on volumes, which are of the whole cluster, and on the claims that they are looked up by. */
const volumeRules = (namespace: string) => [
  ...rules("", "persistentvolumeclaims", ["list", "get"], namespace),
  ...rules("", "persistentvolumes", ["get", "patch"], null)
]

/**
 * Claims that lose their pods and are kept. `retain` sets their volumes to Retain during the operation, so
 * that deleting a claim in the meantime deletes no data.
 */
export const RetainVolumes: StepKind<RetainVolumes, object> = {
  tag: "RetainVolumes",
  schema: RetainSchema,
  describe: ({ claims, retain }) =>
    retain
      ? `keep ${counted(claims.length, "volume")}: reclaim policy Retain`
      : `keep ${counted(claims.length, "claim")}`,
  access: ({ retain }, { namespace }) =>
    retain ? volumeRules(namespace) : rules("", "persistentvolumeclaims", ["list"], namespace),
  rehearse: ({ claims, retain }, at) => (retain ? tryRetain(at, atRisk(claims)) : Effect.succeed([])),
  perform: (step, at) => keepVolumes(at, step),
  undo: (step, at) =>
    Effect.flatMap(asTheyAre(at, step), (own) => Effect.andThen(releaseVolumes(at, own), releaseUnsaid(at))),
  undoAlone: (step, at) => releaseVolumes(at, step),
  outlives: (_, of) => keptVolumes(of)
}

/** Retain on these volumes as a dry run; one that may not be written to would stop the run. */
export const tryRetain = (
  at: At,
  claims: ReadonlyArray<KeptClaim>
): Effect.Effect<ReadonlyArray<string>, Failure, Cluster> =>
  Effect.flatMap(
    eachVolume(claims, (own) => retainVolume(at, own, { dryRun: true })),
    (written) => {
      const reason = written.find((one) => one.reason !== null)?.reason
      return reason == null
        ? Effect.succeed([])
        : Effect.fail(because("Changed", reason, "run the command again"))
    }
  )

/** The claims that a plan retains. */
export const retainedBy = (plan: Pick<StepContext["plan"], "steps">): ReadonlyArray<KeptClaim> =>
  stepsOf<RetainVolumes>(RetainVolumes, plan.steps).flatMap(({ claims }) => claims)

const RestoreSchema = Schema.TaggedStruct("RestoreReclaimPolicies", {
  on,
  count: Schema.Natural,
  /** Only these; absent for all that the plan retains. */
  claims: Schema.optionalKey(Schema.Array(Schema.String))
})

/** Looks whether the retained claims still hold their volumes, and puts the reclaim policies of those back. */
export const RestoreReclaimPolicies: StepKind<typeof RestoreSchema.Type, object> = {
  tag: "RestoreReclaimPolicies",
  schema: RestoreSchema,
  describe: ({ count }) => `check ${counted(count, "kept claim")}; restore reclaim policies`,
  access: () => [],
  rehearse: () => Effect.succeed([]),
  perform: ({ on: guard, claims: only }, at) =>
    Effect.andThen(
      Effect.forEach(
        stepsOf<RetainVolumes>(RetainVolumes, at.plan.steps).filter((step) => step.on === guard),
        ({ claims, retain }) =>
          releaseVolumes(at, {
            retain,
            claims: only === undefined ? claims : claims.filter(({ claim }) => only.includes(claim))
          }),
        { discard: true }
      ),
      releaseUnsaid(at)
    ),
  undo: () => Effect.void
}
