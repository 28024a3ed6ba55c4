/**
 * A snapshot before an upgrade, if the application survives a restart: with Promises, and with Effect.
 *
 * Runs on the sandbox: `node --conditions=source examples/ten-lines.ts`; on a cluster where the ledger runs in the
 * namespace `shop`: with `--context NAME`.
 */
// #region promises
import { answer, connectTo, statefulSet } from "@kubectl-stateful/sdk/promise"
import { cluster } from "./cluster.ts" // a sandbox; on your own cluster: connect() instead of connectTo(cluster)

await using shop = connectTo(cluster)
const ledger = statefulSet("shop", "ledger")
const [restart] = answer(await shop.read(ledger))
console.log(restart?.answer, restart?.findings[0]?.evidence)
// => Yes quorum (2 of 3) survives the loss of any one node, rack or zone
const { outcome } = await shop.snapshot(ledger, { name: "before-upgrade" })
console.log(outcome)
// => Succeeded
// #endregion

// #region effect
import * as Snapshot from "@kubectl-stateful/sdk/Snapshot"
import { read } from "@kubectl-stateful/sdk/State"
import * as Effect from "effect/Effect"

const program = Effect.gen(function* () {
  const [safe] = answer(yield* read(ledger))
  const taken = yield* Snapshot.take(ledger, { name: "before-upgrade" })
  console.log(safe?.answer, taken.outcome)
  // => Yes Succeeded
})
await Effect.runPromise(Effect.provide(program, cluster))
// #endregion
