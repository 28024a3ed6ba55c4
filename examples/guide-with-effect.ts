/**
 * The parts of the guide for programs with Effect: progress, hooks, errors, and an interrupted operation.
 *
 * Runs on the sandbox: `node --conditions=source examples/guide-with-effect.ts`; on a cluster where the ledger runs in
 * the namespace `shop`: with `--context NAME`.
 */
import type { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import type { OperationError } from "@kubectl-stateful/sdk/operation/OperationError"
import type { Profile } from "@kubectl-stateful/sdk/Profile"
import * as Scale from "@kubectl-stateful/sdk/Scale"
import * as Snapshot from "@kubectl-stateful/sdk/Snapshot"
import { type AppNotFound, watch } from "@kubectl-stateful/sdk/State"
import * as Verbs from "@kubectl-stateful/sdk/Verbs"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { statefulSet } from "@kubectl-stateful/sdk/App"
import { cluster } from "./cluster.ts"

const ledger = statefulSet("shop", "ledger")
const as = { identity: "nightly-job" }

// #region progress
const nightly = Snapshot.take(ledger, {
  name: "nightly",
  ...as,
  report: (event) =>
    event._tag === "Step" ? Console.log(`${event.index + 1} of ${event.of}: ${event.what}`) : Effect.void
})
// => 1 of 5: take a group snapshot of 3 volumes
// => 2 of 5: keep the volume snapshots if their namespace is deleted: deletionPolicy Retain
// => 3 of 5: save the snapshot record nightly
// => 4 of 5: wait until the volume snapshots are ready to use
// => 5 of 5: keep the snapshots of the group if their namespace is deleted: deletionPolicy Retain
// #endregion

// #region hooks
/** What a hook has to do is an Effect: retries, timeouts and interruption are Effect's. */
const profile: Profile = {
  afterAdd: {
    _tag: "Run",
    version: "1",
    run: ({ fqdn }) => Effect.retry(Console.log(`${fqdn} joins`), { times: 3 })
  }
}
const up = Scale.scale(ledger, { replicas: 4, profile, ...as })
// => ledger-3.ledger.shop.svc joins
// #endregion

// #region errors
type Failure = AppNotFound | ClusterError | OperationError

/** The line for a person; a program looks at `reason._tag`. */
const explained = <A>(verb: Effect.Effect<A, Failure, Cluster>) =>
  verb.pipe(
    Effect.as("done"),
    Effect.catchTags({
      AppNotFound: ({ near }) => Effect.succeed(`not found, but there is ${near.join(", ")}`),
      OperationError: ({ message, reason }) => Effect.succeed(`${reason._tag}: ${message}`),
      ClusterError: ({ message, reason }) => Effect.succeed(`cluster, ${reason._tag}: ${message}`)
    })
  )

const mistakes = Effect.gen(function* () {
  console.log(yield* explained(Scale.scale(statefulSet("shop", "ledgr"), { replicas: 4, ...as })))
  // => not found, but there is ledger
  console.log(yield* explained(Scale.scale(ledger, { replicas: 5, currentReplicas: 3, ...as })))
  // => Refused: expected replicas of statefulset "ledger" to be 3, was 4
})
// #endregion

// #region interrupted
const interrupted = Effect.gen(function* () {
  const waits = yield* Deferred.make<void>()
  const scaling = yield* Effect.forkChild(
    Scale.scale(ledger, {
      replicas: 5,
      ...as,
      report: ({ _tag }) => (_tag === "Waiting" ? Deferred.succeed(waits, undefined) : Effect.void)
    })
  )
  yield* Deferred.await(waits)
  // Cleans up and writes the journal: what is interrupted can be resumed or aborted.
  yield* Fiber.interrupt(scaling)

  const found = yield* Verbs.find({ namespace: "shop" })
  console.log(found.verb, found.phase)
  // => scale Stopped
  const { outcome } = yield* Verbs.abort(found, as)
  console.log(outcome)
  // => Aborted
})
// #endregion

// #region watch
const untilReady = watch(ledger).pipe(
  Stream.filter(({ replicas }) => replicas.every(({ pod }) => pod?.ready === true)),
  Stream.take(1),
  Stream.runForEach(({ replicas }) => Console.log(`${replicas.length} replicas are ready`))
)
// => 4 replicas are ready
// #endregion

const program = Effect.gen(function* () {
  yield* nightly
  yield* up
  yield* mistakes
  yield* interrupted
  yield* untilReady
})

await Effect.runPromise(Effect.provide(program, cluster))
