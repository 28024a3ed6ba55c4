/**
 * Services and their endpoints.
 */
import * as Schema from "effect/Schema"
import { ObjectMeta, optional, StringMap } from "./Meta.ts"

const { Array, Boolean, Natural, String, Struct } = Schema

export const Service = Struct({
  metadata: ObjectMeta,
  spec: Struct({
    type: optional(String),
    clusterIP: optional(String),
    selector: optional(StringMap),
    publishNotReadyAddresses: optional(Boolean),
    ipFamilies: optional(Array(String)),
    ports: optional(Array(Struct({ name: optional(String), port: Natural, protocol: optional(String) })))
  })
})
export type Service = typeof Service.Type

export const EndpointSlice = Struct({
  metadata: ObjectMeta,
  addressType: String,
  endpoints: optional(
    Array(
      Struct({
        addresses: Array(String),
        hostname: optional(String),
        nodeName: optional(String),
        zone: optional(String),
        conditions: optional(
          Struct({
            ready: optional(Boolean),
            serving: optional(Boolean),
            terminating: optional(Boolean)
          })
        ),
        targetRef: optional(
          Struct({
            kind: optional(String),
            namespace: optional(String),
            name: optional(String),
            uid: optional(String)
          })
        )
      })
    )
  )
})
export type EndpointSlice = typeof EndpointSlice.Type
