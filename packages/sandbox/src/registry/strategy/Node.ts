/** A node may register its own status: the kubelet creates it whole. */
import { arrayAt, stringAt } from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { type FieldError, required, unsupported } from "../../apimachinery/FieldError.ts"

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

/** The server's messages say metadata instead of spec. */
const taintFaults = (taint: unknown, index: number): ReadonlyArray<FieldError> => {
  const effect = stringAt(taint, "effect") ?? ""
  const field = `metadata.taints[${index}].effect`
  if (effect === "") return [required(field)]
  return effects.includes(effect) ? [] : [unsupported(field, effect, effects)]
}

export const node: Strategy = {
  keepsStatus: true,
  faults: ({ spec }) => arrayAt(spec, "taints").flatMap(taintFaults),
  withDefaults: (draft) => ({ ...draft, spec: draft.spec ?? {}, status: draft.status ?? {} })
}
