/** `kubectl stateful thaw`: let every member go, when nothing else does. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { meansOf } from "@kubectl-stateful/sdk/Quiesce"
import { thaw } from "@kubectl-stateful/sdk/Thaw"
import { string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import { reference } from "../command/applications.ts"
import { quiesceOf } from "../flags/profile.ts"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { appArgs, selectorFlag } from "../flags/application.ts"
import { ended, visible } from "../print/terminal.ts"
import { target } from "../command/target.ts"
import { Usage } from "../command/usage.ts"

export class ThawCommand extends KubectlCommand {
  static override summary = "Thaw every member of an application, whatever holds it."
  static override usage = [
    "thaw [TYPE/]NAME --profile NAME|FILE [flags]",
    "thaw -l SELECTOR --profile NAME|FILE"
  ]
  static override description =
    "It needs no operation and takes no Lease. A snapshot that is being taken meanwhile is not called quiesced. What a command holds lets go by itself at its deadline, 10s where a profile says nothing else."
  static override examples = ["<%= config.bin %> thaw db --profile redis"]
  static override args = appArgs
  static override flags = {
    profile: string({
      summary: "How members are thawed: a built-in profile, or a file with a slash or a dot in its name.",
      helpValue: "NAME|FILE"
    }),
    ...selectorFlag
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ThawCommand)
    const { app: first, name: second } = args
    const wanted = target({ first, second, selector: flags.selector, allNamespaces: false })
    if (wanted._tag === "All") throw new Usage("which application?", "name one: thaw db --profile redis")
    if (flags.profile === undefined) throw new Usage("how is it thawed?", "give --profile redis, or a file")
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
            ? "what holds it lets go by itself at its deadline"
            : "nothing in the pods ends it: thaw again"
        yield* Effect.fail(new Usage(failed.join("; "), way))
      }
    })
    await this.perform(flags, thawing)
  }
}
