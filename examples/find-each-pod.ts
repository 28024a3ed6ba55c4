/**
 * Finds each pod of a StatefulSet, by name and address, and prints problems with its DNS names.
 *
 * Runs on the sandbox: `node --conditions=source examples/find-each-pod.ts`; with `--context NAME` on
 * your own cluster, after you have changed the names to those of your application.
 */
import * as Discovery from "@kubectl-stateful/sdk/Discovery"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { cluster } from "./cluster.ts"

// #region peers
const program = Discovery.watch({ namespace: "shop", name: "ledger" }).pipe(
  Stream.take(1),
  Stream.runForEach(({ peers, problems }) =>
    Effect.sync(() => {
      for (const { fqdn, availability, zone, resolvable } of peers) {
        console.log(
          `${fqdn} is ${availability} in zone ${zone}${resolvable === true ? "" : ", without a name yet"}`
        )
      }
      for (const { message } of problems) console.log(message)
    })
  )
)
// #endregion

await Effect.runPromise(Effect.provide(program, cluster))

// => ledger-0.ledger.shop.svc is Ready in zone a
// => ledger-1.ledger.shop.svc is Ready in zone b
// => ledger-2.ledger.shop.svc is Ready in zone c
