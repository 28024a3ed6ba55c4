/** Objects that limit or change a workload from outside: budgets, autoscalers, ServiceAccounts, events. */
import * as Schema from "effect/Schema"
import { IntOrString, LabelSelector, NameReference, ObjectMeta, optional } from "./Meta.ts"

const { Array, Natural, Number, String, Struct } = Schema

export const PodDisruptionBudget = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    minAvailable: optional(IntOrString),
    maxUnavailable: optional(IntOrString),
    selector: optional(LabelSelector)
  }),
  status: optional(
    Struct({
      disruptionsAllowed: optional(Natural),
      currentHealthy: optional(Natural),
      desiredHealthy: optional(Natural),
      expectedPods: optional(Natural)
    })
  )
})
export type PodDisruptionBudget = typeof PodDisruptionBudget.Type

export const HorizontalPodAutoscaler = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    scaleTargetRef: Struct({ apiVersion: optional(String), kind: String, name: String }),
    minReplicas: optional(Natural),
    maxReplicas: Natural
  })
})
export type HorizontalPodAutoscaler = typeof HorizontalPodAutoscaler.Type

export const ServiceAccount = Struct({
  metadata: ObjectMeta,
  imagePullSecrets: optional(Array(NameReference))
})
export type ServiceAccount = typeof ServiceAccount.Type

/** An Event of the core group. */
export const Event = Struct({
  metadata: ObjectMeta,
  type: optional(String),
  reason: optional(String),
  message: optional(String),
  count: optional(Number),
  lastTimestamp: optional(String),
  eventTime: optional(String),
  series: optional(Struct({ count: optional(Number), lastObservedTime: optional(String) })),
  involvedObject: Struct({ kind: optional(String), name: optional(String), uid: optional(String) })
})
export type Event = typeof Event.Type
