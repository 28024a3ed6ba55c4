/** `kubectl stateful restore`: an application's volumes as a snapshot has them, and the way back. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Restore from "@kubectl-stateful/sdk/Restore"
import { string as word } from "@oclif/core/args"
import * as Effect from "effect/Effect"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { carriedOut } from "../command/operation.ts"
import { cloneFlags, copied, isCloning } from "../flags/clone.ts"
import { restoringGiven } from "../flags/profile.ts"
import { prepared, restored, restoreFlags, restoreOptions } from "../flags/restore.ts"
import { dryRunFlag, runFlags, timeouts, yesFlag } from "../flags/run.ts"
import { cloned } from "./restore/clone.ts"

export class RestoreCommand extends KubectlCommand {
  static override summary = "Restore an application's volumes from a snapshot, or undo a restore."
  static override usage = [
    "restore SNAPSHOT [flags]",
    "restore --from-volume-snapshots APP [flags]",
    "restore SNAPSHOT --as NAME [--to-namespace NAME] [flags]",
    "restore --undo|--release OPERATION [flags]"
  ]
  static override description =
    "Provisions and checks new volumes while the application keeps running, then stops it, swaps the volumes and starts it again. The previous volumes are kept, so that a restore can be undone."
  static override examples = [
    "<%= config.bin %> restore before-upgrade",
    "<%= config.bin %> restore before-upgrade --dry-run=client",
    "<%= config.bin %> restore before-upgrade --ordinal 2",
    "<%= config.bin %> restore before-upgrade --with-config",
    "<%= config.bin %> restore nightly --profile etcd --seed 0",
    "<%= config.bin %> restore --undo 8f3a21bc",
    "<%= config.bin %> restore nightly --as db-copy --to-namespace rehearsal",
    "<%= config.bin %> restore --release 5b07c1d2 -n rehearsal"
  ]
  static override args = {
    snapshot: word({ description: "Name of the snapshot (see `snapshots`).", ignoreStdin: true })
  }
  static override flags = {
    ...restoreFlags,
    ...cloneFlags,
    ...dryRunFlag,
    ...yesFlag,
    ...runFlags
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RestoreCommand)
    // Here `--as` is a name, and nobody to act as.
    const { as: _, ...asWhom } = flags
    const restoring = await restoringGiven(flags.profile)
    if (isCloning(flags))
      return this.perform(asWhom, cloned(this.screen, flags, copied(args.snapshot, flags), restoring))
    const what = restored(args.snapshot, flags)
    const options = {
      ...timeouts(flags),
      ...(await restoreOptions(flags)),
      ...restoring
    }
    const { screen } = this
    const restore = Effect.gen(function* () {
      const { namespace } = (yield* Cluster).origin
      const plan = yield* prepared(namespace, what, options)
      yield* carriedOut(screen, flags, {
        plan,
        what: "nothing was restored",
        tried: (mode) => Restore.dryRun(plan, mode),
        run: (report) => Restore.run(plan, { ...options, report })
      })
    })
    await this.perform(asWhom, restore)
  }
}
