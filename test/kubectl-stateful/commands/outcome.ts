/** Runs a command of the plugin on a given cluster, and collects what it prints. */
import { type Cluster, Cluster as ClusterService, type ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { Config } from "@oclif/core/config"
import * as Layer from "effect/Layer"
import type { Screen } from "../../../packages/kubectl-stateful/src/command/screen.ts"
import type { Describe } from "../../../packages/kubectl-stateful/src/commands/describe.ts"
import { failureLine } from "../../../packages/kubectl-stateful/src/print/failure.ts"
import { rootPlugin } from "../../../packages/kubectl-stateful/src/program.ts"

/** A command's class, and its name as a user types it. */
export interface Tool {
  readonly command: unknown
  readonly called: string
}

/** `seen` gets each piece of the output when it is printed. */
export const outcome = async (
  { command, called }: Tool,
  cluster: Cluster["Service"],
  argv: ReadonlyArray<string>,
  seen: (text: string) => void = () => {}
) => {
  const said = { out: "", err: "", failure: "" }
  const write = (text: string) => {
    said.out += text
    seen(text)
  }
  class Probe extends (command as typeof Describe) {
    protected override screen: Screen = {
      columns: 80,
      colour: false,
      out: write,
      page: write,
      err: (text) => void (said.err += text)
    }
    protected override connect(): Layer.Layer<Cluster, ClusterError> {
      return Layer.succeed(ClusterService, cluster)
    }
  }
  const plugin = await rootPlugin([])
  const config = await Config.load({
    root: plugin.root,
    pjson: plugin.pjson,
    plugins: new Map([[plugin.name, plugin]])
  })
  await Probe.run([...argv], config).catch((error: unknown) => {
    said.failure = failureLine(error, called)
  })
  return said
}
