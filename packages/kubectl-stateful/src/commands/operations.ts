/** `kubectl stateful operations`: those that run, were interrupted, or have finished; of one, its steps. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { kinds } from "@kubectl-stateful/sdk/Kind"
import { operationLabel } from "@kubectl-stateful/sdk/Labels"
import * as Journal from "@kubectl-stateful/sdk/operation/Journal"
import { watchObjects } from "@kubectl-stateful/sdk/Resource"
import { string as word } from "@oclif/core/args"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { mayBeOperation, namedOperation } from "../command/operationId.ts"
import { setName } from "../command/target.ts"
import { allNamespacesFlag } from "../flags/application.ts"
import { outputFlag, watchFlag } from "../flags/output.ts"
import { failureLine } from "../print/failure.ts"
import { operationsText } from "../print/operation.ts"
import { nothing, printed } from "../print/terminal.ts"

export class Operations extends KubectlCommand {
  static override summary = "List operations, or show the steps of one."
  static override usage = ["operations [[TYPE/]NAME|ID] [flags]"]
  static override description =
    "Lists running, interrupted and finished operations, of one StatefulSet if a name is given. With an ID, shows the progress of each step."
  static override examples = [
    "<%= config.bin %> operations -A",
    "<%= config.bin %> operations db -w",
    "<%= config.bin %> operations 44b98c3f -o yaml"
  ]
  static override args = {
    app: word({
      description: "A StatefulSet, to list only its operations, or the ID of one operation.",
      ignoreStdin: true
    })
  }
  static override flags = {
    ...outputFlag,
    ...allNamespacesFlag,
    ...watchFlag
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Operations)
    const { app: typed } = args
    const { screen } = this
    const { output, watch, "all-namespaces": everywhere } = flags
    const show = Effect.gen(function* () {
      const { origin } = yield* Cluster
      const now = DateTime.formatIso(yield* DateTime.now)
      const journals = (app?: string) => Journal.listReadable(everywhere ? undefined : origin.namespace, app)
      if (typed !== undefined && mayBeOperation(typed)) {
        const one = yield* namedOperation(typed, yield* journals(), origin.namespace)
        if (one !== null) {
          // Its steps are described by its verb: all verbs are loaded with it.
          const { operationText } = yield* Effect.promise(() => import("../print/operationPage.ts"))
          screen.page(yield* operationText(one, output, now, screen))
          return
        }
      }
      const app = typed === undefined ? undefined : setName([typed], "operations db")
      const { entries, unreadable } = yield* journals(app)
      const isForPeople = output === undefined || output === "wide"
      const isEmpty = entries.length === 0 && isForPeople
      // Also without any: with -w no old line stays on the screen.
      screen.page(
        isEmpty ? nothing : yield* operationsText(entries, output, now, { ...screen, namespaces: everywhere })
      )
      for (const { error } of unreadable) screen.err(printed`${failureLine(error, "")}\n`)
      if (isEmpty && unreadable.length === 0) screen.err(printed`No operations found.\n`)
    })
    await this.perform(
      flags,
      watch
        ? Effect.flatMap(Cluster, ({ origin }) =>
            Stream.runForEach(
              watchObjects(kinds.configmaps, {
                ...(everywhere ? {} : { namespace: origin.namespace }),
                metadataOnly: true,
                labelSelector: operationLabel
              }),
              () => show
            )
          )
        : show
    )
  }
}
