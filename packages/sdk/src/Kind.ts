/**
 * The kinds of objects that we read, and the one way to accept them.
 *
 * Only the fields that we use are named (`kind/`). An accepted object is the very object that
 * came, so fields we do not know are kept; an object with a field of an unexpected type is
 * refused by its name and the field's path, never guessed at.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { PartialObjectMetadata } from "./kind/Meta.ts"
import {
  CSIDriver,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment
} from "./kind/Storage.ts"
import { EndpointSlice, Service } from "./kind/Network.ts"
import { Event, HorizontalPodAutoscaler, PodDisruptionBudget, ServiceAccount } from "./kind/Policy.ts"
import { Node, ResourceClaim } from "./kind/Node.ts"
import { Pod } from "./kind/Pod.ts"
import {
  Backup,
  ReplicationSource,
  SnapshotClass,
  VolumeGroupSnapshot,
  VolumeGroupSnapshotContent,
  VolumeSnapshot,
  VolumeSnapshotContent
} from "./kind/Snapshot.ts"
import * as Api from "./resource/ApiResource.ts"
import type { ApiResource } from "./resource/ApiResource.ts"
import { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from "./kind/Workload.ts"

/**
 * One resource of the API: where it is served and what we read of its objects. `version` is the one we like
 * best; where a cluster serves another, `{ ...kind, version }` is the same kind in that one.
 */
export interface Kind<A> extends ApiResource {
  /** Versions that we understand, the one we like best first. */
  readonly versions: readonly [string, ...ReadonlyArray<string>]
  /** True: only metadata is ever asked for. */
  readonly metadataOnly: boolean
  readonly accept: (value: unknown) => Result.Result<A, ReadonlyArray<string>>
}

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const path = (segments: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>): string =>
  segments
    .map((segment) => (typeof segment === "object" ? segment.key : segment))
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`))
    .join("")

/** The object itself when its fields have the types we count on, else each fault as `path: what was expected`. */
const accepting = <A>(schema: Schema.Decoder<A>): Kind<A>["accept"] => {
  const is = Schema.is(schema)
  const decode = Schema.decodeUnknownResult(schema)
  // Nobody changes an object that came: a watch's view shows most of them again and again.
  const accepted = new WeakMap<object, ReturnType<Kind<A>["accept"]>>()
  const judge: Kind<A>["accept"] = (value) => {
    if (is(value)) return Result.succeed(value)
    const decoded = decode(value)
    if (Result.isSuccess(decoded)) return Result.succeed(decoded.success)
    return Result.fail(
      formatIssues(decoded.failure.issue).issues.map((issue) => {
        const where = path(issue.path ?? [])
        const what =
          issue.message.charAt(0).toLowerCase() + issue.message.slice(1).replace(/ \| null \| undefined$/, "")
        return where === "" ? what : `${where}: ${what}`
      })
    )
  }
  return (value) => {
    if (typeof value !== "object" || value === null) return judge(value)
    const before = accepted.get(value)
    if (before !== undefined) return before
    const result = judge(value)
    accepted.set(value, result)
    return result
  }
}

const kind = <A>(
  schema: Schema.Decoder<A>,
  api: ApiResource,
  versions: Kind<A>["versions"] = [api.version],
  metadataOnly = false
): Kind<A> => ({
  ...api,
  version: versions[0],
  versions,
  metadataOnly,
  accept: accepting(schema)
})

/** Of these nothing but metadata is ever read. */
const metadataOf = (
  api: ApiResource,
  versions: Kind<unknown>["versions"] = [api.version]
): Kind<PartialObjectMetadata> => kind(PartialObjectMetadata, api, versions, true)

const groupSnapshotVersions = ["v1", "v1beta2", "v1beta1"] as const

/** Every kind that a state is made of, by plural name. */
export const kinds = {
  statefulsets: kind(StatefulSet, Api.statefulSets),
  deployments: kind(Deployment, Api.deployments),
  daemonsets: kind(DaemonSet, Api.daemonSets),
  replicasets: kind(ReplicaSet, Api.replicaSets, ["v1"], true),
  controllerrevisions: kind(ControllerRevision, Api.controllerRevisions),
  pods: kind(Pod, Api.pods),
  persistentvolumeclaims: kind(PersistentVolumeClaim, Api.persistentVolumeClaims),
  persistentvolumes: kind(PersistentVolume, Api.persistentVolumes),
  nodes: kind(Node, Api.nodes),
  services: kind(Service, Api.services),
  endpointslices: kind(EndpointSlice, Api.endpointSlices),
  configmaps: metadataOf(Api.configMaps),
  secrets: metadataOf(Api.secrets),
  serviceaccounts: kind(ServiceAccount, Api.serviceAccounts),
  namespaces: metadataOf(Api.namespaces),
  events: kind(Event, Api.events),
  poddisruptionbudgets: kind(PodDisruptionBudget, Api.podDisruptionBudgets),
  horizontalpodautoscalers: kind(HorizontalPodAutoscaler, Api.horizontalPodAutoscalers),
  storageclasses: kind(StorageClass, Api.storageClasses),
  csidrivers: kind(CSIDriver, Api.csiDrivers),
  volumeattachments: kind(VolumeAttachment, Api.volumeAttachments),
  volumesnapshots: kind(VolumeSnapshot, Api.volumeSnapshots),
  volumesnapshotcontents: kind(VolumeSnapshotContent, Api.volumeSnapshotContents),
  volumesnapshotclasses: kind(SnapshotClass, Api.volumeSnapshotClasses),
  volumegroupsnapshots: kind(VolumeGroupSnapshot, Api.volumeGroupSnapshots, groupSnapshotVersions),
  volumegroupsnapshotclasses: kind(SnapshotClass, Api.volumeGroupSnapshotClasses, groupSnapshotVersions),
  priorityclasses: metadataOf(Api.priorityClasses),
  runtimeclasses: metadataOf(Api.runtimeClasses),
  secretproviderclasses: metadataOf(Api.secretProviderClasses, ["v1", "v1alpha1"]),
  clustertrustbundles: metadataOf(Api.clusterTrustBundles, ["v1beta1", "v1alpha1"]),
  resourceclaims: kind(ResourceClaim, Api.resourceClaims, ["v1", "v1beta2", "v1beta1"]),
  resourceclaimtemplates: metadataOf(Api.resourceClaimTemplates, ["v1", "v1beta2", "v1beta1"]),
  backups: kind(Backup, Api.backups),
  replicationsources: kind(ReplicationSource, Api.replicationSources)
} as const

/** What stands for a group in its storage. It is no part of a state: only who works with a group reads it. */
export const volumeGroupSnapshotContents = kind(
  VolumeGroupSnapshotContent,
  Api.volumeGroupSnapshotContents,
  groupSnapshotVersions
)

/** The plural name of a kind we read. */
export type Plural = keyof typeof kinds

/** What an accepted object of that kind is. */
export type ObjectOf<P extends Plural> = (typeof kinds)[P] extends Kind<infer A> ? A : never

/** `nodes`, `volumesnapshots.snapshot.storage.k8s.io`: as kubectl and RBAC messages spell it. */
export const resourceName = (plural: Plural): string => Api.qualifiedName(kinds[plural])
