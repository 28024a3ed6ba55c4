/**
 * An ingest service: sends each tenant's records directly to the pod that stores the tenant, without a
 * proxy.
 *
 * Runs on the sandbox: `node --conditions=source examples/route-by-ordinal.ts`; with `--context NAME`
 * on your own cluster, after you have changed the names to those of your application.
 */
import * as Router from "@kubectl-stateful/sdk/Router"
import * as Routing from "@kubectl-stateful/sdk/Routing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { cluster } from "./cluster.ts"

const ledger = { namespace: "shop", name: "ledger" }

// #region route
const program = Effect.gen(function* () {
  const router = yield* Router.make(ledger, Routing.jump)

  // In memory: a lookup sends no request.
  for (const tenant of ["acme", "globex", "initech"]) {
    const { fqdn, ports } = Result.getOrThrow(router.find(tenant))
    console.log(`${tenant} -> ${fqdn}:${ports?.[0]?.port}`)
  }
})
// #endregion

// #region moves
/** Before a scale from 3 to 5: the tenants that have to be copied, and where to. */
const before = Routing.picker(Routing.jump, Routing.allReady(3))
const after = Routing.picker(Routing.jump, Routing.allReady(5))
for (const { key, from, to } of Routing.moves(before, after, ["acme", "globex", "initech", "tenant-1"])) {
  console.log(`${key} moves from ${from.join()} to ${to.join()}`)
}
console.log(`${Routing.movedShare(Routing.jump, 3, 5)} of all keys move`)
// #endregion

await Effect.runPromise(Effect.scoped(Effect.provide(program, cluster)))

// => globex moves from 0 to 3
// => tenant-1 moves from 2 to 3
// => 0.4 of all keys move
// => acme -> ledger-0.ledger.shop.svc:7000
// => globex -> ledger-0.ledger.shop.svc:7000
// => initech -> ledger-1.ledger.shop.svc:7000
