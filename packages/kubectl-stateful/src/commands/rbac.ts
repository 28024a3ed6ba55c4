/** `kubectl stateful rbac`: prints the minimal Role for a client, to bind to a ServiceAccount. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { roles } from "@kubectl-stateful/sdk/Discovery"
import { string as word } from "@oclif/core/args"
import { boolean, option } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import { documentText } from "../print/document.ts"
import { printed } from "../print/terminal.ts"
import { setNames } from "../command/target.ts"
import { Usage } from "../command/usage.ts"

export class Rbac extends KubectlCommand {
  static override summary = "Print the minimal Role that a pod needs to discover the peers of a StatefulSet."
  static override usage = ["rbac peers [[TYPE/]NAME] [flags]"]
  static override description =
    "Changes nothing: pipe the output into kubectl apply -f -, and bind the Role with kubectl create rolebinding. Without a name, the Role covers every StatefulSet in the namespace."
  static override strict = false
  static override examples = [
    "<%= config.bin %> rbac peers db -n shop | kubectl apply -f -",
    "<%= config.bin %> rbac peers db --endpointslices"
  ]
  static override args = {
    verb: word({
      description: "peers, followed by the name of a StatefulSet (default: all).",
      ignoreStdin: true
    })
  }
  static override flags = {
    endpointslices: boolean({
      summary: "Grant access to EndpointSlices instead of pods (less detail, slower updates)."
    }),
    nodes: boolean({
      summary:
        "Also print a ClusterRole to read nodes, so that a lost node can be reported as the reason why a pod is not ready."
    }),
    output: option({ char: "o", summary: "Output format.", options: ["yaml", "json"] as const })()
  }

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Rbac)
    const [verb, ...words] = argv.map(String)
    if (verb !== "peers") throw new Usage("the Role's purpose is required", "use rbac peers NAME")
    const [set = null, ...others] = words.length === 0 ? [] : setNames(words)
    if (others.length > 0) throw new Usage("a Role is for one StatefulSet, or for all", "name one, or none")
    const { screen } = this
    await this.perform(
      flags,
      Effect.gen(function* () {
        const { namespace } = (yield* Cluster).origin
        const by = flags.endpointslices ? "endpointslices" : "pods"
        const documents = roles({ namespace, set, by, nodes: flags.nodes })
        if (flags.output === "json") {
          const list = { apiVersion: "v1", kind: "List", items: documents }
          screen.out(yield* documentText(documents.length === 1 ? documents[0] : list, "json"))
          return
        }
        for (const [index, document] of documents.entries()) {
          if (index > 0) screen.out(printed`---\n`)
          screen.out(yield* documentText(document, "yaml"))
        }
      })
    )
  }
}
