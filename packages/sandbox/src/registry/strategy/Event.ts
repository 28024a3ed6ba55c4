/** Events are in the namespace of the object they are about. */
import { at, stringAt } from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { wrong } from "../../apimachinery/FieldError.ts"

export const event: Strategy = {
  withDefaults: (draft) => {
    const { apiVersion, kind, metadata, ...rest } = draft
    const fields = { eventTime: null, reportingComponent: "", reportingInstance: "" }
    return { ...fields, ...rest, apiVersion, kind, metadata }
  },
  faults: (draft) => {
    const namespace = stringAt(draft, "involvedObject", "namespace")
    // What is of the whole cluster has its events in the default namespace.
    return at(draft, "involvedObject") !== undefined && (namespace ?? "default") !== draft.metadata.namespace
      ? [wrong("involvedObject.namespace", namespace ?? "", "does not match event.namespace")]
      : []
  }
}
