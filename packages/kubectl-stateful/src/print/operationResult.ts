/** The result of an operation, of whichever verb it is. */
import type { OperationResult } from "@kubectl-stateful/sdk/operation/Progress"
import * as Effect from "effect/Effect"
import { appText } from "./appText.ts"
import { clonedText } from "./clone.ts"
import { documentText } from "./document.ts"
import { restoredText } from "./restore.ts"
import { importedText, prunedText, takenText } from "./snapshot.ts"
import { ended, type Printable, visible } from "./terminal.ts"

const words = ({ outcome, aborted }: OperationResult): string => {
  if (outcome === "Unchanged") return "unchanged"
  const done = aborted ? "scale aborted" : "scaled"
  return outcome === "Incomplete" ? `${done}, with deviations` : done
}

/** `statefulset.apps/db scaled`, or the result as a document. */
export const resultText = (result: OperationResult, output: string | undefined): Effect.Effect<Printable> => {
  if (output === "json" || output === "yaml") return documentText(result, output)
  if (result.verb === "snapshot") return Effect.succeed(takenText(result, output))
  if (result.verb === "clone" || result.verb === "release") return Effect.succeed(clonedText(result, output))
  if (result.verb === "restore") return Effect.succeed(restoredText(result, output))
  if (result.verb === "prune") return Effect.succeed(prunedText(result, output))
  if (result.verb === "import") return Effect.succeed(importedText(result, output))
  const name = appText(result.app)
  return Effect.succeed(ended([visible(output === "name" ? name : `${name} ${words(result)}`)]))
}
