/** A watch as a response that goes on: one line of JSON for each event, no faster than it is read. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ServerResponse } from "node:http"
import type { ClusterError, WatchEvent } from "../../Cluster.ts"
import { type Form, one } from "../Answer.ts"
import { isArray, isObject } from "../Json.ts"
import { isDraft, type KubeObject } from "../KubeObject.ts"
import type { ResourceType } from "../ResourceType.ts"
import { commonHeaders } from "./Exchange.ts"

const isKubeObject = (value: unknown): value is KubeObject =>
  isDraft(value) && typeof value.metadata.creationTimestamp === "string"

/** Each event's object in the form that was asked for; a table's columns come with its first rows only. */
const shown = (
  type: ResourceType,
  as: Form,
  query: URLSearchParams,
  now: () => number
): ((event: WatchEvent) => WatchEvent) => {
  if (as === "Plain") return (event) => event
  let first = true
  return (event) => {
    if (event.type === "ERROR") return event
    if (!isKubeObject(event.object)) {
      const metadata = isObject(event.object) ? event.object["metadata"] : undefined
      const kind = as === "Table" ? "Table" : "PartialObjectMetadata"
      return {
        type: event.type,
        object: {
          kind,
          apiVersion: "meta.k8s.io/v1",
          metadata,
          ...(as === "Table" ? { columnDefinitions: [], rows: [] } : {})
        }
      }
    }
    const object = one(type, event.object, as, query, now())
    const again = as === "Table" && !first && isObject(object) && isArray(object["columnDefinitions"])
    first = false
    return { type: event.type, object: again ? { ...object, columnDefinitions: [] } : object }
  }
}

const written = (response: ServerResponse, text: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (response.write(text)) return resume(Effect.void)
    const drained = () => resume(Effect.void)
    response.once("drain", drained)
    return Effect.sync(() => response.off("drain", drained))
  })

/** Ends when the watch does, or with the connection, which interrupts it. */
export const stream = (
  response: ServerResponse,
  events: Stream.Stream<WatchEvent, ClusterError>,
  form: { readonly type: ResourceType; readonly as: Form; readonly query: URLSearchParams },
  now: () => number
): Effect.Effect<void, ClusterError> =>
  Effect.gen(function* () {
    response.writeHead(200, { ...commonHeaders, "content-type": "application/json" })
    // The client knows that its watch has begun before anything happens in it.
    response.flushHeaders()
    const show = shown(form.type, form.as, form.query, now)
    yield* Stream.runForEachArray(events, (chunk) =>
      written(response, chunk.map((event) => `${JSON.stringify(show(event))}\n`).join(""))
    )
    response.end()
  })
