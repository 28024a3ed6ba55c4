/** `kubectl stateful operations`: those that run, were interrupted, or are over. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Journal from "@kubectl-stateful/sdk/operation/Journal"
import { string as word } from "@oclif/core/args"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { allNamespacesFlag } from "../flags/application.ts"
import { outputFlag } from "../flags/output.ts"
import { failureLine } from "../print/failure.ts"
import { operationsText } from "../print/operation.ts"
import { printed } from "../print/terminal.ts"

export class Operations extends KubectlCommand {
  static override summary = "List running, interrupted and finished operations."
  static override usage = ["operations [NAME] [flags]"]
  static override args = {
    app: word({ description: "Only list operations on this StatefulSet.", ignoreStdin: true })
  }
  static override flags = {
    ...outputFlag,
    ...allNamespacesFlag
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Operations)
    const { screen } = this
    const list = Effect.gen(function* () {
      const { origin } = yield* Cluster
      const { entries, unreadable } = yield* Journal.listReadable(
        flags["all-namespaces"] ? undefined : origin.namespace,
        args.app
      )
      const now = DateTime.formatIso(yield* DateTime.now)
      const isForPeople = flags.output === undefined || flags.output === "wide"
      for (const { error } of unreadable) screen.err(printed`${failureLine(error, "")}\n`)
      if (entries.length === 0 && isForPeople && unreadable.length === 0)
        screen.err(printed`No operations found.\n`)
      else screen.out(yield* operationsText(entries, flags.output, now, screen))
    })
    await this.perform(flags, list)
  }
}
