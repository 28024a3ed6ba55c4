/** `kubectl stateful drill`: rehearses a restore, and tells whether it is worth anything. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as RestoreDrill from "@kubectl-stateful/sdk/RestoreDrill"
import { string as word } from "@oclif/core/args"
import { boolean, string } from "@oclif/core/flags"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { copyFlags, copyOptions } from "../flags/clone.ts"
import { durationFlag } from "../flags/duration.ts"
import { given } from "../flags/given.ts"
import { checkGiven } from "../flags/profile.ts"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { drillText } from "../print/drill.ts"
import { progress } from "../print/progress.ts"
import { identity } from "../command/operation.ts"
import { runFlags, timeouts } from "../flags/run.ts"
import { Usage } from "../command/usage.ts"

export class DrillCommand extends KubectlCommand {
  static override summary = "Rehearse a restore: into a namespace of its own, with a check, and away again."
  static override usage = "drill SNAPSHOT [--verify 'CMD'] [--profile NAME|FILE] [flags]"
  static override description =
    "Restores the snapshot as the same application into a new namespace, behind a fence; lets a profile verify its volumes, runs CMD there with sh in the first pod; says how long it took; and removes all of it, whatever came of it. Exit code 1 where either fails."
  static override examples = [
    "<%= config.bin %> drill nightly --verify 'psql -U postgres -c \"select 1 from orders limit 1\"'",
    "<%= config.bin %> drill nightly --verify 'test -s /data/orders.log' -o json",
    "<%= config.bin %> drill nightly --profile ./orders.yaml"
  ]
  static override args = {
    snapshot: word({
      description: "The snapshot, as `snapshots` lists it.",
      required: true,
      ignoreStdin: true
    })
  }
  static override flags = {
    verify: string({
      summary: "Run by sh in the first restored pod; it passes with exit code 0.",
      helpValue: "CMD"
    }),
    profile: string({
      summary:
        "What its section restore does with the volumes: a built-in profile, or a file with a slash or a dot in its name.",
      helpValue: "NAME|FILE"
    }),
    container: string({
      char: "c",
      summary: "The container that it runs in; default: the pod's default.",
      helpValue: "NAME"
    }),
    "verify-timeout": durationFlag({
      summary: "How long the check may take. Default 60s.",
      helpValue: "DURATION"
    }),
    "allow-empty": boolean({ summary: "Restore volumes without any file as well." }),
    ...copyFlags,
    ...runFlags
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(DrillCommand)
    const { screen } = this
    const lines = progress(null)
    const options = {
      ...timeouts(flags),
      ...(await checkGiven(flags)),
      allowEmpty: flags["allow-empty"],
      ...copyOptions(flags),
      identity: identity(),
      ...given({ container: flags.container, commandTimeout: flags["verify-timeout"] })
    }
    const drill = Effect.gen(function* () {
      const { namespace } = (yield* Cluster).origin
      const result = yield* RestoreDrill.drill(
        { namespace, name: args.snapshot },
        {
          ...options,
          report: (event) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              const written = lines.event(event, now)
              if (written !== "") screen.err(written)
            })
        }
      )
      screen.out(yield* drillText(result, flags.output))
      const why = [result.failure, ...result.left.map((one) => `${one} is left`)].filter(
        (one) => one !== null
      )
      if (why.length > 0) {
        yield* Effect.fail(new Usage(why.join("; "), "look at it before you need this snapshot"))
      }
    })
    await this.perform(flags, drill)
  }
}
