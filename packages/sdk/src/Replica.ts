/**
 * A replica: one pod of the app, or the place where one should be.
 *
 * For a StatefulSet there is one for every ordinal that is asked for and for every
 * pod that is there; for other workloads one for every pod.
 */
import * as Schema from "effect/Schema"

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
  /** False: this ordinal is beyond what the workload asks for (a scale-down under way, or stuck). */
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
export const ReplicaHealth = Literals(["Ready", "NotReady", "Pending", "Missing", "Terminating"])
export type ReplicaHealth = typeof ReplicaHealth.Type
