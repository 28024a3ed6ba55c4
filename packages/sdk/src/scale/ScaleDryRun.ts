/**
 * A plan tried on the server without keeping anything: what admission says of each write that it will
 * send, as far as what it is sent to is there.
 */
import * as Effect from "effect/Effect"
import { preflight } from "../Access.ts"
import { type Cluster, ClusterError } from "../Cluster.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import * as Fences from "../operation/Fence.ts"
import * as Journal from "../operation/Journal.ts"
import * as Lease from "../operation/Lease.ts"
import type { Failure } from "../operation/Performer.ts"
import { timestamp } from "../operation/Turn.ts"
import * as Resource from "../Resource.ts"
import { manifest } from "./ScaleClaims.ts"
import { describe, type KeptVolume, type ScalePlan, type ScaleStep } from "./ScaleStep.ts"

const dryRun = { dryRun: true } as const

/** Who the dry run says it is: it holds nothing. */
const token = (plan: ScalePlan): string => `${plan.id}.00000000`

type Tried = Effect.Effect<void, Failure, Cluster>

/** A change of the StatefulSet, with the token that each of them carries. */
const setPatch = (
  plan: ScalePlan,
  set: StatefulSet,
  operations: ReadonlyArray<Resource.JsonPatchOperation>
): Tried =>
  Effect.asVoid(
    Resource.patch(
      { api: Resource.statefulSets, namespace: plan.app.namespace, name: plan.app.name },
      {
        _tag: "Json",
        operations: [
          { op: "test", path: "/metadata/uid", value: plan.basis.uid },
          ...(set.metadata.annotations == null
            ? [{ op: "add" as const, path: "/metadata/annotations", value: {} }]
            : []),
          { op: "add", path: Fences.annotationPath(Fences.annotation), value: token(plan) },
          ...operations
        ]
      },
      dryRun
    )
  )

const policies = (
  volumes: ReadonlyArray<KeptVolume>,
  to: (volume: KeptVolume) => string | undefined
): Tried =>
  Effect.forEach(
    volumes,
    (volume) =>
      Resource.patch(
        { api: Resource.persistentVolumes, name: volume.name },
        {
          _tag: "Json",
          operations: [
            { op: "test", path: "/spec/claimRef/uid", value: volume.claim },
            { op: "replace", path: "/spec/persistentVolumeReclaimPolicy", value: to(volume) }
          ]
        },
        dryRun
      ),
    { concurrency: 8, discard: true }
  )

const createClaims = (plan: ScalePlan, set: StatefulSet, step: Extract<ScaleStep, { _tag: "Claims" }>) =>
  Effect.forEach(
    step.slots,
    (slot) => {
      const value = manifest(set, slot, plan.id)
      const at = { api: Resource.persistentVolumeClaims, namespace: plan.app.namespace }
      return value === null ? Effect.void : Resource.create(at, value, dryRun)
    },
    { concurrency: 8, discard: true }
  )

const deleteClaim = (plan: ScalePlan, step: { readonly claim: string; readonly uid: string }): Tried =>
  Effect.asVoid(
    Resource.remove(
      { api: Resource.persistentVolumeClaims, namespace: plan.app.namespace, name: step.claim },
      { uid: step.uid, ...dryRun }
    )
  )

/** The step's writes; null: it has none that could be sent now. */
const attempt = (plan: ScalePlan, set: StatefulSet, step: ScaleStep): Tried | null => {
  switch (step._tag) {
    case "Claims":
      return createClaims(plan, set, step)
    case "Replicas":
      return setPatch(plan, set, [{ op: "replace", path: "/spec/replicas", value: step.to }])
    case "Retain":
    case "PutBack":
      return setPatch(plan, set, [
        { op: "add", path: "/spec/persistentVolumeClaimRetentionPolicy", value: step.to }
      ])
    case "KeepVolumes":
      return policies(step.volumes, () => "Retain")
    case "ReleaseVolumes":
      return policies(step.volumes, (volume) => volume.was)
    case "Purge": {
      const { volume, uid } = step
      const kept = volume === null ? [] : [{ name: volume, claim: uid, was: "Delete" }]
      return Effect.andThen(
        policies(kept, ({ was }) => was),
        deleteClaim(plan, step)
      )
    }
    case "SetAside":
      return Effect.andThen(
        policies([{ name: step.volume, claim: step.uid, was: "" }], () => "Retain"),
        deleteClaim(plan, step)
      )
    case "Hook":
      return null
    default:
      return step satisfies never
  }
}

/** What is not sent of a step, in words; null: all of it was. */
const untried = (name: string, step: ScaleStep): string | null => {
  if (step._tag === "Hook") return `${describe(name, step)}: a hook runs only in earnest`
  return step._tag === "SetAside"
    ? `${describe(name, step)}: claim ${step.as} is not sent, the volume is not free yet`
    : null
}

/** Which write it was, before what the server says of it. */
const named = (what: string, tried: Tried): Tried =>
  Effect.mapError(tried, (error) => {
    if (error._tag !== "ClusterError" || error.status === undefined) return error
    const { reason, message, action, status } = error
    return new ClusterError({
      reason,
      status,
      message: `${what} would be refused: ${message}`,
      ...(action === undefined ? {} : { action })
    })
  })

/** The plan, with what could not be sent listed as unchecked. Fails with the first refusal, as the run would. */
export const tryOut = (plan: ScalePlan): Effect.Effect<ScalePlan, Failure, Cluster> =>
  Effect.gen(function* () {
    if (plan.refusals.length > 0 || plan.steps.length === 0) return plan
    yield* preflight(plan.access)
    const { namespace, name } = plan.app
    const set = yield* Fences.read(plan.app)
    const identity = "a dry run"
    const started = yield* timestamp
    yield* named(
      `lease ${Lease.nameOf(name)}`,
      Lease.tryOut({ namespace, app: name, token: token(plan), identity })
    )
    const progress: Journal.Progress = {
      phase: "Running",
      aborting: false,
      holder: identity,
      started,
      ended: null,
      marks: {},
      found: {},
      message: null
    }
    yield* named(
      `journal ${Journal.nameOf(plan.id)}`,
      Effect.asVoid(Journal.create({ plan, run: token(plan), progress }, dryRun))
    )
    for (const step of plan.steps) {
      const tried = attempt(plan, set, step)
      if (tried !== null) yield* named(`"${describe(name, step)}"`, tried)
    }
    const unchecked = plan.steps.flatMap((step) => untried(name, step) ?? [])
    return { ...plan, unchecked: [...plan.unchecked, ...unchecked] }
  })
