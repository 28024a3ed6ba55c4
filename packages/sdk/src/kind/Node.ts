/**
 * Nodes, and the devices that pods claim on them.
 */
import * as Schema from "effect/Schema"
import { Condition, IntOrString, NodeSelector, ObjectMeta, optional } from "./Meta.ts"

const { Array, Boolean, Record, String, Struct } = Schema

export const Taint = Struct({ key: String, value: optional(String), effect: String })
export type Taint = typeof Taint.Type

export const Node = Struct({
  metadata: ObjectMeta,
  spec: optional(
    Struct({
      providerID: optional(String),
      unschedulable: optional(Boolean),
      taints: optional(Array(Taint))
    })
  ),
  status: optional(
    Struct({
      conditions: optional(Array(Condition)),
      allocatable: optional(Record(String, IntOrString)),
      nodeInfo: optional(Struct({ architecture: optional(String), operatingSystem: optional(String) }))
    })
  )
})
export type Node = typeof Node.Type

/** `resource.k8s.io`: dynamic resource allocation. */
export const ResourceClaim = Struct({
  metadata: ObjectMeta,
  status: optional(
    Struct({
      allocation: optional(
        Struct({
          nodeSelector: optional(NodeSelector),
          devices: optional(
            Struct({
              results: optional(Array(Struct({ driver: String, pool: String, device: String })))
            })
          )
        })
      )
    })
  )
})
export type ResourceClaim = typeof ResourceClaim.Type
