/**
 * `kubectl stateful scale`: more or fewer replicas, in order, with hooks and quorum.
 */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import { string as word } from "@oclif/core/args"
import * as Effect from "effect/Effect"
import { hookFlags, profileOf } from "../hooks.ts"
import { KubectlCommand } from "../KubectlCommand.ts"
import { planText } from "../print/plan.ts"
import { visible } from "../print/terminal.ts"
import { identity, runFlags, shown, timeouts } from "../running.ts"
import { scaleFlags, scaleOptions } from "../scaling.ts"
import { target } from "../Target.ts"
import { Usage } from "../Usage.ts"

export class ScaleCommand extends KubectlCommand {
  static override summary =
    "Change how many replicas there are: in order, with hooks, quorum and data kept on purpose."
  static override usage = ["scale [TYPE/]NAME --replicas COUNT [flags]"]
  static override examples = [
    "<%= config.bin %> scale db --replicas 5 --dry-run=client",
    "<%= config.bin %> scale db --replicas 3 --profile db.yaml",
    "<%= config.bin %> scale db --replicas last"
  ]
  static override args = {
    app: word({ description: "A StatefulSet: NAME, TYPE/NAME, or TYPE before NAME.", ignoreStdin: true }),
    name: word({ description: "The name, after a TYPE.", ignoreStdin: true, hidden: true })
  }
  static override flags = {
    ...scaleFlags,
    ...runFlags,
    ...hookFlags
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ScaleCommand)
    const wanted = target({ first: args.app, second: args.name, allNamespaces: false })
    if (wanted._tag !== "Named") throw new Usage("which StatefulSet?", "name one: scale db --replicas 3")
    const options = { ...(await profileOf(flags)), ...timeouts(flags), ...scaleOptions(flags) }
    const { screen } = this
    const mode = flags["dry-run"]
    const scale = Effect.gen(function* () {
      const { origin } = yield* Cluster
      const plan = yield* Scale.prepare({ namespace: origin.namespace, name: wanted.name }, options)
      if (mode !== "none") {
        const tried = mode === "server" ? yield* Scale.tryOut(plan) : plan
        return screen.out(yield* planText(tried, flags.output, mode))
      }
      for (const warning of plan.warnings) screen.err(`Warning: ${visible(warning)}\n`)
      return yield* shown(screen, flags.output, (report) =>
        Scale.run(plan, { ...options, identity: identity(), report })
      )
    })
    await this.perform(flags, scale)
  }
}
