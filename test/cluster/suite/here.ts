/**
 * The plugin without a process of its own, for suites that neither kill it nor read what kubectl makes of it: a
 * start takes half a second of processor time. Built by `cluster.ts`.
 */
import { Config } from "@oclif/core/config"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { execute } from "../../../packages/kubectl-stateful/src/command/connect.ts"
import type { Screen } from "../../../packages/kubectl-stateful/src/command/screen.ts"
import type { Describe } from "../../../packages/kubectl-stateful/src/commands/describe.ts"
import { commands } from "../../../packages/kubectl-stateful/src/commands/index.ts"
import { failureLine } from "../../../packages/kubectl-stateful/src/print/failure.ts"
import { ended } from "../../../packages/kubectl-stateful/src/print/terminal.ts"
import { rootPlugin } from "../../../packages/kubectl-stateful/src/program.ts"
import { longest, type Ran } from "./commands.ts"

let loaded: Promise<Config> | undefined
const config = () =>
  (loaded ??= rootPlugin([]).then((plugin) =>
    Config.load({ root: plugin.root, pjson: plugin.pjson, plugins: new Map([[plugin.name, plugin]]) })
  ))

export const run = async (words: ReadonlyArray<string>): Promise<Ran> => {
  let [out, err] = ["", ""]
  const print = (text: string) => void (out += text)
  const screen: Screen = {
    columns: 80,
    colour: false,
    out: print,
    page: print,
    err: (text) => void (err += text)
  }
  const [name = "", ...argv] = words
  try {
    const command = await commands[name]?.()
    if (command === undefined) throw new Error(`no command ${name}`)
    // Any command, which is as this one is to its test.
    class Here extends (command as unknown as typeof Describe) {
      static override id = name
      protected override screen: Screen = screen
      protected override async untilInterrupted<E>(effect: Effect.Effect<void, E>): Promise<void> {
        const limit = AbortSignal.timeout(longest)
        const exit = await execute(effect, limit)
        if (limit.aborted) throw new Error(`it has not ended in ${longest / 1000} s`)
        if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
      }
    }
    await Here.run(argv, await config())
    return { code: 0, out, err }
  } catch (error) {
    return { code: 1, out, err: err + ended([failureLine(error, `kubectl-stateful ${name}`)]) }
  }
}
