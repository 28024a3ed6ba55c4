/** `kubectl stateful abort`. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import { boolean } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import { shown } from "../command/operation.ts"
import { OperationCommand } from "../command/OperationCommand.ts"
import { setNames } from "../command/target.ts"
import { Usage } from "../command/usage.ts"
import { timeouts } from "../flags/run.ts"

export class Abort extends OperationCommand {
  static override summary = "Roll back an interrupted operation. Works from any machine."
  static override usage = ["abort [ID] [flags]", "abort NAME --without-journal [flags]"]
  // Its own, as the parser reads no static that is inherited.
  static override args = OperationCommand.args
  static override flags = {
    ...OperationCommand.flags,
    "without-journal": boolean({
      summary:
        "For a damaged or missing journal: restore settings from the annotations on the StatefulSet and its volumes, and list what cannot be restored."
    })
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Abort)
    if (!flags["without-journal"]) return this.takeUp("abort", { args, flags })
    const [name, ...others] = args.id === undefined ? [] : setNames([args.id])
    if (name === undefined || others.length > 0) {
      throw new Usage("--without-journal requires a StatefulSet name", "use abort NAME --without-journal")
    }
    const options = { ...timeouts(flags), takeOver: flags["take-over"] }
    const { screen } = this
    await this.perform(
      flags,
      Effect.gen(function* () {
        const { origin } = yield* Cluster
        const ref = { namespace: origin.namespace, name }
        yield* shown(screen, flags.output, (report) => Scale.abortWithoutJournal(ref, { ...options, report }))
      })
    )
  }
}
