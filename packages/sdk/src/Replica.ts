/**
 * A replica: one pod of the app, or the place where one should be.
 *
 * For a StatefulSet there is one for every ordinal that is asked for and for every
 * pod that is there; for other workloads one for every pod that has not ended.
 */
import * as Schema from "effect/Schema"
import type { Pod } from "./kind/Pod.ts"

const { Boolean, Literals, Natural, NullOr, String, Struct } = Schema

/** What is known of one container of a replica's pod. */
export const Container = Struct({
  name: String,
  image: String,
  ready: Boolean,
  restarts: Natural,
  /** `Running`, or the API's own reason for waiting or terminating, e.g. `CrashLoopBackOff`, `OOMKilled`. */
  state: String
})

/** The replica's own identity and health. */
export const Replica = Struct({
  /** The workload it belongs to, as `Kind/name`. */
  workload: String,
  /** Null for pods of workloads without ordinals. */
  ordinal: NullOr(Natural),
  /** The pod's name, also where the pod is missing. */
  name: String,
  /**
   * False: beyond what the workload asks for. An ordinal that a scale-down takes or has left, or a pod without
   * an ordinal that is not ready although enough others are: a rollout's next one, or one that is on its way out.
   */
  wanted: Boolean,
  /** False: pods could not be read, so that `pod: null` says nothing. */
  known: Boolean,
  /** Null: there is no pod. */
  pod: NullOr(
    Struct({
      uid: String,
      created: String,
      /** When its deletion was asked for; null when it was not. */
      deleted: NullOr(String),
      phase: String,
      /**
       * The pod's condition Ready, and its node is not lost. A lost node's pod keeps its
       * phase Running and its containers' ready flags, so those decide nothing.
       */
      ready: Boolean,
      /** Since when the condition Ready holds as it is. */
      readySince: NullOr(String),
      /** Why it is not ready, in one line, from conditions, containers, node or scheduler; null when ready. */
      reason: NullOr(String),
      restarts: Natural,
      containers: Schema.Array(Container),
      /** The hash of the ControllerRevision it runs. */
      revision: NullOr(String),
      /** False: it runs another revision than the workload's update revision. */
      current: Boolean,
      hostname: NullOr(String),
      /** `<pod>.<service>.<namespace>.svc`, to which the cluster's domain is added; null without a governing Service. */
      fqdn: NullOr(String),
      ips: Schema.Array(String),
      node: NullOr(String),
      qos: NullOr(String),
      priorityClass: NullOr(String)
    })
  )
})
export type Replica = typeof Replica.Type

/** Which side of a replica's life a reader asks about. */
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

/**
 * It has ended: evicted, or with its server's shutdown. A ReplicaSet does not count such a pod and makes another,
 * and it stays as a record; a StatefulSet takes its place only once it is gone.
 */
export const isFinished = ({ status }: Pod): boolean =>
  status?.phase === "Failed" || status?.phase === "Succeeded"
