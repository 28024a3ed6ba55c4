/** `kubectl stateful snapshots`: those there are, what each is, how they differ; deleting them, and files of them. */
import { string as word } from "@oclif/core/args"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { setFlags } from "../flags/snapshots.ts"
import { actionOf } from "./snapshots/actions.ts"

export class Snapshots extends KubectlCommand {
  static override summary =
    "List snapshots with their level, skew and size; describe, compare, delete, export or import them."
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
    "prune deletes the cuts in the storage and the record. It never deletes one that is in use, nor, without --last, the newest complete one of an application. --keep and --expire are about complete ones alone: with both, those go that are older and beyond the newest N. export writes the record, with the values of Secrets, encrypted by age; the cuts stay in the storage, and import makes them known again."
  static override strict = false
  static override examples = [
    "<%= config.bin %> snapshots",
    "<%= config.bin %> snapshots describe nightly",
    "<%= config.bin %> snapshots diff nightly live",
    "<%= config.bin %> snapshots prune --keep 7 --expire 30d --yes",
    "<%= config.bin %> snapshots export nightly --recipient age1...",
    "<%= config.bin %> snapshots import nightly.age --identity-file key.txt"
  ]
  static override args = {
    action: word({
      description: "list, describe, diff, prune, export or import; default: list.",
      ignoreStdin: true
    })
  }
  static override flags = setFlags

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Snapshots)
    await this.perform(flags, actionOf(this.screen, argv.map(String), flags))
  }
}
