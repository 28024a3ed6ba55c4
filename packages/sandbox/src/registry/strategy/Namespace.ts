/** Namespaces carry their own name as a label, and go only once they are empty. */
import { arrayAt } from "../Json.ts"
import type { Strategy } from "../ResourceType.ts"
import { label } from "./Fault.ts"

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
