/** Namespaces carry their own name as a label, and are deleted only once they are empty. */
import { arrayAt } from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { label } from "../../apimachinery/FieldError.ts"

export const namespace: Strategy = {
  initialStatus: { phase: "Active" },
  withDefaults: (draft) => ({
    ...draft,
    metadata: {
      ...draft.metadata,
      labels: { ...draft.metadata.labels, "kubernetes.io/metadata.name": draft.metadata.name ?? "" }
    },
    spec: arrayAt(draft.spec, "finalizers").length > 0 ? draft.spec : { finalizers: ["kubernetes"] }
  }),
  faults: (draft) => label("metadata.name", draft.metadata.name ?? "")
}
