/**
 * The sandbox in a program without Effect: an operation on a cluster with injected faults.
 *
 * `node --conditions=source examples/sandbox-without-effect.ts`. It breaks its cluster on purpose, so it
 * has no `--context`: it runs in the sandbox only.
 */
// #region use
import { Fault, start } from "@kubectl-stateful/sandbox/promise"
import { answer, statefulSet } from "@kubectl-stateful/sdk/promise"

const ledger = { namespace: "shop", name: "ledger" }
await using sandbox = await start("ledger")

// The cluster performs the first change of a StatefulSet, but its reply is lost.
const isScaling = ({ request }: Fault.Call) =>
  request.method === "PATCH" && request.path.includes("/statefulsets/")
const { connection, record } = sandbox.inject(Fault.when(isScaling, { _tag: "LoseReply" }))
const { outcome } = await connection.scale(ledger, { replicas: 4, identity: "ann@laptop" })
console.log(outcome, /\w+$/.exec(record.replay())?.[0])
// => Succeeded LoseReply

sandbox.loseNode("node-a1", "power")
for await (const state of connection.watch(statefulSet("shop", "ledger"))) {
  const [restart] = answer(state)
  if (restart?.answer === "No") {
    console.log(restart.findings[0]?.evidence)
    // => node-a1 is unreachable: cannot tell whether ledger-0 runs
    break
  }
}
// #endregion
