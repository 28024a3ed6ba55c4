/**
 * `kubectl stateful sandbox`: a small cluster on this machine, for trying things out.
 */
import type { ScenarioName } from "@kubectl-stateful/sdk/sandbox/scenario/Scenario"
import { custom, option, string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { KubectlCommand } from "../KubectlCommand.ts"
import { stopped, usable } from "../print/sandbox.ts"
import { Usage } from "../Usage.ts"

const names: ReadonlyArray<ScenarioName> = ["ledger", "lost-node", "empty"]

/** They choose among clusters that are there; this command makes one. */
const choosing = ["namespace", "context", "cluster", "user", "as", "as-group", "as-uid"] as const

const portFlag = custom<number>({
  parse: async (text) => {
    const port = /^\d+$/.test(text) ? Number(text) : 0
    if (port < 1 || port > 65_535) throw new Usage(`invalid port "${text}"`, "choose one between 1 and 65535")
    return port
  }
})

export class Sandbox extends KubectlCommand {
  static override summary = "Start a small cluster on this machine, to try things out."
  static override description =
    "Three zones, six nodes, and an application with state, in this process alone: nothing is installed, and nothing of it is left when it stops. kubectl and this plugin work on it through the kubeconfig that it writes. It listens on 127.0.0.1 only and takes a token that it makes for itself."
  static override examples = [
    "<%= config.bin %> sandbox",
    "<%= config.bin %> sandbox --scenario lost-node --port 6443"
  ]
  static override flags = {
    kubeconfig: string({
      summary: "The new kubeconfig file to write; default: one in a folder of its own.",
      helpValue: "FILE"
    }),
    port: portFlag({
      summary: "The port to listen on; default: one that is free.",
      helpValue: "PORT"
    }),
    scenario: option({
      summary: "What it begins with.",
      helpValue: "NAME",
      options: names,
      default: "ledger" as const
    })(),
    seed: string({
      summary: "Decide by it what is left to chance, to get the same cluster again.",
      helpValue: "TEXT"
    })
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Sandbox)
    const chosen = choosing.find((name) => flags[name] !== undefined)
    if (chosen !== undefined) {
      throw new Usage(`--${chosen} chooses in a cluster that is there`, "leave it out: sandbox starts one")
    }
    const { screen } = this
    const session = Effect.gen(function* () {
      const [{ scenarios, start }, { serve }, { kubeconfig, kubeconfigFile }] = yield* Effect.promise(() =>
        Promise.all([
          import("@kubectl-stateful/sdk/sandbox/scenario/Scenario"),
          import("@kubectl-stateful/sdk/sandbox/serve/Server"),
          import("@kubectl-stateful/sdk/sandbox/serve/Kubeconfig")
        ])
      )
      const scenario = scenarios[flags.scenario]
      const sandbox = yield* start(flags.scenario)
      const served = yield* serve(sandbox, flags.port === undefined ? {} : { port: flags.port })
      const file = yield* kubeconfigFile(yield* kubeconfig(served, scenario.namespace), flags.kubeconfig)
      const { environment, help } = usable({ file, url: served.url, scenario, name: flags.scenario })
      screen.out(environment)
      screen.err(help)
      return yield* Effect.never
    })
    const seeded = flags.seed === undefined ? session : Random.withSeed(session, flags.seed)
    await this.untilInterrupted(Effect.scoped(seeded))
    screen.err(stopped)
  }
}
