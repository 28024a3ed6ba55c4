/** The actions of `snapshots`, by their first word. */
import type { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import type { OperationError } from "@kubectl-stateful/sdk/operation/OperationError"
import type { AppNotFound } from "@kubectl-stateful/sdk/State"
import type * as Effect from "effect/Effect"
import type { Screen } from "../../command/screen.ts"
import { Usage } from "../../command/usage.ts"
import type { SetFlags } from "../../flags/snapshots.ts"
import { pruneSets } from "./prune.ts"
import { describeSet, diffSets, listSets } from "./show.ts"
import { exportSet, importSet } from "./transfer.ts"

type Action = Effect.Effect<void, ClusterError | OperationError | AppNotFound | Usage, Cluster>

/** Throws a Usage if it is not an action. */
export const actionOf = (screen: Screen, words: ReadonlyArray<string>, flags: SetFlags): Action => {
  const [action = "list", ...names] = words
  const [first, second = "live", ...more] = names
  const { output } = flags
  if (action === "list" && first === undefined) return listSets(screen, output)
  if (action === "prune") return pruneSets(screen, names, flags)
  if (first !== undefined && more.length === 0) {
    if (action === "diff") return diffSets(screen, output, first, second)
    if (names.length === 1 && action === "describe") return describeSet(screen, output, first)
    if (names.length === 1 && action === "export") return exportSet(screen, first, flags)
    if (names.length === 1 && action === "import") return importSet(screen, first, flags)
  }
  throw new Usage(
    `unknown subcommand "${words.join(" ")}" for "snapshots"`,
    "use list, describe NAME, diff NAME [NAME|live], prune NAME..., export NAME, or import FILE"
  )
}
