/**
 * Writes the record of a snapshot: the manifests just after the volume snapshots, with the values of
 * Secrets, into a Secret that has the operation's token from the start; and a ConfigMap with the data for
 * the list. Values are copied from the API server into that Secret, and nowhere else.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { PartialObjectMetadata } from "../kind/Meta.ts"
import { isOurs } from "../operation/Author.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind, stepsOf } from "../operation/Step.ts"
import { raisedBy } from "../operation/Guarded.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { tokensOn } from "../operation/Token.ts"
import { isSame } from "../Digest.ts"
import { kinds } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import {
  Level,
  Recoverable,
  RecordedCut,
  RecordedKind,
  RecordedPlacement,
  reached,
  seedOnlyOf,
  skewOf,
  type SnapshotRecord,
  keyOf
} from "./record.ts"
import { SetReplicas } from "./replicas.ts"
import { SetRetention } from "./retention.ts"
import { type Cut, cutsOf, judgedOf } from "./cuts.ts"
import { readWhole } from "./recordList.ts"
import { assertUnmounted } from "./unmounted.ts"
import { recordName } from "../RecordName.ts"
import { isListed, removeRecord, writeIndex, writeRecord } from "./recordWrite.ts"

/** An object that belongs to the application's state, as it was when the set was planned. */
export const ConfigObject = Schema.Struct({
  kind: RecordedKind,
  name: Schema.String,
  /** `null` if the state does not contain it, so that a change is not noticed. */
  resourceVersion: Schema.NullOr(Schema.String)
})
export type ConfigObject = typeof ConfigObject.Type

const apis: Readonly<Record<ConfigObject["kind"], Resource.ApiResource>> = {
  StatefulSet: kinds.statefulsets,
  Deployment: kinds.deployments,
  Service: kinds.services,
  ConfigMap: kinds.configmaps,
  Secret: kinds.secrets,
  ServiceAccount: kinds.serviceaccounts,
  PodDisruptionBudget: kinds.poddisruptionbudgets,
  HorizontalPodAutoscaler: kinds.horizontalpodautoscalers
}

/** Facts about a snapshot before it is taken. */
export const SetSettings = Schema.Struct({
  set: Schema.String,
  asked: Schema.String,
  /** True if a lower level than the requested one is a failure. */
  strict: Schema.Boolean,
  level: Level,
  why: Schema.Array(Schema.String),
  retained: Schema.Boolean,
  /** The profile that keeps one member's promise; absent: none does. */
  oneMember: Schema.optionalKey(Schema.String),
  claims: Schema.Array(
    Schema.Struct(RecordedCut.fields).mapFields((fields) => ({
      claim: fields.claim,
      uid: fields.uid,
      workload: fields.workload,
      ordinal: fields.ordinal,
      volume: fields.volume,
      volumeHandle: fields.volumeHandle,
      driver: fields.driver,
      class: fields.class,
      storageClass: fields.storageClass,
      size: fields.size,
      volumeMode: fields.volumeMode,
      nodeAffinity: fields.nodeAffinity
    }))
  ),
  config: Schema.Array(ConfigObject),
  /** The profile that says that each member recovers from its own volume snapshot. */
  recoverable: Schema.optionalKey(Recoverable),
  replicas: Schema.Record(Schema.String, Schema.Finite),
  /** The runtime class is in the manifests. */
  placement: Schema.optionalKey(Schema.Array(RecordedPlacement)),
  leftOut: Schema.Array(Schema.Struct({ what: Schema.String, why: Schema.String }))
})
export type SetSettings = typeof SetSettings.Type

type At = StepContext<SetSettings>
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const RecordSchema = Schema.TaggedStruct("RecordSet", { on, set: Schema.String })
type RecordSet = typeof RecordSchema.Type

/**
 * Types of Secrets that a restore could not use: created by the cluster for itself, or another tool's
 * records.
 */
export const unusable: ReadonlyArray<string> = ["kubernetes.io/service-account-token", "helm.sh/release.v1"]

export interface Found {
  readonly object: Readonly<Record<string, unknown>> | null
  readonly changed: string | null
  readonly leftOut: { readonly what: string; readonly why: string } | null
}

/** The manifest without fields that the server maintains. */
const manifestOf = (kind: string, api: Resource.ApiResource, object: Resource.KubeObject) => {
  const { managedFields: _, ...metadata } = { ...object.metadata } as Record<string, unknown>
  const { status: __, ...rest } = { ...object } as Record<string, unknown>
  return {
    apiVersion: api.group === "" ? api.version : `${api.group}/${api.version}`,
    ...rest,
    kind,
    metadata
  }
}

/** The manifests of these as they are now, each with why it is not there. */
export const readObjects = (
  namespace: string,
  config: ReadonlyArray<ConfigObject>
): Effect.Effect<ReadonlyArray<Found>, ClusterError, Cluster> =>
  Effect.forEach(config, (one) => readObject(namespace, one), { concurrency: 16 })

const readObject = (
  namespace: string,
  { kind, name, resourceVersion }: ConfigObject
): Effect.Effect<Found, ClusterError, Cluster> => {
  const what = `${kind}/${name}`
  const api = apis[kind]
  return Resource.getObject({ api, namespace, name }).pipe(
    Effect.map((object): Found => {
      const type: unknown = Reflect.get(object, "type")
      if (kind === "Secret" && unusable.includes(String(type))) {
        return { object: null, changed: null, leftOut: { what, why: `of type ${String(type)}` } }
      }
      const isChanged = resourceVersion !== null && object.metadata.resourceVersion !== resourceVersion
      return { object: manifestOf(kind, api, object), changed: isChanged ? what : null, leftOut: null }
    }),
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound" || reason._tag === "Forbidden",
      ({ reason }) =>
        Effect.succeed<Found>({
          object: null,
          changed: reason._tag === "NotFound" ? what : null,
          leftOut: { what, why: reason._tag === "NotFound" ? "it is gone" : "it cannot be read" }
        })
    )
  )
}

const recorded = (cuts: ReadonlyArray<Cut>, claim: SetSettings["claims"][number]): RecordedCut => {
  const cut = cuts.find((one) => one.claim === claim.claim)
  return {
    ...claim,
    snapshot: cut?.snapshot ?? null,
    group: cut?.group ?? null,
    snapshotHandle: cut?.snapshotHandle ?? null,
    cutAt: cut?.cutAt ?? null,
    restoreSize: cut?.restoreSize ?? null,
    ...(cut?.content == null ? {} : { content: cut.content }),
    ...(cut?.contentUid == null ? {} : { contentUid: cut.contentUid })
  }
}

/** With the fields that are only in the manifest. */
const placed = (
  placement: RecordedPlacement,
  manifests: ReadonlyArray<Readonly<Record<string, unknown>>>
): RecordedPlacement => {
  const manifest = manifests.find((one) => keyOf(one) === placement.workload)
  const runtimeClass = ["spec", "template", "spec", "runtimeClassName"].reduce<unknown>(
    (found, key) => Reflect.get(Object(found), key),
    manifest
  )
  return { ...placement, runtimeClass: Predicate.isString(runtimeClass) ? runtimeClass : null }
}

/**
 * The state before the snapshot: for an offline snapshot the workload is stopped in the meantime, under its
 * own policy.
 */
const asBefore = ({ plan, settings }: At, manifest: Readonly<Record<string, unknown>>) => {
  const replicas = settings.replicas[keyOf(manifest)]
  const [retention] = stepsOf(SetRetention, plan.steps)
  if (replicas === undefined || stepsOf(SetReplicas, plan.steps).length === 0) return manifest
  return {
    ...manifest,
    spec: {
      ...Object(manifest["spec"]),
      replicas,
      ...(retention === undefined ? {} : { persistentVolumeClaimRetentionPolicy: retention.from })
    }
  }
}

/** Workloads whose spec another client has changed since the plan was made. */
const changedWorkloads = (
  { plan, isTakenUp }: At,
  manifests: ReadonlyArray<Readonly<Record<string, unknown>>>
) => {
  // Those of an offline set: it stops the workload itself.
  const writes = [
    ...stepsOf(SetRetention, plan.steps).flatMap((step) => SetRetention.specWrites?.(step) ?? []),
    ...stepsOf(SetReplicas, plan.steps).flatMap((step) => SetReplicas.specWrites?.(step) ?? [])
  ]
  return manifests.flatMap((manifest) => {
    const guard = plan.guards.find(({ kind, name }) => keyOf(manifest) === `${kind}/${name}`)
    const found = guard === undefined ? null : Schema.decodeUnknownOption(PartialObjectMetadata)(manifest)
    if (guard === undefined || found?._tag !== "Some" || guard.generation === null) return []
    // A process that resumed the operation has written a token too.
    const tokens = tokensOn(plan.id, found.value) ?? (isTakenUp ? 2 : 1)
    const before = guard.generation + raisedBy(guard) * tokens
    return isOurs(writes, before, { ...manifest, ...found.value }) ? [] : [keyOf(manifest)]
  })
}

/** The record as the cluster is now. */
const recordOf = (at: At): Work<SnapshotRecord> =>
  Effect.gen(function* () {
    const { settings, plan } = at
    const { namespace } = at.fence
    const found = yield* readObjects(namespace, settings.config)
    const cuts = yield* cutsOf(at)
    const all = settings.claims.map((claim) => recorded(cuts, claim))
    const objects = found.flatMap(({ object }) => (object === null ? [] : [object]))
    const { placement } = settings
    const level = reached(settings.level, settings.why, judgedOf(cuts))
    const created = yield* Effect.map(DateTime.now, (now) => DateTime.formatIso(now).replace(/\.\d+Z$/, "Z"))
    return {
      apiVersion: "kubectl-stateful.dev/v1",
      kind: "SnapshotRecord",
      name: settings.set,
      namespace,
      app: plan.app,
      operation: plan.id,
      created,
      asked: settings.asked,
      ...level,
      ...(settings.oneMember === undefined ? {} : { oneMember: settings.oneMember }),
      ...seedOnlyOf(settings.oneMember, level.level, all.length),
      ...(settings.recoverable === undefined ? {} : { recoverable: settings.recoverable }),
      skew: skewOf(all),
      retained: settings.retained,
      cuts: all,
      ...(placement === undefined ? {} : { placement: placement.map((one) => placed(one, objects)) }),
      changed: [
        ...new Set([
          ...found.flatMap(({ changed }) => (changed === null ? [] : [changed])),
          ...changedWorkloads(at, objects)
        ])
      ],
      leftOut: [...settings.leftOut, ...found.flatMap(({ leftOut }) => (leftOut === null ? [] : [leftOut]))],
      replicas: settings.replicas,
      objects: objects.map((one) => asBefore(at, one))
    }
  })

/** The record as its Secret has it, which a webhook may have changed: such a snapshot cannot be restored. */
const readBack = (at: At, set: string, isRight: (record: SnapshotRecord) => boolean): Work<SnapshotRecord> =>
  Effect.gen(function* () {
    const written = yield* readWhole(at.fence.namespace, set)
    if (written !== null && written.sealed && isRight(written.record)) return written.record
    return yield* because(
      "Changed",
      `secret "${recordName(set)}" does not contain what this operation wrote`,
      "check the webhooks that change Secrets; then abort, and take another snapshot"
    )
  })

/**
 * The list's ConfigMap for a record that a run from before has written: what that says was so just after the
 * cut, and members of an offline set may be back by now.
 */
const listAgain = ({ set }: RecordSet, at: At): Work =>
  Effect.flatMap(
    readBack(at, set, ({ operation }) => operation === at.plan.id),
    (record) => writeIndex(at, record)
  )

const perform = (step: RecordSet, at: At): Work =>
  Effect.gen(function* () {
    const { object } = yield* at.standing
    if (object !== null) return (yield* isListed(at, step.set)) ? undefined : yield* listAgain(step, at)
    yield* assertUnmounted(at, at.settings.claims)
    const record = yield* recordOf(at)
    const lost = record.cuts.find(({ snapshot, group }) => snapshot === null && group === null)
    if (lost !== undefined) {
      return yield* because(
        "Changed",
        `the snapshot of ${lost.claim} was deleted or replaced by another client`,
        "abort, and take another snapshot"
      )
    }
    yield* writeRecord(at, record)
    yield* readBack(at, step.set, (written) => isSame(written, record))
    yield* writeIndex(at, record)
    for (const what of record.changed) {
      yield* at.report({ _tag: "Note", message: `${what} changed while the snapshot was taken` })
    }
  })

const undo = ({ set }: RecordSet, at: At): Work => removeRecord(at, set)

/** Everything else that a restore needs, in a Secret. */
export const RecordSet: StepKind<RecordSet, SetSettings> = {
  tag: "RecordSet",
  schema: RecordSchema,
  describe: ({ set }) => `save the snapshot record ${set}`,
  access: (_, { namespace }, { config }) => [
    ...[...new Set(config.map(({ kind }) => kind))].flatMap((kind) =>
      rules(apis[kind].group, apis[kind].plural, ["get"], namespace)
    ),
    ...rules("", "secrets", ["get", "list", "create", "patch", "delete"], namespace),
    ...rules("", "configmaps", ["get", "create", "delete"], namespace)
  ],
  rehearse: ({ set }) => Effect.succeed([`save the snapshot record ${set}: there is nothing to record yet`]),
  perform,
  undo,
  undoAlone: undo
}
