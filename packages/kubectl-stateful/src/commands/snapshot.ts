/** `kubectl stateful snapshot`: captures the whole state of an application at one moment. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Snapshot from "@kubectl-stateful/sdk/Snapshot"
import * as Effect from "effect/Effect"
import { reference } from "../command/applications.ts"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { rehearsed, shown } from "../command/operation.ts"
import { appTarget } from "../command/target.ts"
import { appArgs, selectorFlag, wordsOf } from "../flags/application.ts"
import { dryRunFlag, runFlags, timeouts } from "../flags/run.ts"
import { snapshotFlags, snapshotOptions } from "../flags/snapshot.ts"
import { ended, visible } from "../print/terminal.ts"

export class SnapshotCommand extends KubectlCommand {
  static override summary =
    "Take a snapshot of an application: all its volumes at one point in time, and everything else that a restore needs."
  static override usage = ["snapshot [TYPE/]NAME [flags]", "snapshot -l SELECTOR [flags]"]
  static override description =
    "The consistency level that was achieved is recorded in the snapshot. If you request a specific level, the command either achieves it, or fails and cleans up. `auto` never stops the application."
  static override examples = [
    "<%= config.bin %> snapshot db --name before-upgrade",
    "<%= config.bin %> snapshot db --consistency group --dry-run=client",
    "<%= config.bin %> snapshot db --consistency quiesced --profile redis"
  ]
  static override args = appArgs
  static override flags = {
    ...snapshotFlags,
    ...dryRunFlag,
    ...selectorFlag,
    ...runFlags
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SnapshotCommand)
    const wanted = appTarget({ words: wordsOf(args), selector: flags.selector }, "snapshot db")
    const options = { ...timeouts(flags), ...(await snapshotOptions(flags)) }
    const { screen } = this
    const mode = flags["dry-run"]
    const snapshot = Effect.gen(function* () {
      const { origin } = yield* Cluster
      const plan = yield* Snapshot.prepare(reference(wanted, origin.namespace), options)
      if (mode !== "none") {
        const tried = yield* Snapshot.dryRun(plan, mode)
        yield* rehearsed(screen, { plan: tried, mode, output: flags.output })
        return
      }
      for (const warning of plan.warnings) screen.err(ended([visible(`Warning: ${warning}`)]))
      yield* shown(screen, flags.output, (report) => Snapshot.run(plan, { ...options, report }))
    })
    await this.perform(flags, snapshot)
  }
}
