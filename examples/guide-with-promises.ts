/**
 * The parts of the guide for programs with Promises: a plan, progress, hooks, errors, and an interrupted operation.
 *
 * `node --conditions=source examples/guide-with-promises.ts`; on your own cluster use `connect()` instead of
 * `connectTo(cluster)`.
 */
// #region open
import { answer, connectTo, hook, statefulSet } from "@kubectl-stateful/sdk/promise"
import { cluster } from "./cluster.ts"

await using shop = connectTo(cluster) // or connect(), for the cluster of your kubeconfig
const ledger = statefulSet("shop", "ledger")

const state = await shop.read(ledger)
console.log(state.replicas.map(({ name, pod }) => `${name} on ${pod?.node}`).join(", "))
// => ledger-0 on node-a1, ledger-1 on node-b1, ledger-2 on node-c1
for (const { question, answer: verdict } of answer(state)) console.log(question, verdict)
// => restart Yes
// => snapshot Yes
// => move Yes
// => restore No
// #endregion

// #region plan
const as = { identity: "nightly-job" }
const plan = await shop.plan.scale(ledger, { replicas: 4, ...as })
console.log(plan.effects[0], plan.refusals.length)
// => ledger 3 -> 4: adds ledger-3; quorum 2 of 3 -> 3 of 4 0

const { outcome } = await shop.execute(plan, as)
console.log(outcome)
// => Succeeded
// #endregion

// #region progress
await shop.snapshot(ledger, {
  name: "nightly",
  ...as,
  report: (event) => {
    if (event._tag === "Step") console.log(`${event.index + 1} of ${event.of}: ${event.what}`)
  }
})
// => 1 of 5: take a group snapshot of 4 volumes
// => 2 of 5: keep the volume snapshots if their namespace is deleted: deletionPolicy Retain
// => 3 of 5: save the snapshot record nightly
// => 4 of 5: wait until the volume snapshots are ready to use
// => 5 of 5: keep the snapshots of the group if their namespace is deleted: deletionPolicy Retain
// #endregion

// #region hooks
const profile = {
  // `signal` aborts when the hook's time is over, or the call is aborted.
  beforeRemove: hook("1", async ({ pod }, signal) => {
    signal.throwIfAborted()
    console.log(`${pod} leaves`)
  })
}
await shop.scale(ledger, { replicas: 3, profile, ...as })
// => ledger-3 leaves
// #endregion

// #region errors
interface Tagged {
  readonly _tag: string
  readonly message: string
  readonly reason?: { readonly _tag: string }
  readonly action?: string
  readonly operation?: { readonly namespace: string; readonly id: string }
}
const isTagged = (error: unknown): error is Tagged => error instanceof Error && "_tag" in error

try {
  await shop.scale(ledger, { replicas: 5, currentReplicas: 4, ...as })
} catch (error) {
  if (!isTagged(error)) throw error
  console.log(`${error._tag}, ${error.reason?._tag}: ${error.message}; ${error.action}`)
  // => OperationError, Refused: expected replicas of statefulset "ledger" to be 4, was 3; check it, and pass the current number
}
// #endregion

// #region interrupted
const controller = new AbortController()
const stopped = await shop
  .scale(ledger, {
    replicas: 4,
    ...as,
    signal: controller.signal,
    report: ({ _tag }) => {
      if (_tag === "Waiting") controller.abort(new Error("the deployment was cancelled"))
    }
  })
  .catch(String)
console.log(stopped)
// => Error: the deployment was cancelled

const { id, phase } = await shop.findOperation({ namespace: "shop" })
console.log(phase)
// => Stopped
const resumed = await shop.resume({ namespace: "shop", id }, as)
console.log(resumed.outcome)
// => Succeeded
// #endregion
