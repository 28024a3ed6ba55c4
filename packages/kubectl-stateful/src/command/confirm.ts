/** Asks for confirmation on a terminal; otherwise `--yes` is required. */
import { createInterface } from "node:readline/promises"
import { stderr, stdin } from "node:process"
import * as Effect from "effect/Effect"
import type { Screen } from "./screen.ts"
import { Usage } from "./usage.ts"

const ask = (question: string) =>
  Effect.callback<string>((resume) => {
    const input = createInterface({ input: stdin, output: stderr })
    // The end of the input is no answer.
    input.once("close", () => resume(Effect.succeed("")))
    void input.question(question).then((answer) => resume(Effect.succeed(answer)))
    return Effect.sync(() => input.close())
  }).pipe(Effect.tap(() => Effect.sync(() => stdin.unref?.())))

/** True if a person can be asked. */
export const isInteractive = (screen: Screen): boolean =>
  screen.live !== undefined && screen.live !== null && stdin.isTTY

/** Fails unless the user confirms; `what` was not done then. */
export const confirmed = (
  screen: Screen,
  { yes, what }: { readonly yes: boolean; readonly what: string }
): Effect.Effect<void, Usage> => {
  if (yes) return Effect.void
  if (!isInteractive(screen)) {
    return Effect.fail(new Usage(what, "use --yes to apply the plan without a prompt"))
  }
  return Effect.flatMap(ask("Continue? [y/N] "), (answer) =>
    /^y(es)?$/i.test(answer.trim()) ? Effect.void : Effect.fail(new Usage(what, "answer y to go on"))
  )
}
