/** `kubectl stateful drill`: tests the restore of a snapshot. */
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
import { runFlags, timeouts } from "../flags/run.ts"
import { Usage } from "../command/usage.ts"

export class DrillCommand extends KubectlCommand {
  static override summary =
    "Test a restore: restore a snapshot into a temporary namespace, run a check, and clean up."
  static override usage = "drill SNAPSHOT [--verify 'CMD'] [--profile NAME|FILE] [flags]"
  static override description =
    "Restores the snapshot under the same name into a new, network-isolated namespace, verifies the volumes with the profile (if given), runs CMD with sh in the first pod, reports how long each took, and always cleans up. Exits with code 1 if anything fails."
  static override examples = [
    "<%= config.bin %> drill nightly --verify 'psql -U postgres -c \"select 1 from orders limit 1\"'",
    "<%= config.bin %> drill nightly --verify 'test -s /data/orders.log' -o json",
    "<%= config.bin %> drill nightly --profile ./orders.yaml"
  ]
  static override args = {
    snapshot: word({
      description: "Name of the snapshot (see `snapshots`).",
      required: true,
      ignoreStdin: true
    })
  }
  static override flags = {
    verify: string({
      summary: "Shell command to run in the first restored pod; exit code 0 means that the check passed.",
      helpValue: "CMD"
    }),
    profile: string({
      summary:
        "Profile whose `restore` section verifies the volumes: a built-in name (see `profile`), or a path to a file.",
      helpValue: "NAME|FILE"
    }),
    container: string({
      char: "c",
      summary: "Container in which to run the check (default: the pod's default container).",
      helpValue: "NAME"
    }),
    "verify-timeout": durationFlag({
      summary: "Timeout for the check (default 60s).",
      helpValue: "DURATION"
    }),
    "allow-empty": boolean({ summary: "Allow restoring empty volumes." }),
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
      const why = [result.failure, ...result.left.map((one) => `${one} was not cleaned up`)].filter(
        (one) => one !== null
      )
      if (why.length > 0) {
        return yield* Effect.fail(
          new Usage(why.join("; "), "fix this before you need to restore from this snapshot")
        )
      }
    })
    await this.perform(flags, drill)
  }
}
