/** `kubectl stateful snapshot`: the whole state of an application at one cut. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { allowed } from "@kubectl-stateful/sdk/Operation"
import * as Snapshot from "@kubectl-stateful/sdk/Snapshot"
import { string as word } from "@oclif/core/args"
import { option } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import { reference } from "../command/applications.ts"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { selectionFlags } from "../flags/cluster.ts"
import { planText } from "../print/plan.ts"
import { ended, visible } from "../print/terminal.ts"
import { identity, runFlags, shown, timeouts } from "../command/operation.ts"
import { snapshotFlags, snapshotOptions } from "../flags/snapshot.ts"
import { target } from "../command/target.ts"
import { Usage } from "../command/usage.ts"

export class SnapshotCommand extends KubectlCommand {
  static override summary =
    "Take a snapshot of an application: its volumes at one cut, and everything else a restore needs."
  static override usage = ["snapshot [TYPE/]NAME [flags]", "snapshot -l SELECTOR [flags]"]
  static override description =
    "The consistency that was reached is written on it. A level asked for by name is reached, or the command fails and leaves nothing; auto never stops the application."
  static override examples = [
    "<%= config.bin %> snapshot db --name before-upgrade",
    "<%= config.bin %> snapshot db --consistency group --dry-run=client",
    "<%= config.bin %> snapshot db --consistency quiesced --profile redis"
  ]
  static override args = {
    app: word({ description: "A StatefulSet: NAME, TYPE/NAME, or TYPE before NAME.", ignoreStdin: true }),
    name: word({ description: "The name, after a TYPE.", ignoreStdin: true, hidden: true })
  }
  static override flags = {
    ...snapshotFlags,
    "dry-run": option({
      summary: "Print the plan; `server` asks the API server as well.",
      options: ["none", "client", "server"] as const,
      default: "none"
    })(),
    selector: selectionFlags.selector,
    ...runFlags
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SnapshotCommand)
    const wanted = target({
      first: args.app,
      second: args.name,
      selector: flags.selector,
      allNamespaces: false
    })
    if (wanted._tag === "All")
      throw new Usage("which application?", "name one: snapshot db, or give -l SELECTOR")
    const options = { ...timeouts(flags), ...(await snapshotOptions(flags)) }
    const { screen } = this
    const mode = flags["dry-run"]
    const snapshot = Effect.gen(function* () {
      const { origin } = yield* Cluster
      const plan = yield* Snapshot.prepare(reference(wanted, origin.namespace), options)
      if (mode !== "none") {
        const tried = yield* Snapshot.dryRun(plan, mode)
        screen.out(yield* planText(tried, flags.output, mode))
        // As the run would end.
        yield* allowed(tried)
        return
      }
      for (const warning of plan.warnings) screen.err(ended([visible(`Warning: ${warning}`)]))
      yield* shown(screen, flags.output, (report) =>
        Snapshot.run(plan, { ...options, identity: identity(), report })
      )
    })
    await this.perform(flags, snapshot)
  }
}
