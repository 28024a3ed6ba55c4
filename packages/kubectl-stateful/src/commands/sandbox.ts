/**
 * `kubectl stateful sandbox`: a small cluster on this machine, for trying things out.
 */
import type { ScenarioName } from "@kubectl-stateful/sandbox/Scenario"
import { option, string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { executed, kept, stopped, usable } from "../print/sandbox.ts"
import { clusterFlag, withoutClusterFlags } from "../flags/cluster.ts"
import { execFlag, portFlag } from "../flags/sandbox.ts"
import { Usage } from "../command/usage.ts"

const names: ReadonlyArray<ScenarioName> = ["ledger", "lost-node", "empty"]

export class Sandbox extends KubectlCommand {
  static override summary = "Start a small cluster on this machine, to try things out."
  static override description =
    "Runs three zones, six nodes and a stateful application inside this process: nothing is installed, and nothing is left behind. Use kubectl and this plugin with the kubeconfig that it writes. Listens on 127.0.0.1 only, and requires a generated token."
  static override examples = [
    "<%= config.bin %> sandbox",
    "<%= config.bin %> sandbox --scenario lost-node --port 6443",
    "<%= config.bin %> sandbox --exec 'web-2=exit 1' --exec 'web-*=exit 0'"
  ]
  static override usage = ["sandbox [flags]"]
  static override flags = withoutClusterFlags({
    kubeconfig: string({
      summary: "New kubeconfig file to write (default: one in a temporary directory).",
      helpValue: "FILE"
    }),
    exec: execFlag({
      summary:
        'Run a local shell command, as your user, in place of commands executed in matching pods (hooks, kubectl exec). The original command is passed as "$@"; $POD, $CONTAINER and $NAMESPACE are set.',
      helpValue: "POD[/CONTAINER]=COMMAND",
      multiple: true
    }),
    port: portFlag({
      summary: "Port to listen on (default: any free port).",
      helpValue: "PORT"
    }),
    scenario: option({
      summary: "Initial contents of the cluster.",
      helpValue: "NAME",
      options: names,
      default: "ledger" as const
    })(),
    seed: string({
      summary: "Random seed, for a reproducible cluster.",
      helpValue: "TEXT"
    })
  })

  async run(): Promise<void> {
    const { flags } = await this.parse(Sandbox)
    const chosen = clusterFlag(flags, ["kubeconfig"])
    if (chosen !== undefined) {
      throw new Usage(`--${chosen} selects an existing cluster, and sandbox starts its own`, "leave it out")
    }
    const { screen } = this
    const session = Effect.gen(function* () {
      const [{ programs, scenarios, start }, { serve }, { kubeconfig, kubeconfigFile }, { answeredHere }] =
        yield* Effect.promise(() =>
          Promise.all([
            import("@kubectl-stateful/sandbox/Scenario"),
            import("@kubectl-stateful/sandbox/Server"),
            import("@kubectl-stateful/sandbox/Kubeconfig"),
            import("@kubectl-stateful/sandbox/LocalExec")
          ])
        )
      const scenario = scenarios[flags.scenario]
      const sandbox = yield* start(flags.scenario, {
        programs: answeredHere(flags.exec ?? [], programs, (each) => screen.err(executed(each)))
      })
      const served = yield* serve(sandbox, flags.port === undefined ? {} : { port: flags.port })
      const text = yield* kubeconfig(served, scenario.namespace)
      const file = yield* kubeconfigFile(text, flags.kubeconfig, (changed) => screen.err(kept(changed)))
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
