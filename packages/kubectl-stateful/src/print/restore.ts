/** The result of a restore. */
import type { OperationResult } from "@kubectl-stateful/sdk/operation/Progress"
import { RestoreResult } from "@kubectl-stateful/sdk/Restore"
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import * as Schema from "effect/Schema"
import { appText } from "./appText.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { counted } from "@kubectl-stateful/sdk/Plural"

/** `statefulset.apps/db restored from nightly: …`, and how to undo it. */
export const restoredText = (result: OperationResult, output: string | undefined): Printable => {
  const name = appText(result.app)
  if (output === "name") return ended([visible(name)])
  if (result.outcome === "Unchanged") return ended([visible(`${name} unchanged: nothing of it differs`)])
  const decoded = Schema.decodeUnknownOption(RestoreResult)(result.result)
  if (decoded._tag === "None") {
    const what = result.aborted ? "restore aborted" : "restore"
    return ended([
      visible(`${name} ${what}${result.outcome === "Incomplete" ? ", but not everything was reverted" : ""}`)
    ])
  }
  const { set, undoes, claims, kept, replicas, verified, config } = decoded.value
  const what = [
    ...(claims.length === 0 ? [] : [counted(claims.length, "volume")]),
    ...(config?.names ?? []),
    counted(replicas, "replica")
  ]
  const before = [...kept.map(({ as }) => as), ...(config === undefined ? [] : [`secret ${config.before}`])]
  const done = undoes === null ? `restored from ${set ?? "volumesnapshots"}` : `restore ${undoes} undone`
  const but = result.outcome === "Incomplete" ? ", with deviations" : ""
  return ended(
    [
      `${name} ${done}${but}: ${what.join(", ")}`,
      ...(verified === undefined
        ? []
        : [verified === null ? "volumes mounted, content not verified" : `content verified by ${verified}`]),
      ...(before.length === 0
        ? []
        : [
            `the previous data is kept in ${before.join(", ")}`,
            `\`kubectl stateful restore --undo ${result.id ?? ""} -n ${shellWord(result.app.namespace)}\` undoes this`
          ])
    ].map(visible)
  )
}
