/**
 * What a verb goes on without, by resource: what it then does not know. A rule of another resource that a verb
 * goes on without is of no use to it, and is in no Role.
 */

/** What nobody knows without it. */
const reasons = {
  backups: "backups by Velero are not seen",
  clustertrustbundles: "ClusterTrustBundles that are missing are not reported",
  configmaps: "ConfigMaps that are missing are not reported",
  controllerrevisions: "pods of an older template are not told from others",
  cronjobs: "CronJobs that use a claim are not seen",
  csidrivers: "a driver that is not installed is not reported",
  daemonsets: "DaemonSets of the application, or that use a claim, are not seen",
  deployments: "Deployments of the application, or that use a claim, are not seen",
  endpointslices: "the addresses behind Services are not known",
  events: "the cluster's own reasons for waiting are not shown",
  horizontalpodautoscalers: "an autoscaler that sets the replicas itself is not reported",
  jobs: "Jobs that use a claim are not seen",
  limitranges: "the pods of a restore may ask for less, or for more, than a LimitRange allows",
  namespaces: "the labels of namespaces are not known, such as their pod security level",
  networkpolicies: "existing NetworkPolicies are not taken into account",
  nodes: "lost nodes, zones, and where a pod has room are not known",
  persistentvolumeclaims: "claims are not shown",
  persistentvolumes: "volumes, their drivers and reclaim policies are not known",
  poddisruptionbudgets: "budgets are not known",
  pods: "pods are not shown, or only as EndpointSlices know them",
  "pods/exec": "names are not resolved from inside a pod",
  priorityclasses: "PriorityClasses that are missing are not reported",
  replicationsources: "copies by VolSync are not seen",
  resourceclaims: "devices that pods have are not known",
  resourceclaimtemplates: "ResourceClaimTemplates that are missing are not reported",
  runtimeclasses: "RuntimeClasses that are missing are not reported",
  secretproviderclasses: "SecretProviderClasses that are missing are not reported",
  replicasets: "ReplicaSets of the application, or that use a claim, are not seen",
  resourcequotas: "a quota that has no room is met only in the middle",
  secrets:
    "Secrets that are missing are not reported. RBAC cannot limit list: it allows reading the values of all Secrets in the namespace",
  serviceaccounts: "ServiceAccounts that are missing are not reported",
  services: "problems with the governing Service are not reported",
  statefulsets: "changes are seen only every 15 seconds",
  storageclasses: "classes that are missing, and what they do, are not known",
  volumeattachments: "where volumes are attached is not known",
  volumegroupsnapshotclasses: "no group snapshot is taken",
  volumegroupsnapshotcontents: "the contents of group snapshots are not looked at",
  volumegroupsnapshots: "group snapshots are not seen",
  volumesnapshotclasses: "the driver's default VolumeSnapshotClass is used",
  volumesnapshotcontents: "snapshots in the storage are not looked at",
  volumesnapshots: "VolumeSnapshots are not seen"
} as const
type Reason = keyof typeof reasons

const users = ["cronjobs", "daemonsets", "deployments", "jobs", "replicasets"] as const

/** What a plan looks at before pods are made. */
const planned = [
  "configmaps",
  "csidrivers",
  "events",
  "horizontalpodautoscalers",
  "nodes",
  "persistentvolumeclaims",
  "persistentvolumes",
  "poddisruptionbudgets",
  "pods",
  "resourcequotas",
  "secrets",
  "serviceaccounts",
  "storageclasses"
] as const

const of: Readonly<Record<string, ReadonlyArray<Reason>>> = {
  describe: Object.keys(reasons) as ReadonlyArray<Reason>,
  report: Object.keys(reasons) as ReadonlyArray<Reason>,
  peers: ["pods", "pods/exec", "services", "nodes", "endpointslices"],
  thaw: [],
  operations: [],
  scale: planned,
  snapshot: [
    "horizontalpodautoscalers",
    "nodes",
    "persistentvolumes",
    "poddisruptionbudgets",
    "resourcequotas",
    "services",
    "volumegroupsnapshotclasses",
    "volumegroupsnapshotcontents",
    "volumesnapshotclasses",
    "volumesnapshotcontents"
  ],
  snapshots: ["persistentvolumes", "volumesnapshotcontents", "volumesnapshots", "volumegroupsnapshots"],
  restore: [
    ...planned,
    ...users,
    "limitranges",
    "namespaces",
    "networkpolicies",
    "services",
    "volumesnapshotclasses"
  ],
  drill: [...planned, ...users, "limitranges", "namespaces", "networkpolicies"]
}

/** What a verb itself does with a resource that is of another use elsewhere. */
const own: Readonly<Record<string, string>> = {
  "report configmaps": `neither snapshots nor operations are shown, and ${reasons.configmaps}`,
  // Of a claim only the binding is watched.
  "scale persistentvolumeclaims": "it is not shown when claims are bound"
}

/** What a verb does not know without an optional resource; `null` if it has no use for it. */
export const without = (verb: string, resource: string): string | null =>
  own[`${verb} ${resource}`] ??
  (of[verb]?.some((one) => one === resource) === true ? (reasons[resource as Reason] ?? null) : null)
