/** A node may register its own status: the kubelet creates it whole. */
import type { Strategy } from "../ResourceType.ts"

export const node: Strategy = {
  keepsStatus: true,
  withDefaults: (draft) => ({ ...draft, spec: draft.spec ?? {}, status: draft.status ?? {} })
}
