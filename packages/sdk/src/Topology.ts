/**
 * Topology: what is asked for. Workloads, their order and policies, the Services, budgets,
 * autoscalers and owners around them.
 */
import * as Schema from "effect/Schema"

const { Boolean, Finite, Literals, Natural, NullOr, String, Struct } = Schema

/** `spec.persistentVolumeClaimRetentionPolicy` as the API spells it (KEP-1847). */
export const Retention = Struct({
  whenScaled: Literals(["Retain", "Delete"]),
  whenDeleted: Literals(["Retain", "Delete"])
})

/** Who else writes this object: an owner, a scale target, or a field manager known to reconcile. */
export const Writer = Struct({
  /** `HorizontalPodAutoscaler/db`, `Cluster.postgresql.cnpg.io/db`, `argocd-controller` … */
  name: String,
  /** How we know: `ownerReferences`, `scaleTargetRef`, `managedFields`, `labels`, `annotations`. */
  by: Literals(["ownerReferences", "scaleTargetRef", "managedFields", "labels", "annotations"]),
  /** True: it writes `spec.replicas`. */
  replicas: Boolean
})

export const ClaimTemplate = Struct({
  name: String,
  storageClass: NullOr(String),
  requested: NullOr(String),
  accessModes: Schema.Array(String),
  volumeMode: String
})

/** How often a container is asked, and how many failures in a row are one too many. */
export const Probe = Struct({
  container: String,
  kind: Literals(["startup", "readiness", "liveness"]),
  by: Literals(["exec", "httpGet", "tcpSocket", "grpc"]),
  initialDelaySeconds: Finite,
  periodSeconds: Finite,
  failureThreshold: Finite
})
export type Probe = typeof Probe.Type

export const PodContainer = Struct({
  name: String,
  image: String,
  /** The database or the like that it is known to run, e.g. `PostgreSQL`; null: none that is known. */
  store: NullOr(String),
  /** Where it writes to volumes that outlive the pod: claims, and what is of the node or the network. */
  keeps: Schema.Array(String),
  /** Its own file system is read-only: what it writes is on volumes. */
  readOnly: Boolean
})
export type PodContainer = typeof PodContainer.Type

/** The parts of a pod template that decide where its pods may be and whether their data can follow. */
export const PodTemplate = Struct({
  serviceAccount: String,
  /** The node that its pods are given to without a scheduler; null: one looks for a place. */
  nodeName: NullOr(String),
  nodeSelector: Schema.Record(String, String),
  /** Required node affinity, pod anti-affinity and affinity, each as one line. */
  affinity: Schema.Array(String),
  /** What required node affinity asks of a node's labels: terms are alternatives, all of one must hold. */
  nodeAffinity: Schema.Array(
    Schema.Array(Struct({ key: String, operator: String, values: Schema.Array(String) }))
  ),
  /** `topologyKey` of required pod anti-affinity among its own replicas. */
  antiAffinityKeys: Schema.Array(String),
  spread: Schema.Array(
    Struct({
      topologyKey: String,
      maxSkew: Finite,
      whenUnsatisfiable: String,
      /** With fewer domains than this the emptiest is taken to hold none. */
      minDomains: Finite,
      /** `Honor`: nodes that the template does not ask for are no domains. */
      nodeAffinityPolicy: String,
      /** `Honor`: nodes whose taints are not tolerated are no domains. */
      nodeTaintsPolicy: String,
      /** False: it counts other pods than its own. */
      own: Boolean
    })
  ),
  /** Ports of the node that its pods take, as `9000/TCP`: one pod a node. */
  hostPorts: Schema.Array(String),
  /** Containers that run as long as the pod, side-cars among them. */
  containers: Schema.Array(PodContainer),
  runtimeClass: NullOr(String),
  tolerations: Schema.Array(String),
  priorityClass: NullOr(String),
  fsGroup: NullOr(Finite),
  fsGroupChangePolicy: NullOr(String),
  hostNetwork: Boolean,
  terminationGracePeriodSeconds: Finite,
  resourceClaims: Schema.Array(String),
  /** Extended resources that containers ask for: name to quantity. */
  extendedResources: Schema.Record(String, String),
  probes: Schema.Array(Probe)
})

export const Workload = Struct({
  kind: Literals(["StatefulSet", "Deployment", "DaemonSet"]),
  name: String,
  uid: String,
  resourceVersion: String,
  generation: Natural,
  observedGeneration: Natural,
  created: String,
  deleted: NullOr(String),
  labels: Schema.Record(String, String),
  /** `spec.selector`, in the API's label selector syntax. */
  selector: String,
  /** Asked for. */
  replicas: Natural,
  ready: Natural,
  /** Status counts as the controller last wrote them; absent in the API means 0. */
  status: Struct({ replicas: Natural, ready: Natural, available: Natural, updated: Natural }),
  /** `spec.ordinals.start`; 0 for other kinds. */
  firstOrdinal: Natural,
  podManagementPolicy: NullOr(Literals(["OrderedReady", "Parallel"])),
  updateStrategy: String,
  /** How many pods, counted from the first, a rolling update keeps old: a count, not an ordinal (kubernetes#128529). */
  partition: Natural,
  minReadySeconds: Natural,
  retention: NullOr(Retention),
  claimTemplates: Schema.Array(ClaimTemplate),
  /** The governing Service's name as the spec has it; null when it names none. */
  serviceName: NullOr(String),
  currentRevision: NullOr(String),
  updateRevision: NullOr(String),
  /** Newest first. */
  revisions: Schema.Array(Struct({ name: String, revision: Finite, created: String })),
  images: Schema.Array(String),
  template: PodTemplate,
  writers: Schema.Array(Writer)
})
export type Workload = typeof Workload.Type

export const Service = Struct({
  name: String,
  /** The workload that it governs, as `Kind/name`. */
  governs: NullOr(String),
  headless: Boolean,
  type: String,
  /** False: a governing Service that is named but not there. */
  present: NullOr(Boolean),
  /** False: its selector does not find the workload's pods. */
  selectsPods: Boolean,
  /** False: it has no selector, so that something else writes its endpoints, or nothing does. */
  hasSelector: Boolean,
  /** Who writes its endpoints in the place of the control plane, as its EndpointSlices say. */
  writtenBy: Schema.Array(String),
  publishNotReadyAddresses: Boolean,
  ports: Schema.Array(Struct({ name: NullOr(String), port: Natural, protocol: String })),
  /** Over all its EndpointSlices, one per pod and address family; null when those could not be read. */
  endpoints: NullOr(Struct({ ready: Natural, notReady: Natural }))
})
export type Service = typeof Service.Type

export const DisruptionBudget = Struct({
  name: String,
  /** Who made it and writes it back, as `Kind.group/name`. */
  owner: NullOr(String),
  minAvailable: NullOr(String),
  maxUnavailable: NullOr(String),
  disruptionsAllowed: Natural,
  currentHealthy: Natural,
  desiredHealthy: Natural,
  expectedPods: Natural,
  /** Pods of the app that it counts, by name. */
  pods: Schema.Array(String)
})
export type DisruptionBudget = typeof DisruptionBudget.Type

export const Autoscaler = Struct({
  name: String,
  target: String,
  minReplicas: Natural,
  maxReplicas: Natural
})
export type Autoscaler = typeof Autoscaler.Type
