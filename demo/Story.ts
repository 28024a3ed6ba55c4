/** The demo's story: what happens, and what a person would type. */
import type { Shape } from "@kubectl-stateful/sdk/sandbox"
import { pods } from "@kubectl-stateful/sdk/sandbox/resource/core"
import { namespace } from "@kubectl-stateful/sdk/sandbox/scenario/Shop"

export interface Step {
  /** What it shows, in a line or two. */
  readonly says: ReadonlyArray<string>
  /** What happens to the cluster before the command, by no command of anybody's. */
  readonly before?: (sandbox: Shape) => void
  /** As typed. Words have no spaces. */
  readonly command: string
}

const nodeOf = (sandbox: Shape, pod: string): string =>
  sandbox.registry.find(pods, namespace, pod).spec.nodeName ?? ""

export const intro = [
  "A small cluster starts inside this process: three zones, six nodes, no network.",
  "On it runs a ledger: three replicas that move money between each other all the",
  "time, each with a volume of its own, and a web tier before them."
]

export const story: ReadonlyArray<Step> = [
  {
    says: ["Every application with state, and four questions that matter on a bad day."],
    command: "kubectl stateful describe -A"
  },
  {
    says: ["One of them whole: replicas, claims, configuration,", "and each answer with its reason."],
    command: "kubectl stateful describe ledger"
  },
  {
    says: ["Two more replicas, one after the other, each waited for;", "Ctrl-C would say how to go on."],
    command: "kubectl stateful scale ledger --replicas 5"
  },
  {
    says: ["The ledger judges itself: no money is lost, and none is made."],
    command: "kubectl exec ledger-0 -- ledger check"
  },
  {
    says: ["Now the node of ledger-1 is cut off. kubectl goes on calling its pod Running."],
    before: (sandbox) => sandbox.loseNode(nodeOf(sandbox, "ledger-1")),
    command: "kubectl stateful describe ledger"
  },
  {
    says: ["The node is back."],
    before: (sandbox) => sandbox.findNode(nodeOf(sandbox, "ledger-1")),
    command: "kubectl stateful describe ledger -o wide"
  }
]

export const outro = [
  "Next, on a cluster of your own; it reads and changes nothing:",
  "",
  "  packages/kubectl-stateful/bin/kubectl-stateful describe -A",
  "  packages/kubectl-stateful/bin/kubectl-stateful describe NAME -n NAMESPACE",
  "",
  "Or in a sandbox that stays, with kubectl and all:",
  "",
  "  packages/kubectl-stateful/bin/kubectl-stateful sandbox"
]
