/** `kubectl stateful thaw`: release every member if nothing else does. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { meansOf } from "@kubectl-stateful/sdk/Quiesce"
import { thaw } from "@kubectl-stateful/sdk/Thaw"
import { string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import { reference } from "../command/applications.ts"
import { quiesceOf } from "../flags/profile.ts"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { appArgs, selectorFlag, wordsOf } from "../flags/application.ts"
import { ended, visible } from "../print/terminal.ts"
import { appTarget } from "../command/target.ts"
import { Usage } from "../command/usage.ts"

export class ThawCommand extends KubectlCommand {
  static override summary = "Unfreeze every member of an application, no matter which command froze it."
  static override usage = [
    "thaw [TYPE/]NAME --profile NAME|FILE [flags]",
    "thaw -l SELECTOR --profile NAME|FILE"
  ]
  static override description =
    "Needs no operation and no Lease. A snapshot in progress loses its quiesced level. Members frozen by a command are released automatically at the profile's deadline (default 10s)."
  static override examples = ["<%= config.bin %> thaw db --profile redis"]
  static override args = appArgs
  static override flags = {
    profile: string({
      summary:
        "Profile with the commands that quiesce and release members: a built-in name (see `profile`), or a path to a file.",
      helpValue: "NAME|FILE"
    }),
    ...selectorFlag
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ThawCommand)
    const wanted = appTarget({ words: wordsOf(args), selector: flags.selector }, "thaw db --profile redis")
    if (flags.profile === undefined)
      throw new Usage(`required flag(s) "profile" not set`, "use --profile redis, or a file")
    const quiesce = await quiesceOf(flags.profile)
    const { screen } = this
    const thawing = Effect.gen(function* () {
      const { origin } = yield* Cluster
      const all = yield* thaw(reference(wanted, origin.namespace), quiesce)
      const failed = all.flatMap(({ pod, outcome }) =>
        outcome._tag === "Succeeded" ? [] : [`${pod}: ${outcome.message}`]
      )
      screen.out(
        ended(
          all.flatMap(({ pod, outcome }) =>
            outcome._tag === "Succeeded" ? [visible(`pod/${pod} thawed`)] : []
          )
        )
      )
      if (failed.length > 0) {
        const way =
          meansOf(quiesce) === "command"
            ? "the freeze ends on its own at the profile's deadline"
            : "nothing in the pods ends the freeze: run thaw again"
        return yield* Effect.fail(new Usage(failed.join("; "), way))
      }
    })
    await this.perform(flags, thawing)
  }
}
