/** The actions of `snapshots`, by their first word. */
import type { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import type { OperationError } from "@kubectl-stateful/sdk/operation/OperationError"
import type { AppNotFound } from "@kubectl-stateful/sdk/State"
import * as Effect from "effect/Effect"
import type { Screen } from "../../command/screen.ts"
import { Usage } from "../../command/usage.ts"
import type { SetFlags } from "../../flags/snapshots.ts"

type Action = Effect.Effect<void, ClusterError | OperationError | AppNotFound | Usage, Cluster>

// Each is loaded when it is asked for: a list needs no verb that writes.
const show = Effect.promise(() => import("./show.ts"))
const prune = Effect.promise(() => import("./prune.ts"))
const transfer = Effect.promise(() => import("./transfer.ts"))

const usages = [
  "list",
  "describe NAME",
  "diff NAME [NAME|live]",
  "prune NAME...",
  "export NAME",
  "import FILE"
]
const usageOf = (action: string) => usages.find((usage) => usage.split(" ", 1)[0] === action)

/** Throws a Usage if it is not an action. */
export const actionOf = (screen: Screen, words: ReadonlyArray<string>, flags: SetFlags): Action => {
  const [action = "list", ...names] = words
  const [first, second = "live", ...more] = names
  const { output, "all-namespaces": everywhere } = flags
  if (action === "list" && first === undefined)
    return Effect.flatMap(show, ({ listSets }) => listSets(screen, output, everywhere))
  if (everywhere) throw new Usage(`snapshots ${action} takes no --all-namespaces`, "name a namespace with -n")
  if (action === "prune") return Effect.flatMap(prune, ({ pruneSets }) => pruneSets(screen, names, flags))
  if (first !== undefined && more.length === 0) {
    if (action === "diff")
      return Effect.flatMap(show, ({ diffSets }) => diffSets(screen, output, first, second))
    if (names.length === 1 && action === "describe")
      return Effect.flatMap(show, ({ describeSet }) => describeSet(screen, output, first))
    if (names.length === 1 && action === "export")
      return Effect.flatMap(transfer, ({ exportSet }) => exportSet(screen, first, flags))
    if (names.length === 1 && action === "import")
      return Effect.flatMap(transfer, ({ importSet }) => importSet(screen, first, flags))
  }
  const usage = usageOf(action)
  if (usage !== undefined)
    throw new Usage(`wrong arguments for "snapshots ${action}"`, `use snapshots ${usage}`)
  throw new Usage(
    `unknown subcommand "${action}" for "snapshots"`,
    `use ${usages.join(", ")}; if ${action} is a snapshot, put "describe" before it`
  )
}
