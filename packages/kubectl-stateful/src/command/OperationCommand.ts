/** Base class of `resume` and `abort`, which continue an operation that another process may have started. */
import { nameOf } from "@kubectl-stateful/sdk/App"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { operationsCommand } from "@kubectl-stateful/sdk/operation/OperationId"
import { isOver } from "@kubectl-stateful/sdk/operation/Phase"
import type { OperationResult } from "@kubectl-stateful/sdk/operation/Progress"
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import * as Verbs from "@kubectl-stateful/sdk/Verbs"
import { string as word } from "@oclif/core/args"
import type { InferredFlags } from "@oclif/core/interfaces"
import * as Effect from "effect/Effect"
import { cloneConsentFlags, cloneConsentOptions } from "../flags/clone.ts"
import { given } from "../flags/given.ts"
import { hookFlags, profileOf, withAnnotated } from "../flags/hooks.ts"
import { quiesceGiven, restoringGiven, seedGiven } from "../flags/profile.ts"
import { runFlags, takeUpFlags, timeouts } from "../flags/run.ts"
import { consentFlags, consentOptions } from "../flags/scale.ts"
import { ended, visible } from "../print/terminal.ts"
import { KubectlCommand } from "./KubectlCommand.ts"
import { operationId } from "./operationId.ts"
import { shown } from "./operation.ts"
import { Usage } from "./usage.ts"

/** The words of a command line that takes an operation up. */
export interface TakenUp {
  readonly args: { readonly id?: string | undefined }
  readonly flags: InferredFlags<typeof OperationCommand.flags & typeof KubectlCommand.baseFlags>
}

const goesBack = ({ app, verb }: OperationResult): string => {
  const { namespace } = app
  if (verb === "scale")
    return `\`kubectl stateful scale ${shellWord(nameOf(app))} --replicas COUNT -n ${shellWord(namespace)}\` scales back`
  return verb === "snapshot"
    ? `\`kubectl stateful snapshots prune NAME --last -n ${shellWord(namespace)}\` deletes the snapshot, after a prompt`
    : `${operationsCommand(namespace)} shows what it did`
}

/** An abort that comes after the end must not look like one. */
const tooLate = (result: OperationResult): Usage =>
  new Usage(
    `operation ${result.id ?? ""} has finished all its steps, and an abort would undo none of them`,
    goesBack(result)
  )

/**
 * A finished operation cannot be resumed: a `resume` of what was rolled back must not look like a success.
 */
const finished = (verb: "resume" | "abort", { id, phase, verb: what, namespace }: Verbs.Found) => {
  if (!isOver(phase)) return Effect.succeed(null)
  if (verb === "resume" && phase === "Aborted")
    return Effect.fail(
      new Usage(
        `operation ${id} (${what}) was rolled back, so there is nothing to resume`,
        `start it again; ${operationsCommand(namespace)} shows what it did`
      )
    )
  return Effect.succeed(`operation ${id} (${what}) has already finished: ${phase}`)
}

export abstract class OperationCommand extends KubectlCommand {
  static override description =
    "Without an ID, uses the only unfinished operation. Pass the same hooks as when the operation was started: they must match. Hooks are read from the cluster only with --trust-annotations."
  static override args = {
    id: word({ description: "ID of the operation (see `operations`).", ignoreStdin: true })
  }
  static override flags = { ...runFlags, ...takeUpFlags, ...hookFlags, ...consentFlags, ...cloneConsentFlags }

  protected async takeUp(verb: "resume" | "abort", { args, flags }: TakenUp): Promise<void> {
    const options = {
      ...(await profileOf(flags, true)),
      ...(await quiesceGiven(flags.profile)),
      ...(await restoringGiven(flags.profile)),
      ...(await seedGiven(flags.profile)),
      ...timeouts(flags),
      ...consentOptions(flags),
      ...cloneConsentOptions(flags),
      takeOver: flags["take-over"],
      ...given({ hookOutcome: flags["hook-outcome"] })
    }
    const { screen } = this
    await this.perform(
      flags,
      Effect.gen(function* () {
        const id = args.id === undefined ? undefined : operationId(args.id)
        const found = yield* Verbs.find({ namespace: (yield* Cluster).origin.namespace, id })
        const over = yield* finished(verb, found)
        if (over !== null) screen.err(ended([visible(over)]))
        const settings = yield* withAnnotated(flags, found, options)
        yield* shown(screen, flags.output, (report) =>
          Effect.flatMap(
            (verb === "abort" ? Verbs.abort : Verbs.resume)(found, { ...settings, report }),
            (result) =>
              verb === "abort" && !result.aborted ? Effect.fail(tooLate(result)) : Effect.succeed(result)
          )
        )
      })
    )
  }
}
