/** Every command that is printed outside the checklist: with a situation in which it is run, or why it has none. */
import * as connection from "./connection.ts"
import * as describe from "./describe.ts"
import * as interrupted from "./interrupted.ts"
import * as operations from "./operations.ts"
import * as refused from "./refused.ts"
import * as restore from "./restore.ts"
import * as scale from "./scale.ts"
import * as snapshots from "./snapshots.ts"
import type { Printed } from "./printed.ts"
import type { Remedy } from "./Remedy.ts"

/** What a source says of kubectl and advises nobody to type, or what no sandbox can bring about. */
export interface Unplayed extends Printed {
  readonly why: string
}

export const remedies: ReadonlyArray<Remedy> = [
  ...operations.remedies,
  ...describe.remedies,
  ...scale.remedies,
  ...snapshots.remedies,
  ...refused.remedies,
  ...restore.remedies,
  ...interrupted.remedies,
  ...connection.remedies
]

export const unplayed: ReadonlyArray<Unplayed> = [
  {
    from: "kubectl-stateful/src/commands/rbac.ts",
    start: "apply",
    why: "the terminal of docs/rbac.md runs it"
  },
  { from: "kubectl-stateful/src/commands/rbac.ts", start: "apply", why: "the help's own words" },
  { from: "kubectl-stateful/src/commands/rbac.ts", start: "create rolebinding", why: "the help's own words" },
  {
    from: "kubectl-stateful/src/command/permission.ts",
    start: "stateful rbac",
    why: "test/rbac applies what it prints"
  },
  {
    from: "kubectl-stateful/src/report/page.ts",
    start: "stateful report",
    why: "says what made the page"
  },
  {
    from: "kubectl-stateful/src/report/snapshots.ts",
    start: "stateful snapshots",
    why: "the list that test/kubectl-stateful/commands runs"
  },
  { from: "sdk/src/kubernetes/credentials.ts", start: "since", why: "says which kubectl, and no command" }
]
