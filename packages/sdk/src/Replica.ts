/**
 * A replica: one pod of the app, or the ordinal of a missing one.
 *
 * For a StatefulSet there is one for every requested ordinal and for every existing pod; for other workloads
 * one for every pod that has not ended.
 */
import * as Schema from "effect/Schema"
import { documented } from "./Documented.ts"

const { Boolean, Literals, Natural, NullOr, String } = Schema

/** The known facts about one container of a replica's pod. */
export interface Container {
  readonly name: string
  readonly image: string
  readonly ready: boolean
  readonly restarts: number
  /** `Running`, or the API's own reason for waiting or terminating, e.g. `CrashLoopBackOff`, `OOMKilled`. */
  readonly state: string
}
export const Container = documented<Container>({
  name: String,
  image: String,
  ready: Boolean,
  restarts: Natural,
  state: String
})

/** The pod of a replica, as it is now. */
export interface ReplicaPod {
  readonly uid: string
  readonly created: string
  /** The time at which its deletion was requested; `null` if it was not. */
  readonly deleted: string | null
  readonly phase: string
  /**
   * The pod's condition Ready, and its node is not lost. A lost node's pod keeps its
   * phase Running and its containers' ready flags, so those decide nothing.
   */
  readonly ready: boolean
  /** The time since which the condition Ready has its current value. */
  readonly readySince: string | null
  /**
   * Reason that it is not ready, in one line, from conditions, containers, node or scheduler; `null` if it is
   * ready.
   */
  readonly reason: string | null
  readonly restarts: number
  readonly containers: ReadonlyArray<Container>
  /** The hash of the ControllerRevision it runs. */
  readonly revision: string | null
  /** False: it runs another revision than the workload's update revision. */
  readonly current: boolean
  readonly hostname: string | null
  /** `<pod>.<service>.<namespace>.svc`, to which the cluster's domain is added; null without a governing Service. */
  readonly fqdn: string | null
  readonly ips: ReadonlyArray<string>
  readonly node: string | null
  readonly qos: string | null
  readonly priorityClass: string | null
}
export const ReplicaPod = documented<ReplicaPod>({
  uid: String,
  created: String,
  deleted: NullOr(String),
  phase: String,
  ready: Boolean,
  readySince: NullOr(String),
  reason: NullOr(String),
  restarts: Natural,
  containers: Schema.Array(Container),
  revision: NullOr(String),
  current: Boolean,
  hostname: NullOr(String),
  fqdn: NullOr(String),
  ips: Schema.Array(String),
  node: NullOr(String),
  qos: NullOr(String),
  priorityClass: NullOr(String)
})

/** The replica's own identity and health. */
export interface Replica {
  /** The workload it belongs to, as `Kind/name`. */
  readonly workload: string
  /** `null` for pods of workloads without ordinals. */
  readonly ordinal: number | null
  /** The pod's name, also where the pod is missing. */
  readonly name: string
  /**
   * False if it is beyond the number of replicas: an ordinal that a scale-down removes or has left, or a pod
   * without an ordinal that is not ready although enough others are: a rollout's next one, or a terminating
   * one.
   */
  readonly wanted: boolean
  /** False: pods could not be read, so that `pod: null` says nothing. */
  readonly known: boolean
  /** `null` if there is no pod. */
  readonly pod: ReplicaPod | null
}
export const Replica = documented<Replica>({
  workload: String,
  ordinal: NullOr(Natural),
  name: String,
  wanted: Boolean,
  known: Boolean,
  pod: NullOr(ReplicaPod)
})

/** The health of a replica. */
export const ReplicaHealth = Literals(["Ready", "NotReady", "Pending", "Missing", "Terminating", "Unknown"])
export type ReplicaHealth = typeof ReplicaHealth.Type

/** `Unknown`: pods could not be read. A pod whose deletion was asked for is Terminating, ready or not. */
export const healthOf = ({ known, pod }: Replica): ReplicaHealth => {
  if (!known) return "Unknown"
  if (pod === null) return "Missing"
  if (pod.deleted !== null) return "Terminating"
  if (pod.ready) return "Ready"
  return pod.phase === "Pending" ? "Pending" : "NotReady"
}
