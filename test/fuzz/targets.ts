/** Everything that is fuzzed. */
import { execFrames } from "./exec.ts"
import { exported, kubeconfig, manifest, profile, recordBytes, recordValues } from "./files.ts"
import type { Target } from "./target.ts"
import { duration, printed, quantity, selector, tables } from "./text.ts"
import { execStatus, watch } from "./wire.ts"

export const targets: ReadonlyArray<Target> = [
  quantity,
  duration,
  selector,
  tables,
  printed,
  manifest,
  profile,
  kubeconfig,
  recordValues,
  recordBytes,
  exported,
  watch,
  execStatus,
  execFrames
]
