/**
 * Reads the state of an application and answers the four questions about it.
 *
 * `node --conditions=source examples/describe-an-app.ts`; with `--context NAME` on your own cluster,
 * after you have changed the names to those of your application.
 */
import { statefulSet } from "@kubectl-stateful/sdk/App"
import { answer } from "@kubectl-stateful/sdk/Checklist"
import { read } from "@kubectl-stateful/sdk/State"
import * as Effect from "effect/Effect"
import { cluster } from "./cluster.ts"

const program = Effect.gen(function* () {
  const state = yield* read(statefulSet("shop", "ledger"))
  for (const { replica, node, zone } of state.placements) console.log(`${replica} on ${node} in zone ${zone}`)
  for (const verdict of answer(state)) {
    console.log(`${verdict.question}: ${verdict.answer}, ${verdict.findings[0]?.evidence}`)
  }
})

await Effect.runPromise(Effect.provide(program, cluster))

// => ledger-0 on node-a1 in zone a
// => ledger-1 on node-b1 in zone b
// => ledger-2 on node-c1 in zone c
// => restart: Yes, quorum (2 of 3) survives the loss of any one node, rack or zone
// => snapshot: Yes, all 3 claims in one crash-consistent group snapshot (VolumeGroupSnapshotClass group)
// => move: Yes, to a cluster with StorageClass shared and driver sandbox.csi.kubectl-stateful.dev
// => restore: No, no claim has a snapshot
