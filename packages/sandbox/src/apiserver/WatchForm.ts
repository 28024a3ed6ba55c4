/** A watch's events in the requested form: plain objects, only their metadata, or rows of a table. */
import type { WatchEvent } from "@kubectl-stateful/sdk/Cluster"
import { type Form, one } from "./Answer.ts"
import { isArray, isObject } from "../apimachinery/Json.ts"
import { isDraft, type KubeObject } from "../apimachinery/KubeObject.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"

const isKubeObject = (value: unknown): value is KubeObject =>
  isDraft(value) && typeof value.metadata.creationTimestamp === "string"

/** Each event's object in the form that was asked for; a table's columns come with its first rows only. */
export const shown = (
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
