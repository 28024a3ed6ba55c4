/** The result of a restore as another application, and of its release. */
import type { OperationResult } from "@kubectl-stateful/sdk/operation/Progress"
import { CloneResult } from "@kubectl-stateful/sdk/RestoreClone"
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import * as Schema from "effect/Schema"
import { appText } from "./appText.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { counted } from "@kubectl-stateful/sdk/Plural"

/** `statefulset.apps/copy restored from nightly of db: …`, and how to release it. */
export const clonedText = (result: OperationResult, output: string | undefined): Printable => {
  const name = appText(result.app)
  if (output === "name") return ended([visible(name)])
  const but = result.outcome === "Incomplete" ? ", with deviations" : ""
  if (result.verb === "release") {
    return ended([visible(`${name} ${result.aborted ? "release aborted" : "released"}${but}`)])
  }
  const decoded = Schema.decodeUnknownOption(CloneResult)(result.result)
  if (decoded._tag === "None") {
    return ended([visible(`${name} ${result.aborted ? "restore aborted" : "restore"}${but}`)])
  }
  const { set, source, claims, replicas, fence } = decoded.value
  const { namespace } = result.app
  return ended(
    [
      `${name} restored from ${set} of ${source.name}${but}: ${counted(claims.length, "volume")}, ${counted(replicas, "replica")}`,
      ...(fence === null
        ? []
        : [
            `networkpolicy ${fence} isolates it`,
            `\`kubectl stateful restore --release ${result.id ?? ""} -n ${shellWord(namespace)}\` removes that`
          ])
    ].map(visible)
  )
}
