/** `kubectl stateful snapshots`: lists, describes, compares, deletes, exports and imports snapshots. */
import { string as word } from "@oclif/core/args"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { setFlags } from "../flags/snapshots.ts"
import { actionOf } from "./snapshots/actions.ts"

export class Snapshots extends KubectlCommand {
  static override summary = "List, describe, compare, prune, export and import snapshots."
  static override usage = [
    "snapshots [list] [flags]",
    "snapshots describe NAME [flags]",
    "snapshots diff NAME [NAME|live] [flags]",
    "snapshots prune NAME... [flags]",
    "snapshots prune [--keep N] [--expire AGE] [flags]",
    "snapshots export NAME (--recipient KEY|--passphrase-file FILE) [flags]",
    "snapshots import FILE (--identity-file FILE|--passphrase-file FILE) [flags]"
  ]
  static override description =
    "prune deletes snapshots, with their data in the storage. A snapshot in use is never deleted, and the newest complete snapshot of an application only with --last. --keep and --expire apply to complete snapshots only; with both, a snapshot is deleted only if it is older than AGE and not among the newest N. export writes a snapshot's record, with the values of Secrets, to a file encrypted with age; the volume data stays in the storage, and import registers it again."
  static override strict = false
  static override examples = [
    "<%= config.bin %> snapshots",
    "<%= config.bin %> snapshots -A",
    "<%= config.bin %> snapshots describe nightly",
    "<%= config.bin %> snapshots diff nightly live",
    "<%= config.bin %> snapshots prune --keep 7 --expire 30d --yes",
    "<%= config.bin %> snapshots export nightly --recipient age1...",
    "<%= config.bin %> snapshots import nightly.age --identity-file key.txt"
  ]
  static override args = {
    action: word({
      description: "list (default), describe, diff, prune, export or import.",
      ignoreStdin: true
    })
  }
  static override flags = setFlags

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Snapshots)
    await this.perform(flags, actionOf(this.screen, argv.map(String), flags))
  }
}
