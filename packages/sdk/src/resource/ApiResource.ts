/**
 * Which collection of the API: enough to make its paths.
 */

/** A kind as the API serves it; a `Kind` with one of its versions chosen is one too. */
export interface ApiResource {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  /** The plural, as it stands in a path. */
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
}

/** `apps/v1`, or `v1` for the core group. */
export const apiVersion = (api: Pick<ApiResource, "group" | "version">): string =>
  api.group === "" ? api.version : `${api.group}/${api.version}`

/** `statefulsets.apps`, or `pods`: how kubectl names a resource. */
export const qualifiedName = (api: Pick<ApiResource, "group" | "plural">): string =>
  api.group === "" ? api.plural : `${api.plural}.${api.group}`

/** The path of a collection; of all namespaces when `namespace` is absent. */
export const collectionPath = (api: ApiResource, namespace?: string): string => {
  const root = api.group === "" ? `/api/${api.version}` : `/apis/${api.group}/${api.version}`
  const scope =
    api.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : ""
  return `${root}${scope}/${api.plural}`
}

/** One object. `namespace` is ignored for a kind of the whole cluster. */
export interface Target {
  readonly api: ApiResource
  readonly namespace?: string
  readonly name: string
  /** `status`, `scale`, `eviction` … */
  readonly subresource?: string
}

export const objectPath = (target: Target): string => {
  const path = `${collectionPath(target.api, target.namespace)}/${encodeURIComponent(target.name)}`
  return target.subresource === undefined ? path : `${path}/${target.subresource}`
}

const core = (plural: string, kind: string, namespaced = true): ApiResource => ({
  group: "",
  version: "v1",
  plural,
  kind,
  namespaced
})

const inGroup = (
  group: string,
  plural: string,
  kind: string,
  namespaced = true,
  version = "v1"
): ApiResource => ({
  group,
  version,
  plural,
  kind,
  namespaced
})

export const pods = core("pods", "Pod")
export const persistentVolumeClaims = core("persistentvolumeclaims", "PersistentVolumeClaim")
export const persistentVolumes = core("persistentvolumes", "PersistentVolume", false)
export const configMaps = core("configmaps", "ConfigMap")
export const secrets = core("secrets", "Secret")
export const services = core("services", "Service")
export const serviceAccounts = core("serviceaccounts", "ServiceAccount")
export const nodes = core("nodes", "Node", false)
export const namespaces = core("namespaces", "Namespace", false)
export const events = core("events", "Event")
export const resourceQuotas = core("resourcequotas", "ResourceQuota")
export const limitRanges = core("limitranges", "LimitRange")
export const statefulSets = inGroup("apps", "statefulsets", "StatefulSet")
export const deployments = inGroup("apps", "deployments", "Deployment")
export const daemonSets = inGroup("apps", "daemonsets", "DaemonSet")
export const replicaSets = inGroup("apps", "replicasets", "ReplicaSet")
export const controllerRevisions = inGroup("apps", "controllerrevisions", "ControllerRevision")
export const jobs = inGroup("batch", "jobs", "Job")
export const cronJobs = inGroup("batch", "cronjobs", "CronJob")
export const podDisruptionBudgets = inGroup("policy", "poddisruptionbudgets", "PodDisruptionBudget")
export const horizontalPodAutoscalers = inGroup(
  "autoscaling",
  "horizontalpodautoscalers",
  "HorizontalPodAutoscaler",
  true,
  "v2"
)
export const endpointSlices = inGroup("discovery.k8s.io", "endpointslices", "EndpointSlice")
export const leases = inGroup("coordination.k8s.io", "leases", "Lease")
export const networkPolicies = inGroup("networking.k8s.io", "networkpolicies", "NetworkPolicy")
export const storageClasses = inGroup("storage.k8s.io", "storageclasses", "StorageClass", false)
export const runtimeClasses = inGroup("node.k8s.io", "runtimeclasses", "RuntimeClass", false)
export const priorityClasses = inGroup("scheduling.k8s.io", "priorityclasses", "PriorityClass", false)
export const clusterTrustBundles = {
  ...inGroup("certificates.k8s.io", "clustertrustbundles", "ClusterTrustBundle", false),
  version: "v1beta1"
}
export const secretProviderClasses = inGroup(
  "secrets-store.csi.x-k8s.io",
  "secretproviderclasses",
  "SecretProviderClass"
)
export const csiDrivers = inGroup("storage.k8s.io", "csidrivers", "CSIDriver", false)
export const volumeAttachments = inGroup("storage.k8s.io", "volumeattachments", "VolumeAttachment", false)

const snapshotGroup = "snapshot.storage.k8s.io"
export const volumeSnapshots = inGroup(snapshotGroup, "volumesnapshots", "VolumeSnapshot")
export const volumeSnapshotContents = inGroup(
  snapshotGroup,
  "volumesnapshotcontents",
  "VolumeSnapshotContent",
  false
)
export const volumeSnapshotClasses = inGroup(
  snapshotGroup,
  "volumesnapshotclasses",
  "VolumeSnapshotClass",
  false
)

/** Clusters before 1.36 serve these in a beta version only; discovery tells which. */
const groupSnapshotGroup = "groupsnapshot.storage.k8s.io"
export const volumeGroupSnapshots = inGroup(groupSnapshotGroup, "volumegroupsnapshots", "VolumeGroupSnapshot")
export const volumeGroupSnapshotContents = inGroup(
  groupSnapshotGroup,
  "volumegroupsnapshotcontents",
  "VolumeGroupSnapshotContent",
  false
)
export const volumeGroupSnapshotClasses = inGroup(
  groupSnapshotGroup,
  "volumegroupsnapshotclasses",
  "VolumeGroupSnapshotClass",
  false
)
export const resourceClaims = inGroup("resource.k8s.io", "resourceclaims", "ResourceClaim")
export const resourceClaimTemplates = inGroup(
  "resource.k8s.io",
  "resourceclaimtemplates",
  "ResourceClaimTemplate"
)

export const backups = inGroup("velero.io", "backups", "Backup")
export const replicationSources = inGroup(
  "volsync.backube",
  "replicationsources",
  "ReplicationSource",
  true,
  "v1alpha1"
)
