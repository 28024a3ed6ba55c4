/**
 * Takes a snapshot before an upgrade, runs a custom check afterwards, and restores the volumes if it fails:
 * with Promises.
 *
 * `node --conditions=source examples/restore-on-failure.ts`; on your own cluster use `connect()` instead
 * of `connectTo(cluster)`.
 */
import { connectTo, statefulSet } from "@kubectl-stateful/sdk/promise"
import { cluster } from "./cluster.ts"

const shop = connectTo(cluster)
const ledger = statefulSet("shop", "ledger")
const as = { identity: "upgrade-job" }

await shop.snapshot(ledger, { name: "before-upgrade", ...as })

/** Your own check; this one reports that the upgrade failed. */
const isHealthy = async (): Promise<boolean> => (await shop.read(ledger)).workloads[0]?.replicas === 5

// #region restore
if (!(await isHealthy())) {
  const { outcome, result } = await shop.restore({ namespace: "shop", name: "before-upgrade" }, as)
  console.log(outcome, JSON.stringify(result, ["claims", "replicas"]))
  // => Succeeded {"claims":["data-ledger-0","data-ledger-1","data-ledger-2"],"replicas":3}
  // The previous volumes are kept; undoRestore({ namespace: "shop", id }, as) restores them.
}
// #endregion

await shop.close()
