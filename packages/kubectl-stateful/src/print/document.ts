/**
 * Documents for programs: `-o json`, `-o yaml`, and applications' `-o name`.
 */
import { printYaml } from "@kubectl-stateful/sdk/Manifest"
import type { AppDocument, AppStateList } from "@kubectl-stateful/sdk/AppDocument"
import * as Effect from "effect/Effect"
import type { Answered } from "./list.ts"
import { ended, isVisible, type Printable, printed, visible, visibleJson, visibleYaml } from "./terminal.ts"

export const appDocument = ({ state, checklist }: Answered): AppDocument => ({ ...state, checklist })

export const listDocument = (apps: ReadonlyArray<Answered>): AppStateList => ({
  apiVersion: "kubectl-stateful.dev/v1",
  kind: "AppStateList",
  items: apps.map(appDocument)
})

/** JSON as kubectl indents it, or YAML; terminal control characters are escaped, and read back unchanged. */
export const documentText = (value: unknown, output: "json" | "yaml"): Effect.Effect<Printable> =>
  output === "json"
    ? Effect.succeed(printed`${visibleJson(JSON.stringify(value, null, 4))}\n`)
    : Effect.map(
        printYaml(value, (text) => !isVisible(text)),
        visibleYaml
      )

/** `statefulset.apps/db`, a line for each workload. */
export const names = (apps: ReadonlyArray<Answered>): Printable =>
  ended(
    apps
      .flatMap(({ state }) => state.workloads)
      .map((workload) => visible(`${workload.kind.toLowerCase()}.apps/${workload.name}`))
  )
