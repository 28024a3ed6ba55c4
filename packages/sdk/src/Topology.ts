/**
 * Topology: the desired state. Workloads, their order and policies, and their Services, budgets, autoscalers
 * and owners.
 */
import * as Schema from "effect/Schema"
import { Repelling } from "./AntiAffinity.ts"
import { documented } from "./Documented.ts"

const { Boolean, Finite, Literals, Natural, NullOr, String, Struct } = Schema

/** `spec.persistentVolumeClaimRetentionPolicy` as the API spells it (KEP-1847). */
export interface Retention {
  readonly whenScaled: "Retain" | "Delete"
  readonly whenDeleted: "Retain" | "Delete"
}
export const Retention = documented<Retention>({
  whenScaled: Literals(["Retain", "Delete"]),
  whenDeleted: Literals(["Retain", "Delete"])
})

/** Another writer of this object: an owner, a scale target, or a field manager that is known to reconcile. */
export interface Writer {
  /** `HorizontalPodAutoscaler/db`, `Cluster.postgresql.cnpg.io/db`, `argocd-controller` … */
  readonly name: string
  /** How it was detected: `ownerReferences`, `scaleTargetRef`, `managedFields`, `labels`, `annotations`. */
  readonly by: "ownerReferences" | "scaleTargetRef" | "managedFields" | "labels" | "annotations"
  /** True: it writes `spec.replicas`. */
  readonly replicas: boolean
}
export const Writer = documented<Writer>({
  name: String,
  by: Literals(["ownerReferences", "scaleTargetRef", "managedFields", "labels", "annotations"]),
  replicas: Boolean
})

/** What fills a new claim's volume, in the claim's namespace. */
export interface DataSource {
  readonly kind: string
  readonly name: string
  /** Null: it could not be read, or is of a kind that is not read. */
  readonly present: boolean | null
}

export interface ClaimTemplate {
  readonly name: string
  readonly storageClass: string | null
  readonly requested: string | null
  readonly accessModes: ReadonlyArray<string>
  readonly volumeMode: string
  /** Null: new volumes are empty. */
  readonly dataSource: DataSource | null
}
export const ClaimTemplate = documented<ClaimTemplate>({
  name: String,
  storageClass: NullOr(String),
  requested: NullOr(String),
  accessModes: Schema.Array(String),
  volumeMode: String,
  dataSource: NullOr(documented<DataSource>({ kind: String, name: String, present: NullOr(Schema.Boolean) }))
})

/** The period of a probe, and its failure threshold. */
export interface Probe {
  readonly container: string
  readonly kind: "startup" | "readiness" | "liveness"
  readonly by: "exec" | "httpGet" | "tcpSocket" | "grpc"
  readonly initialDelaySeconds: number
  readonly periodSeconds: number
  readonly failureThreshold: number
}
export const Probe = documented<Probe>({
  container: String,
  kind: Literals(["startup", "readiness", "liveness"]),
  by: Literals(["exec", "httpGet", "tcpSocket", "grpc"]),
  initialDelaySeconds: Finite,
  periodSeconds: Finite,
  failureThreshold: Finite
})

export interface PodContainer {
  readonly name: string
  readonly image: string
  /** The database that it is known to run, e.g. `PostgreSQL`; `null` if none is known. */
  readonly store: string | null
  /**
   * The paths at which it writes to volumes that survive the pod: claims, and volumes of the node or the
   * network.
   */
  readonly keeps: ReadonlyArray<string>
  /**
   * Directories below such a path for which its image declares a volume: the container runtime mounts an
   * empty one there, which ends with the pod, so what is written there is not on the volume above. Not
   `certain`: a file or an object that is not read may say that the data is elsewhere.
   */
  readonly imageVolumes: ReadonlyArray<{ readonly path: string; readonly certain: boolean }>
  /** Its root file system is read-only: it writes only to volumes. */
  readonly readOnly: boolean
}
export const PodContainer = documented<PodContainer>({
  name: String,
  image: String,
  store: NullOr(String),
  keeps: Schema.Array(String),
  imageVolumes: Schema.Array(Struct({ path: String, certain: Boolean })),
  readOnly: Boolean
})

/** The parts of a pod template that decide where its pods may be and whether their data can follow. */
export interface PodTemplate {
  readonly serviceAccount: string
  /** The node of its pods, set without a scheduler; `null` if they are scheduled. */
  readonly nodeName: string | null
  readonly nodeSelector: Readonly<Record<string, string>>
  /** Required node affinity, pod anti-affinity and affinity, each as one line. */
  readonly affinity: ReadonlyArray<string>
  /**
   * The required node affinity on a node's labels: terms are alternatives, all requirements of one must
   * match.
   */
  readonly nodeAffinity: ReadonlyArray<
    ReadonlyArray<{
      readonly key: string
      readonly operator: string
      readonly values: ReadonlyArray<string>
    }>
  >
  /** `topologyKey` of required pod anti-affinity among its own replicas. */
  readonly antiAffinityKeys: ReadonlyArray<string>
  readonly spread: ReadonlyArray<{
    readonly topologyKey: string
    readonly maxSkew: number
    readonly whenUnsatisfiable: string
    /** With fewer domains than this the emptiest is taken to hold none. */
    readonly minDomains: number
    /** `Honor`: nodes that the template does not select are not domains. */
    readonly nodeAffinityPolicy: string
    /** `Honor`: nodes whose taints are not tolerated are not domains. */
    readonly nodeTaintsPolicy: string
    /** False: it counts other pods than its own. */
    readonly own: boolean
  }>
  /** Ports of the node that its pods take, as `9000/TCP`: one pod a node. */
  readonly hostPorts: ReadonlyArray<string>
  /** Containers that run as long as the pod, side-cars among them. */
  readonly containers: ReadonlyArray<PodContainer>
  readonly runtimeClass: string | null
  readonly tolerations: ReadonlyArray<string>
  readonly priorityClass: string | null
  readonly fsGroup: number | null
  readonly fsGroupChangePolicy: string | null
  readonly hostNetwork: boolean
  readonly terminationGracePeriodSeconds: number
  readonly resourceClaims: ReadonlyArray<string>
  /** Extended resources that containers ask for: name to quantity. */
  readonly extendedResources: Readonly<Record<string, string>>
  readonly probes: ReadonlyArray<Probe>
}
export const PodTemplate = documented<PodTemplate>({
  serviceAccount: String,
  nodeName: NullOr(String),
  nodeSelector: Schema.Record(String, String),
  affinity: Schema.Array(String),
  nodeAffinity: Schema.Array(
    Schema.Array(Struct({ key: String, operator: String, values: Schema.Array(String) }))
  ),
  antiAffinityKeys: Schema.Array(String),
  spread: Schema.Array(
    Struct({
      topologyKey: String,
      maxSkew: Finite,
      whenUnsatisfiable: String,
      minDomains: Finite,
      nodeAffinityPolicy: String,
      nodeTaintsPolicy: String,
      own: Boolean
    })
  ),
  hostPorts: Schema.Array(String),
  containers: Schema.Array(PodContainer),
  runtimeClass: NullOr(String),
  tolerations: Schema.Array(String),
  priorityClass: NullOr(String),
  fsGroup: NullOr(Finite),
  fsGroupChangePolicy: NullOr(String),
  hostNetwork: Boolean,
  terminationGracePeriodSeconds: Finite,
  resourceClaims: Schema.Array(String),
  extendedResources: Schema.Record(String, String),
  probes: Schema.Array(Probe)
})

export interface Workload {
  readonly kind: "StatefulSet" | "Deployment" | "DaemonSet"
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly generation: number
  readonly observedGeneration: number
  readonly created: string
  readonly deleted: string | null
  readonly labels: Readonly<Record<string, string>>
  /** `spec.selector`, in the API's label selector syntax. */
  readonly selector: string
  /** Asked for. */
  readonly replicas: number
  readonly ready: number
  /** Status counts as the controller last wrote them; absent in the API means 0. */
  readonly status: {
    readonly replicas: number
    readonly ready: number
    readonly available: number
    readonly updated: number
  }
  /** `spec.ordinals.start`; 0 for other kinds. */
  readonly firstOrdinal: number
  readonly podManagementPolicy: "OrderedReady" | "Parallel" | null
  readonly updateStrategy: string
  /**
   * The number of pods, counted from the first, that a rolling update keeps at the old revision: a count, not
   * an ordinal (kubernetes#128529).
   */
  readonly partition: number
  readonly minReadySeconds: number
  readonly retention: Retention | null
  readonly claimTemplates: ReadonlyArray<ClaimTemplate>
  /** The governing Service's name as the spec has it; null when it names none. */
  readonly serviceName: string | null
  readonly currentRevision: string | null
  readonly updateRevision: string | null
  /** Newest first. */
  readonly revisions: ReadonlyArray<{
    readonly name: string
    readonly revision: number
    readonly created: string
  }>
  readonly images: ReadonlyArray<string>
  readonly template: PodTemplate
  /** Pods of others, as far as they are known, that required anti-affinity keeps its pods away from. */
  readonly repelling: ReadonlyArray<Repelling>
  readonly writers: ReadonlyArray<Writer>
}
export const Workload = documented<Workload>({
  kind: Literals(["StatefulSet", "Deployment", "DaemonSet"]),
  name: String,
  uid: String,
  resourceVersion: String,
  generation: Natural,
  observedGeneration: Natural,
  created: String,
  deleted: NullOr(String),
  labels: Schema.Record(String, String),
  selector: String,
  replicas: Natural,
  ready: Natural,
  status: Struct({ replicas: Natural, ready: Natural, available: Natural, updated: Natural }),
  firstOrdinal: Natural,
  podManagementPolicy: NullOr(Literals(["OrderedReady", "Parallel"])),
  updateStrategy: String,
  partition: Natural,
  minReadySeconds: Natural,
  retention: NullOr(Retention),
  claimTemplates: Schema.Array(ClaimTemplate),
  serviceName: NullOr(String),
  currentRevision: NullOr(String),
  updateRevision: NullOr(String),
  revisions: Schema.Array(Struct({ name: String, revision: Finite, created: String })),
  images: Schema.Array(String),
  template: PodTemplate,
  repelling: Schema.Array(Repelling),
  writers: Schema.Array(Writer)
})

export interface Service {
  readonly name: string
  /** The workload that it governs, as `Kind/name`. */
  readonly governs: string | null
  readonly headless: boolean
  readonly type: string
  /** False: a governing Service that is named but not there. */
  readonly present: boolean | null
  /** False: its selector does not find the workload's pods. */
  readonly selectsPods: boolean
  /** False: it has no selector, so that something else writes its endpoints, or nothing does. */
  readonly hasSelector: boolean
  /** The writers of its endpoints other than the control plane, from its EndpointSlices. */
  readonly writtenBy: ReadonlyArray<string>
  readonly publishNotReadyAddresses: boolean
  readonly ports: ReadonlyArray<{
    readonly name: string | null
    readonly port: number
    readonly protocol: string
  }>
  /** Over all its EndpointSlices, one per pod and address family; null when those could not be read. */
  readonly endpoints: {
    readonly ready: number
    readonly notReady: number
  } | null
}
export const Service = documented<Service>({
  name: String,
  governs: NullOr(String),
  headless: Boolean,
  type: String,
  present: NullOr(Boolean),
  selectsPods: Boolean,
  hasSelector: Boolean,
  writtenBy: Schema.Array(String),
  publishNotReadyAddresses: Boolean,
  ports: Schema.Array(Struct({ name: NullOr(String), port: Natural, protocol: String })),
  endpoints: NullOr(Struct({ ready: Natural, notReady: Natural }))
})

export interface DisruptionBudget {
  readonly name: string
  /** The owner that created it and reconciles it, as `Kind.group/name`. */
  readonly owner: string | null
  readonly minAvailable: string | null
  readonly maxUnavailable: string | null
  readonly disruptionsAllowed: number
  readonly currentHealthy: number
  readonly desiredHealthy: number
  readonly expectedPods: number
  /** Pods of the app that it counts, by name. */
  readonly pods: ReadonlyArray<string>
}
export const DisruptionBudget = documented<DisruptionBudget>({
  name: String,
  owner: NullOr(String),
  minAvailable: NullOr(String),
  maxUnavailable: NullOr(String),
  disruptionsAllowed: Natural,
  currentHealthy: Natural,
  desiredHealthy: Natural,
  expectedPods: Natural,
  pods: Schema.Array(String)
})

export interface Autoscaler {
  readonly name: string
  readonly target: string
  readonly minReplicas: number
  readonly maxReplicas: number
}
export const Autoscaler = documented<Autoscaler>({
  name: String,
  target: String,
  minReplicas: Natural,
  maxReplicas: Natural
})
