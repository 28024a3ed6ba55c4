/**
 * `kubectl stateful scale`: more or fewer replicas, in order, with hooks and quorum.
 */
import { nameOf as name } from "@kubectl-stateful/sdk/App"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import * as Effect from "effect/Effect"
import { isInteractive } from "../command/confirm.ts"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { agreed, rehearsed, shown, shownInOrder } from "../command/operation.ts"
import { setsFlags, wantedSets } from "../command/sets.ts"
import { Usage } from "../command/usage.ts"
import { appArgs } from "../flags/application.ts"
import { commandLines, hookFlags, profileOf, withAnnotated } from "../flags/hooks.ts"
import { runFlags, timeouts, yesFlag } from "../flags/run.ts"
import { scaleFlags, scaleOptions } from "../flags/scale.ts"
import { ended, visible } from "../print/terminal.ts"

export class ScaleCommand extends KubectlCommand {
  static override summary =
    "Scale a StatefulSet in order, with member hooks, quorum checks and explicit handling of its PersistentVolumeClaims (PVCs)."
  static override usage = [
    "scale [TYPE/]NAME... --replicas COUNT [flags]",
    "scale (-f FILE|-l SELECTOR|--all) --replicas COUNT [flags]"
  ]
  static override description =
    "Several StatefulSets are scaled one after another, in the given order, or with -l and --all in the order of their names. If any of them is refused, none is started. On a terminal, asks for confirmation before deleting data and before scaling to 0."
  static override strict = false
  static override examples = [
    "<%= config.bin %> scale db --replicas 5 --dry-run=client",
    "<%= config.bin %> scale db --replicas 3 --profile db.yaml",
    "<%= config.bin %> scale db --replicas last",
    "<%= config.bin %> scale sts/web sts/db --replicas 0"
  ]
  static override args = appArgs
  static override flags = {
    ...scaleFlags,
    ...setsFlags,
    ...runFlags,
    ...yesFlag,
    ...hookFlags
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(ScaleCommand)
    const wanted = await wantedSets(argv.map(String), flags)
    const options = { ...(await profileOf(flags)), ...timeouts(flags), ...scaleOptions(flags) }
    const { screen } = this
    const mode = flags["dry-run"]
    const scale = Effect.gen(function* () {
      const sets = yield* wanted
      if (sets.length > 1 && (flags.output === "json" || flags.output === "yaml"))
        return yield* Effect.fail(
          new Usage(`-o ${flags.output} is for one StatefulSet`, "scale one at a time, or use -o name")
        )
      // All are planned before the first is begun.
      const asked = yield* Effect.forEach(sets, (ref) =>
        Effect.gen(function* () {
          const settings = yield* withAnnotated(flags, ref, options)
          if (flags["trust-annotations"]) screen.err(commandLines(ref.name, settings.profile))
          return { ref, options: settings }
        })
      )
      const planned = yield* Scale.prepareAll(asked)
      if (mode !== "none") {
        for (const { plan } of planned) {
          yield* rehearsed(screen, { plan: yield* Scale.dryRun(plan, mode), mode, output: flags.output })
        }
        return
      }
      // A script states what it wants when it is written.
      if (isInteractive(screen))
        yield* agreed(screen, {
          plans: planned.map(({ plan }) => plan).filter(Scale.needsConfirmation),
          yes: flags.yes || !planned.some(({ plan }) => Scale.needsConfirmation(plan)),
          what: "nothing was scaled"
        })
      const isOfOne = new Set(sets.map(({ namespace }) => namespace)).size === 1
      const nameOf = ({ plan: { app, home } }: Scale.Planned) => `${isOfOne ? "" : `${home}/`}${name(app)}`
      yield* shownInOrder(screen, planned, nameOf, ({ plan, options }) => {
        for (const warning of plan.warnings) screen.err(ended([visible(`Warning: ${warning}`)]))
        return shown(screen, flags.output, (report) => Scale.run(plan, { ...options, report }))
      })
    })
    await this.perform(flags, scale)
  }
}
