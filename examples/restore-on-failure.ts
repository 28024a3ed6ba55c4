/**
 * Takes a snapshot before an upgrade, checks the application with a check of its own after it, and puts the
 * volumes back where that fails: with Promises.
 *
 * `node --conditions=source examples/restore-on-failure.ts`; on your own cluster take `connect()` instead
 * of `over(cluster)`.
 */
import { over, statefulSet } from "@kubectl-stateful/sdk/promise"
import { cluster } from "./cluster.ts"

const shop = over(cluster)
const ledger = statefulSet("shop", "ledger")
const as = { identity: "upgrade-job" }

await shop.snapshot(ledger, { name: "before-upgrade", ...as })

/** Your own check; this one finds that the upgrade went wrong. */
const isWell = async (): Promise<boolean> => (await shop.read(ledger)).workloads[0]?.replicas === 5

// #region restore
if (!(await isWell())) {
  const { outcome, result } = await shop.restore({ namespace: "shop", name: "before-upgrade" }, as)
  console.log(outcome, JSON.stringify(result, ["claims", "replicas"]))
  // => Succeeded {"claims":["data-ledger-0","data-ledger-1","data-ledger-2"],"replicas":3}
  // What was there before is kept, and comes back by undoRestore({ namespace: "shop", id }, as).
}
// #endregion

await shop.close()
