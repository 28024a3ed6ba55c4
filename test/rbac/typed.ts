/** A command line as a user types it, run in the virtual time of a test. */
import { type Cluster, Cluster as ClusterService, type ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { Config } from "@oclif/core/config"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type { Screen } from "../../packages/kubectl-stateful/src/command/screen.ts"
import type { Describe } from "../../packages/kubectl-stateful/src/commands/describe.ts"
import { commands } from "../../packages/kubectl-stateful/src/commands/index.ts"
import { failureLine } from "../../packages/kubectl-stateful/src/print/failure.ts"
import { rootPlugin } from "../../packages/kubectl-stateful/src/program.ts"
import { drive } from "../simulation/world.ts"

export interface Ended {
  /** The error's line; `null` if the command succeeded. */
  readonly failure: string | null
  readonly out: string
  readonly err: string
}

let loaded: Promise<Config> | undefined
const config = () =>
  (loaded ??= rootPlugin([]).then((plugin) =>
    Config.load({ root: plugin.root, pjson: plugin.pjson, plugins: new Map([[plugin.name, plugin]]) })
  ))

type Performed = Effect.Effect<void, unknown>

/** What the words do to a cluster, and what is printed meanwhile. */
const performed = async (
  words: ReadonlyArray<string>,
  screen: Screen,
  cluster: Cluster["Service"]
): Promise<Performed> => {
  const [name = "", ...argv] = words
  const command = await commands[name]?.()
  if (command === undefined) throw new Error(`no command ${name}`)
  let effect: Performed = Effect.void
  // Any command, which is as this one is to its test.
  class Typed extends (command as unknown as typeof Describe) {
    static override id = name
    protected override screen: Screen = screen
    protected override connect(): Layer.Layer<Cluster, ClusterError> {
      return Layer.succeed(ClusterService, cluster)
    }
    protected override untilInterrupted<E>(asked: Effect.Effect<void, E>): Promise<void> {
      effect = asked
      return Promise.resolve()
    }
  }
  await Typed.run([...argv], await config())
  return effect
}

/** How the words are run: in a namespace, and if they never end, for so many milliseconds. */
interface Typing {
  readonly namespace?: string
  readonly millis?: number
}

/** Runs the words on a cluster. */
export const typed = (
  cluster: Cluster["Service"],
  words: ReadonlyArray<string>,
  { namespace = "shop", millis }: Typing = {}
) =>
  Effect.gen(function* () {
    const said = { out: "", err: "" }
    const out = (text: string) => void (said.out += text)
    const screen: Screen = {
      columns: 80,
      colour: false,
      out,
      page: out,
      err: (text) => void (said.err += text)
    }
    const port = { ...cluster, origin: { ...cluster.origin, namespace } }
    const exit = yield* Effect.promise(() => performed(words, screen, port)).pipe(
      Effect.map((effect) => (millis === undefined ? effect : Effect.timeoutOption(effect, millis))),
      Effect.flatMap((effect) => drive(Effect.exit(effect)))
    )
    const failure = Exit.isSuccess(exit)
      ? null
      : failureLine(Cause.squash(exit.cause), `kubectl stateful ${words[0] ?? ""}`)
    return { failure, ...said } satisfies Ended
  })
