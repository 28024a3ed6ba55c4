/** The kinds that a sandbox serves: what to ask its store and its registry with. */
export {
  type ControllerRevision,
  controllerrevisions,
  daemonsets,
  type Deployment,
  deployments,
  type ReplicaSet,
  replicasets,
  type StatefulSet,
  statefulsets
} from "./registry/kinds/apps.ts"
export {
  configmaps,
  type Event,
  endpoints,
  events,
  type Namespace,
  namespaces,
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentvolumeclaims,
  persistentvolumes,
  type Pod,
  pods,
  type ResourceQuota,
  resourcequotas,
  secrets,
  serviceaccounts,
  services
} from "./registry/kinds/core.ts"
export {
  cronjobs,
  type EndpointSlice,
  endpointslices,
  horizontalpodautoscalers,
  jobs,
  leases,
  poddisruptionbudgets
} from "./registry/kinds/index.ts"
export {
  type CsiDriver,
  csidrivers,
  csinodes,
  type StorageClass,
  storageclasses,
  type VolumeAttachment,
  volumeattachments,
  type VolumeGroupSnapshot,
  volumegroupsnapshotclasses,
  type VolumeGroupSnapshotContent,
  volumegroupsnapshotcontents,
  volumegroupsnapshots,
  type VolumeSnapshot,
  volumesnapshotclasses,
  type VolumeSnapshotContent,
  volumesnapshotcontents,
  volumesnapshots
} from "./registry/kinds/storage.ts"
