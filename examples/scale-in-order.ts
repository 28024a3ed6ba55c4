/**
 * Scales a StatefulSet up and down again, with join and leave hooks for each member.
 *
 * Runs on the sandbox: `node --conditions=source examples/scale-in-order.ts`; on a cluster with a StatefulSet `ledger` of
 * three replicas in the namespace `shop`: with `--context NAME`.
 */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import type { Profile } from "@kubectl-stateful/sdk/Profile"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import * as Effect from "effect/Effect"

const ledger = { namespace: "shop", name: "ledger" }

// #region hooks
/** These hooks are functions; a command in the pod is `Hook.command(["app", "join", "{pod}"], { timeout: "30 seconds" })`. */
const profile: Profile = {
  afterAdd: {
    _tag: "Run",
    version: "1",
    run: (member) => Effect.sync(() => console.log(`${member.fqdn} joins`))
  },
  beforeRemove: {
    _tag: "Run",
    version: "1",
    run: (member) => Effect.sync(() => console.log(`${member.pod} leaves`))
  }
}
// #endregion

// #region scale
const program = Effect.gen(function* () {
  const options = { profile, identity: "scale-in-order" }

  // The plan is plain data: review it before anything is changed.
  const plan = yield* Scale.prepare(ledger, { ...options, replicas: 5 })
  console.log(plan.effects[0])
  // => ledger 3 -> 5: adds ledger-3 and ledger-4; quorum 2 of 3 -> 3 of 5

  const up = yield* Scale.run(plan, options)
  // => ledger-3.ledger.shop.svc joins
  // => ledger-4.ledger.shop.svc joins
  console.log(up.outcome)
  // => Succeeded

  const down = yield* Scale.scale(ledger, { ...options, replicas: 3 })
  // => ledger-4 leaves
  // => ledger-3 leaves
  console.log(down.outcome, down.stages.map(({ subject }) => subject.name).join(" "))
  // => Succeeded ledger-4 ledger-3
})
// #endregion

const context = process.argv[2] === "--context" ? process.argv[3] : undefined
const onSandbox = Effect.gen(function* () {
  const { start } = yield* Effect.promise(() => import("@kubectl-stateful/sandbox/Scenario"))
  const { cluster } = yield* start("ledger")
  yield* Effect.provideService(program, Cluster, cluster)
})
const onCluster = (name: string) =>
  Effect.gen(function* () {
    const { layer } = yield* Effect.promise(() => import("@kubectl-stateful/sdk/kubernetes"))
    yield* Effect.provide(program, layer({ context: name }))
  })

await Effect.runPromise(Effect.scoped(context === undefined ? onSandbox : onCluster(context)))
