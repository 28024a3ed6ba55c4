/** `kubectl stateful report`: one self-contained HTML page about an application. */
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import { boolean, option, string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import { applications, failed } from "../command/applications.ts"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { appTarget } from "../command/target.ts"
import { Usage } from "../command/usage.ts"
import { appArgs, selectorFlag, wordsOf } from "../flags/application.ts"
import { hasJointQuorum, profileFlag } from "../flags/profile.ts"
import { documentText } from "../print/document.ts"
import { printable } from "../report/Html.ts"
import { page } from "../report/page.ts"
import { carrying, readReport } from "../report/Report.ts"

export class ReportCommand extends KubectlCommand {
  static override summary = "Write one self-contained HTML page about a stateful application."
  static override usage = ["report [TYPE/]NAME [flags] > FILE", "report -l SELECTOR [flags] > FILE"]
  static override description =
    "The page shows where replicas and volumes are, the four answers with evidence and remedies, snapshots on a timeline, and operations with their freeze windows. It loads nothing from the network, runs no script, and contains no value of a Secret, a ConfigMap or an environment variable. Secrets are not read."
  static override examples = [
    "<%= config.bin %> report db -n shop > db.html",
    "<%= config.bin %> report db --profile etcd -o html > db.html",
    "<%= config.bin %> report db -o json"
  ]
  static override args = appArgs
  static override flags = {
    ...selectorFlag,
    output: option({
      char: "o",
      summary: "Output format (default html, but not to a terminal).",
      options: ["html", "json", "yaml"] as const
    })(),
    "rack-label": string({ summary: "Node label that identifies the rack.", helpValue: "KEY" }),
    "joint-quorum": boolean({
      summary: "With -l, treat all selected StatefulSets as one quorum group."
    }),
    ...profileFlag
  }

  /** A report is passed on in each format: it has the flags in its own value, and a page escapes them. */
  protected override readonly isDocument = (): boolean => true

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ReportCommand)
    const words = wordsOf(args)
    const wanted = appTarget({ words, selector: flags.selector }, "report db > db.html")
    const { screen } = this
    // A page of HTML on a terminal is of no use to anybody who did not ask for it.
    if (flags.output === undefined && screen.width !== undefined)
      throw new Usage(
        "the report is an HTML page, and this is a terminal",
        `write it to a file, e.g. report ${wanted._tag === "Named" ? shellWord(wanted.name) : `-l ${shellWord(wanted.selector)}`} > report.html`
      )
    const looking = {
      checkKeys: false,
      rackLabel: flags["rack-label"],
      jointQuorum: flags["joint-quorum"] || (await hasJointQuorum(flags.profile))
    }
    await this.perform(
      flags,
      Effect.gen(function* () {
        const { apps, failures } = yield* applications({ _tag: "Apps", apps: [wanted] }, looking)
        for (const app of apps) {
          const { carry = (text) => text } = screen
          const report = carrying(yield* readReport(app), carry)
          const { output = "html" } = flags
          screen.out(output === "html" ? printable(page(report, carry)) : yield* documentText(report, output))
        }
        yield* failed(screen, failures)
      })
    )
  }
}
