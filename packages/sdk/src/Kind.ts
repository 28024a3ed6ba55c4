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
  VolumeSnapshot,
  VolumeSnapshotContent
} from "./kind/Snapshot.ts"
import { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from "./kind/Workload.ts"

/** One resource of the API: where it is served and what we read of its objects. */
export interface Kind<A> {
  /** Empty for the core group. */
  readonly group: string
  /** Versions that we understand, the one we like best first. */
  readonly versions: readonly [string, ...ReadonlyArray<string>]
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
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
  return (value) => {
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
}

const kind = <A>(
  schema: Schema.Decoder<A>,
  name: string,
  plural: string,
  group: string,
  versions: readonly [string, ...ReadonlyArray<string>],
  scope: "namespaced" | "cluster",
  metadataOnly = false
): Kind<A> => ({
  group,
  versions,
  plural,
  kind: name,
  namespaced: scope === "namespaced",
  metadataOnly,
  accept: accepting(schema)
})

const snapshotGroup = "snapshot.storage.k8s.io"
const groupSnapshotGroup = "groupsnapshot.storage.k8s.io"
const groupSnapshotVersions = ["v1", "v1beta2", "v1beta1"] as const

/** Every kind that a state is made of, by plural name. */
export const kinds = {
  statefulsets: kind(StatefulSet, "StatefulSet", "statefulsets", "apps", ["v1"], "namespaced"),
  deployments: kind(Deployment, "Deployment", "deployments", "apps", ["v1"], "namespaced"),
  daemonsets: kind(DaemonSet, "DaemonSet", "daemonsets", "apps", ["v1"], "namespaced"),
  replicasets: kind(ReplicaSet, "ReplicaSet", "replicasets", "apps", ["v1"], "namespaced", true),
  controllerrevisions: kind(
    ControllerRevision,
    "ControllerRevision",
    "controllerrevisions",
    "apps",
    ["v1"],
    "namespaced"
  ),
  pods: kind(Pod, "Pod", "pods", "", ["v1"], "namespaced"),
  persistentvolumeclaims: kind(
    PersistentVolumeClaim,
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
    "",
    ["v1"],
    "namespaced"
  ),
  persistentvolumes: kind(PersistentVolume, "PersistentVolume", "persistentvolumes", "", ["v1"], "cluster"),
  nodes: kind(Node, "Node", "nodes", "", ["v1"], "cluster"),
  services: kind(Service, "Service", "services", "", ["v1"], "namespaced"),
  endpointslices: kind(
    EndpointSlice,
    "EndpointSlice",
    "endpointslices",
    "discovery.k8s.io",
    ["v1"],
    "namespaced"
  ),
  configmaps: kind(PartialObjectMetadata, "ConfigMap", "configmaps", "", ["v1"], "namespaced", true),
  secrets: kind(PartialObjectMetadata, "Secret", "secrets", "", ["v1"], "namespaced", true),
  serviceaccounts: kind(ServiceAccount, "ServiceAccount", "serviceaccounts", "", ["v1"], "namespaced"),
  namespaces: kind(PartialObjectMetadata, "Namespace", "namespaces", "", ["v1"], "cluster", true),
  events: kind(Event, "Event", "events", "", ["v1"], "namespaced"),
  poddisruptionbudgets: kind(
    PodDisruptionBudget,
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    "policy",
    ["v1"],
    "namespaced"
  ),
  horizontalpodautoscalers: kind(
    HorizontalPodAutoscaler,
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    "autoscaling",
    ["v2"],
    "namespaced"
  ),
  storageclasses: kind(StorageClass, "StorageClass", "storageclasses", "storage.k8s.io", ["v1"], "cluster"),
  csidrivers: kind(CSIDriver, "CSIDriver", "csidrivers", "storage.k8s.io", ["v1"], "cluster"),
  volumeattachments: kind(
    VolumeAttachment,
    "VolumeAttachment",
    "volumeattachments",
    "storage.k8s.io",
    ["v1"],
    "cluster"
  ),
  volumesnapshots: kind(
    VolumeSnapshot,
    "VolumeSnapshot",
    "volumesnapshots",
    snapshotGroup,
    ["v1"],
    "namespaced"
  ),
  volumesnapshotcontents: kind(
    VolumeSnapshotContent,
    "VolumeSnapshotContent",
    "volumesnapshotcontents",
    snapshotGroup,
    ["v1"],
    "cluster"
  ),
  volumesnapshotclasses: kind(
    SnapshotClass,
    "VolumeSnapshotClass",
    "volumesnapshotclasses",
    snapshotGroup,
    ["v1"],
    "cluster"
  ),
  volumegroupsnapshots: kind(
    VolumeGroupSnapshot,
    "VolumeGroupSnapshot",
    "volumegroupsnapshots",
    groupSnapshotGroup,
    groupSnapshotVersions,
    "namespaced"
  ),
  volumegroupsnapshotclasses: kind(
    SnapshotClass,
    "VolumeGroupSnapshotClass",
    "volumegroupsnapshotclasses",
    groupSnapshotGroup,
    groupSnapshotVersions,
    "cluster"
  ),
  resourceclaims: kind(
    ResourceClaim,
    "ResourceClaim",
    "resourceclaims",
    "resource.k8s.io",
    ["v1", "v1beta2", "v1beta1"],
    "namespaced"
  ),
  backups: kind(Backup, "Backup", "backups", "velero.io", ["v1"], "namespaced"),
  replicationsources: kind(
    ReplicationSource,
    "ReplicationSource",
    "replicationsources",
    "volsync.backube",
    ["v1alpha1"],
    "namespaced"
  )
} as const

/** The plural name of a kind we read. */
export type Plural = keyof typeof kinds

/** What an accepted object of that kind is. */
export type ObjectOf<P extends Plural> = (typeof kinds)[P] extends Kind<infer A> ? A : never

/** `nodes`, `volumesnapshots.snapshot.storage.k8s.io`: as kubectl and RBAC messages spell it. */
export const resourceName = (plural: Plural): string => {
  const { group } = kinds[plural]
  return group === "" ? plural : `${plural}.${group}`
}
