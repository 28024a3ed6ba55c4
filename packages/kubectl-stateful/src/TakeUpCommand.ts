/** What `resume` and `abort` share: an operation that somebody began is taken up by whoever types this. */
import { string as word } from "@oclif/core/args"
import * as Effect from "effect/Effect"
import { findOperation } from "./findOperation.ts"
import { hookFlags, profileOf, withAnnotated } from "./hooks.ts"
import { KubectlCommand } from "./KubectlCommand.ts"
import { takeUp } from "./performers.ts"
import { identity, runFlags, shown, takeUpFlags, timeouts } from "./running.ts"

export abstract class TakeUpCommand extends KubectlCommand {
  static override description =
    "Without an ID: the one that is unfinished. Hooks are given anew, as when it was begun: they are compared, and read from the cluster only with --trust-annotations."
  static override args = {
    id: word({ description: "The operation, as `operations` lists it.", ignoreStdin: true })
  }
  static override flags = { ...runFlags, ...takeUpFlags, ...hookFlags }

  protected async takeUp(verb: "resume" | "abort"): Promise<void> {
    const { args, flags } = await this.parse(TakeUpCommand)
    const options = {
      ...(await profileOf(flags)),
      ...timeouts(flags),
      identity: identity(),
      takeOver: flags["take-over"],
      ...(flags["hook-outcome"] === undefined ? {} : { hookOutcome: flags["hook-outcome"] })
    }
    const { screen } = this
    await this.perform(
      flags,
      Effect.gen(function* () {
        const found = yield* findOperation(args.id)
        const manner = yield* withAnnotated(flags, found, options)
        yield* shown(screen, flags.output, (report) => takeUp(verb, found, { ...manner, report }))
      })
    )
  }
}
