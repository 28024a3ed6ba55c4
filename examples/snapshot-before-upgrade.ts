/**
 * Takes a snapshot of an application before an upgrade, lists the snapshots, and compares: with Promises.
 *
 * `node --conditions=source examples/snapshot-before-upgrade.ts`; on your own cluster use `connect()`
 * instead of `connectTo(cluster)`.
 */
import { connectTo, statefulSet } from "@kubectl-stateful/sdk/promise"
import { cluster } from "./cluster.ts"

const shop = connectTo(cluster)
const ledger = statefulSet("shop", "ledger")

// #region take
const options = { name: "before-upgrade", identity: "upgrade-job" }
const { outcome, unmet } = await shop.snapshot(ledger, options)
console.log(outcome, ...unmet)
// => Succeeded
// #endregion

// #region list
for (const { summary, ready } of await shop.snapshots("shop")) {
  const { name, level, skew, cuts } = summary
  console.log(`${name}: ${level}, skew ${skew} ms, ${ready?.length} of ${cuts.length} ready`)
}
// => before-upgrade: group, skew 0 ms, 3 of 3 ready
// #endregion

const before = { namespace: "shop", name: "before-upgrade" }

// #region differences
const { differences } = await shop.diffSnapshots(before, null)
for (const { what, change } of differences) console.log(`${what}: ${change}`)
console.log(`${differences.length} differences to now`)
// => 0 differences to now
// #endregion

const passphrase = "read it from your secret store"

// #region file
const file = await shop.exportSnapshot(before, { passphrase })
const refused = await shop.importSnapshot("bank", file, { passphrase }, options).catch(String)
console.log(refused)
// => OperationError: the file is of a snapshot of namespace shop, and not of bank
// #endregion

await shop.close()
