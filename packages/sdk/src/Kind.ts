/**
 * The kinds of objects that we read, and the one way to accept them.
 *
 * Only the fields that we use are named (`kind/`). An accepted object is the received one, so unknown fields
 * are kept; an object with a field of an unexpected type is refused with its name and the field's path, never
 * guessed.
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
import { type ApiResource, core, inGroup, qualifiedName } from "./resource/ApiResource.ts"
import { plain } from "./resource/KubeObject.ts"
import { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from "./kind/Workload.ts"

/**
 * One resource of the API: its path and the schema of its objects. `version` is the preferred one; if a
 * cluster serves another one, `{ ...kind, version }` is the same kind in that version.
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

/**
 * The object itself if its fields have the expected types, otherwise each error as `path: what was expected`.
 */
const accepting = <A>(schema: Schema.Decoder<A>): Kind<A>["accept"] => {
  const is = Schema.is(schema)
  const decode = Schema.decodeUnknownResult(schema)
  // Nobody changes an object that came: a watch's view shows most of them again and again.
  const accepted = new WeakMap<object, ReturnType<Kind<A>["accept"]>>()
  const judge: Kind<A>["accept"] = (value) => {
    if (is(value)) return Result.succeed(value)
    // A model of client-node has Dates where the API has texts. Not what the schema makes of it: that has
    // only the fields that are named here, and writing it back would delete the others.
    const flat = plain(value)
    if (is(flat)) return Result.succeed(flat)
    const decoded = decode(flat)
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
    // A copy would not follow its object, which a program may change.
    if (Result.isFailure(result) || result.success === value) accepted.set(value, result)
    return result
  }
}

const kind = <A>(
  schema: Schema.Decoder<A>,
  resource: ApiResource,
  versions: Kind<A>["versions"] = [resource.version],
  metadataOnly = false
): Kind<A> => ({
  ...resource,
  version: versions[0],
  versions,
  metadataOnly,
  accept: accepting(schema)
})

/** A resource with other fields than those in `kinds`, or that is not one of them. */
export const reading = <A>(resource: ApiResource, schema: Schema.Decoder<A>): Kind<A> =>
  kind(schema, resource)

/** Of these nothing but metadata is ever read. */
const metadataOf = (
  resource: ApiResource,
  versions: Kind<unknown>["versions"] = [resource.version]
): Kind<PartialObjectMetadata> => kind(PartialObjectMetadata, resource, versions, true)

const snapshots = "snapshot.storage.k8s.io"

/** Clusters before 1.36 serve these only in a beta version; discovery shows which. */
const groupSnapshots = "groupsnapshot.storage.k8s.io"
const groupSnapshotVersions = ["v1", "v1beta2", "v1beta1"] as const

/** Every kind of a state, by plural name. */
export const kinds = {
  statefulsets: kind(StatefulSet, inGroup("apps", "statefulsets", "StatefulSet")),
  deployments: kind(Deployment, inGroup("apps", "deployments", "Deployment")),
  daemonsets: kind(DaemonSet, inGroup("apps", "daemonsets", "DaemonSet")),
  replicasets: kind(ReplicaSet, inGroup("apps", "replicasets", "ReplicaSet"), ["v1"], true),
  controllerrevisions: kind(ControllerRevision, inGroup("apps", "controllerrevisions", "ControllerRevision")),
  pods: kind(Pod, core("pods", "Pod")),
  persistentvolumeclaims: kind(
    PersistentVolumeClaim,
    core("persistentvolumeclaims", "PersistentVolumeClaim")
  ),
  persistentvolumes: kind(PersistentVolume, core("persistentvolumes", "PersistentVolume", false)),
  nodes: kind(Node, core("nodes", "Node", false)),
  services: kind(Service, core("services", "Service")),
  endpointslices: kind(EndpointSlice, inGroup("discovery.k8s.io", "endpointslices", "EndpointSlice")),
  configmaps: metadataOf(core("configmaps", "ConfigMap")),
  secrets: metadataOf(core("secrets", "Secret")),
  serviceaccounts: kind(ServiceAccount, core("serviceaccounts", "ServiceAccount")),
  namespaces: metadataOf(core("namespaces", "Namespace", false)),
  events: kind(Event, core("events", "Event")),
  poddisruptionbudgets: kind(
    PodDisruptionBudget,
    inGroup("policy", "poddisruptionbudgets", "PodDisruptionBudget")
  ),
  horizontalpodautoscalers: kind(
    HorizontalPodAutoscaler,
    inGroup("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ["v2"]
  ),
  storageclasses: kind(StorageClass, inGroup("storage.k8s.io", "storageclasses", "StorageClass", false)),
  csidrivers: kind(CSIDriver, inGroup("storage.k8s.io", "csidrivers", "CSIDriver", false)),
  volumeattachments: kind(
    VolumeAttachment,
    inGroup("storage.k8s.io", "volumeattachments", "VolumeAttachment", false)
  ),
  volumesnapshots: kind(VolumeSnapshot, inGroup(snapshots, "volumesnapshots", "VolumeSnapshot")),
  volumesnapshotcontents: kind(
    VolumeSnapshotContent,
    inGroup(snapshots, "volumesnapshotcontents", "VolumeSnapshotContent", false)
  ),
  volumesnapshotclasses: kind(
    SnapshotClass,
    inGroup(snapshots, "volumesnapshotclasses", "VolumeSnapshotClass", false)
  ),
  volumegroupsnapshots: kind(
    VolumeGroupSnapshot,
    inGroup(groupSnapshots, "volumegroupsnapshots", "VolumeGroupSnapshot"),
    groupSnapshotVersions
  ),
  volumegroupsnapshotclasses: kind(
    SnapshotClass,
    inGroup(groupSnapshots, "volumegroupsnapshotclasses", "VolumeGroupSnapshotClass", false),
    groupSnapshotVersions
  ),
  priorityclasses: metadataOf(inGroup("scheduling.k8s.io", "priorityclasses", "PriorityClass", false)),
  runtimeclasses: metadataOf(inGroup("node.k8s.io", "runtimeclasses", "RuntimeClass", false)),
  secretproviderclasses: metadataOf(
    inGroup("secrets-store.csi.x-k8s.io", "secretproviderclasses", "SecretProviderClass"),
    ["v1", "v1alpha1"]
  ),
  clustertrustbundles: metadataOf(
    inGroup("certificates.k8s.io", "clustertrustbundles", "ClusterTrustBundle", false),
    ["v1beta1", "v1alpha1"]
  ),
  resourceclaims: kind(ResourceClaim, inGroup("resource.k8s.io", "resourceclaims", "ResourceClaim"), [
    "v1",
    "v1beta2",
    "v1beta1"
  ]),
  resourceclaimtemplates: metadataOf(
    inGroup("resource.k8s.io", "resourceclaimtemplates", "ResourceClaimTemplate"),
    ["v1", "v1beta2", "v1beta1"]
  ),
  backups: kind(Backup, inGroup("velero.io", "backups", "Backup")),
  replicationsources: kind(
    ReplicationSource,
    inGroup("volsync.backube", "replicationsources", "ReplicationSource"),
    ["v1alpha1"]
  )
} as const

/** The two kinds that pods refer to for their configuration. */
export const configApis = { ConfigMap: kinds.configmaps, Secret: kinds.secrets } as const

/** The contents of groups. They are not part of a state: only operations on a group read them. */
export const volumeGroupSnapshotContents = kind(
  VolumeGroupSnapshotContent,
  inGroup(groupSnapshots, "volumegroupsnapshotcontents", "VolumeGroupSnapshotContent", false),
  groupSnapshotVersions
)

/** The plural name of a kind we read. */
export type Plural = keyof typeof kinds

/** The type of an object of that kind. */
export type ObjectOf<P extends Plural> = (typeof kinds)[P] extends Kind<infer A> ? A : never

/** `nodes`, `volumesnapshots.snapshot.storage.k8s.io`: as kubectl and RBAC messages spell it. */
export const resourceName = (plural: Plural): string => qualifiedName(kinds[plural])
