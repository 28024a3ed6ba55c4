/** The demo's story: what happens, and what a person would type. */
import type { Shape } from "@kubectl-stateful/sandbox"
import type * as Effect from "effect/Effect"
import { cutOff, findAgain, loseData, verdictOn } from "./Bank.ts"

export interface Step {
  /** What it shows, in a line or two. */
  readonly says: ReadonlyArray<string>
  /** What happens to the cluster before the command, by no command of anybody's. */
  readonly before?: (sandbox: Shape) => Effect.Effect<void>
  /** As typed. Words have no spaces. */
  readonly command: string
  /** The exit code that belongs to the story. Default 0. */
  readonly code?: number
  /** What the command alone does not show. */
  readonly after?: (sandbox: Shape) => ReadonlyArray<string>
}

const check = "kubectl exec ledger-0 -- ledger check"

/** The snapshot whose volumes are cut one by one, and the member that comes last. */
export const apart = { name: "one-by-one", last: "ledger-2" } as const

export const intro = [
  "A small cluster starts inside this process: three zones, six nodes, no network.",
  "On it runs a small bank, the ledger: three replicas that move money between",
  "each other all the time, each with a volume of its own, and a web tier before",
  "them."
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
    says: [
      "The bank's own check, while money moves: what each replica has, and whether",
      "all of it is there."
    ],
    command: check
  },
  {
    says: ["A snapshot of all three volumes at one moment. Nothing is stopped for it."],
    command: "kubectl stateful snapshot ledger --name nightly"
  },
  {
    says: [
      "The node of ledger-2 loses power, and its volume comes back empty. The pod",
      "is Ready again, as a new replica would be. Only the check sees the loss."
    ],
    before: (sandbox) => loseData(sandbox, "ledger-2"),
    command: check,
    code: 1
  },
  {
    says: ["Back to the snapshot. What is there now is kept, so that this can be undone."],
    command: "kubectl stateful restore nightly --yes"
  },
  { says: ["All the money is there again, and moves on."], command: check },
  {
    says: [
      "Why at one moment? Here each volume is cut alone, as scripts often do it,",
      "and the storage is busy for a second before the last one."
    ],
    command: `kubectl stateful snapshot ledger --name ${apart.name} --consistency crash`,
    after: (sandbox) => [
      "The bank's check of these three cuts, had they been restored:",
      "",
      verdictOn(sandbox, apart.name).trimEnd()
    ]
  },
  {
    says: ["Two more replicas, one after the other, each waited for;", "Ctrl-C would say how to go on."],
    command: "kubectl stateful scale ledger --replicas 5"
  },
  {
    says: ["Now the node of ledger-1 is cut off. kubectl goes on calling it Running."],
    before: (sandbox) => cutOff(sandbox, "ledger-1"),
    command: "kubectl stateful describe ledger"
  },
  {
    says: ["What a client of the ledger needs: where each replica is, and which can be", "used now."],
    command: "kubectl stateful peers ledger"
  },
  {
    says: ["The node is back, and so is ledger-1."],
    before: (sandbox) => findAgain(sandbox, "ledger-1"),
    command: "kubectl stateful peers ledger"
  }
]

export const outro = [
  "",
  "Next, on a cluster of your own; it reads and changes nothing:",
  "",
  "  packages/kubectl-stateful/bin/kubectl-stateful describe -A",
  "  packages/kubectl-stateful/bin/kubectl-stateful describe NAME -n NAMESPACE",
  "",
  "Or in a sandbox that stays, with kubectl and all:",
  "",
  "  packages/kubectl-stateful/bin/kubectl-stateful sandbox"
]
