/**
 * `kubectl stateful describe`: the whole state of an application, and the four questions.
 */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { boolean, string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import { applications, failed, watchApplications } from "../command/applications.ts"
import { demands, exitCodeFlag, unmetBy } from "../flags/demands.ts"
import { hasJointQuorum, profileFlag } from "../flags/profile.ts"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { allNamespacesFlag, appArgs, selectorFlag } from "../flags/application.ts"
import { filenameFlag, targetOrFile } from "../flags/filename.ts"
import { outputFlag, watchFlag } from "../flags/output.ts"
import { applicationsText, type Layout } from "../print/applications.ts"
import type { Answered } from "../print/list.ts"
import { ended, nothing, visible } from "../print/terminal.ts"
import { Usage } from "../command/usage.ts"
import { showChanges } from "../command/watch.ts"

export class Describe extends KubectlCommand {
  static override summary =
    "Show the full state of a stateful application and whether it can survive failures."
  static override usage = [
    "describe [TYPE/]NAME... [flags]",
    "describe -f FILE [flags]",
    "describe -l SELECTOR [flags]",
    "describe [-A] [flags]"
  ]
  static override description =
    "Without a name, prints one line per StatefulSet with the four answers. Secret values are never shown. Secrets are read only with --check-keys, to list their keys."
  static override examples = [
    "<%= config.bin %> describe db -n shop",
    "<%= config.bin %> describe db cache queue",
    "<%= config.bin %> describe -l app.kubernetes.io/instance=shop -o yaml",
    "<%= config.bin %> describe -A",
    "<%= config.bin %> describe db --exit-code restart,snapshot=Yes"
  ]
  static override strict = false
  static override args = appArgs
  static override flags = {
    ...allNamespacesFlag,
    ...filenameFlag,
    ...selectorFlag,
    ...outputFlag,
    ...watchFlag,
    "check-keys": boolean({
      summary: "Check that every ConfigMap and Secret key that pods reference exists."
    }),
    "rack-label": string({ summary: "Node label that identifies the rack.", helpValue: "KEY" }),
    "joint-quorum": boolean({
      summary: "With -l, treat all selected StatefulSets as one quorum group."
    }),
    ...profileFlag,
    ...exitCodeFlag
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Describe)
    const { screen } = this
    const wanted = await targetOrFile(argv.map(String), flags)
    const layout: Layout = {
      output: flags.output ?? null,
      all: wanted._tag === "All",
      allNamespaces: flags["all-namespaces"],
      room: screen,
      colour: screen.colour
    }
    const asked = flags["exit-code"] === undefined ? [] : demands(flags["exit-code"])
    if (asked.length > 0 && flags.watch)
      throw new Usage("--watch and --exit-code cannot be used together", "leave out one of the two")
    const readOptions = {
      checkKeys: flags["check-keys"],
      rackLabel: flags["rack-label"],
      jointQuorum: flags["joint-quorum"] || (await hasJointQuorum(flags.profile))
    }
    const show = Effect.fnUntraced(function* (apps: ReadonlyArray<Answered>) {
      const { origin } = yield* Cluster
      const where = layout.allNamespaces ? "" : ` in ${origin.namespace} namespace`
      // A program gets an empty list, which it can read; with -w no old line stays on the screen.
      const isEmpty = apps.length === 0 && layout.output !== "json" && layout.output !== "yaml"
      screen.page(isEmpty ? nothing : yield* applicationsText(apps, layout))
      if (isEmpty) screen.err(ended([visible(`No resources found${where}.`)]))
      const missed = unmetBy(apps, asked, layout.allNamespaces)
      if (missed.length > 0) process.exitCode = 1
      if (missed.length > 0) screen.err(ended(missed.map(visible)))
    })
    await this.perform(
      flags,
      flags.watch
        ? showChanges(watchApplications(wanted, readOptions), show, screen.err)
        : Effect.flatMap(applications(wanted, readOptions), ({ apps, failures }) =>
            Effect.andThen(
              apps.length > 0 || failures.length === 0 ? show(apps) : Effect.void,
              failed(screen, failures)
            )
          )
    )
  }
}
