/**
 * A small tool, tested against a cluster with injected faults, in virtual time.
 *
 * `node --conditions=source examples/test-your-own-tool.ts`. It breaks its cluster on purpose, so it
 * has no `--context`: it runs in the sandbox only.
 */
import { statefulSet } from "@kubectl-stateful/sdk/App"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { healthOf } from "@kubectl-stateful/sdk/Replica"
import { kinds } from "@kubectl-stateful/sdk/Kind"
import * as Resource from "@kubectl-stateful/sdk/Resource"
import { Fault, inject, type Shape } from "@kubectl-stateful/sandbox"
import { start } from "@kubectl-stateful/sandbox/Scenario"
import { read } from "@kubectl-stateful/sdk/State"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"

if (process.argv.includes("--context")) {
  console.error(
    "error: this example loses nodes and replies; it runs in the sandbox only: leave --context out"
  )
  process.exit(1)
}

// #region tool
const ledger = statefulSet("shop", "ledger")

/** The tool: replaces the ledger's pods, one after the other, and stops if one does not become ready. */
const restart = Effect.gen(function* () {
  const { replicas } = yield* read(ledger)
  for (const { name, pod } of replicas.toReversed()) {
    if (pod === null) return yield* Effect.fail(`${name} has no pod; nothing was restarted`)
    const target = { api: kinds.pods, namespace: "shop", name }
    // Only the pod with this uid: after a lost reply, a retry would delete its replacement.
    yield* Resource.remove(target, { uid: pod.uid }).pipe(Effect.catch(() => Effect.void))
    const isBack = Effect.map(read(ledger), (state) =>
      state.replicas.some(
        (each) => each.name === name && each.pod?.uid !== pod.uid && healthOf(each) === "Ready"
      )
    )
    yield* Effect.timeoutOrElse(Effect.repeat(Effect.delay(isBack, "1 second"), { until: (back) => back }), {
      duration: "1 minute",
      orElse: () => Effect.fail(`${name} was not ready after a minute; the other pods were not restarted`)
    })
  }
  return `restarted ${replicas.length} replicas`
})
// #endregion

// #region faults
/** Runs the tool on a new sandbox: its output, and the text that reproduces the faults. */
const tested = (faults: (sandbox: Shape) => Fault.Plan) =>
  Effect.gen(function* () {
    // This tool does not depend on the programs in the pods.
    const sandbox = yield* start("ledger", { programs: () => undefined })
    const { cluster, record } = inject(sandbox.cluster, faults(sandbox))
    const output = yield* restart.pipe(
      Effect.provideService(Cluster, cluster),
      Effect.catch((failure) => Effect.succeed(String(failure)))
    )
    return { output, replay: record.replay() }
  }).pipe(Effect.scoped)

/** Minutes pass in milliseconds. */
const inVirtualTime = <A, E>(test: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(test)
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  }).pipe(Effect.provide(TestClock.layer()))

const isDelete = ({ request }: Fault.Call) => request.method === "DELETE"

const program = Effect.gen(function* () {
  const withoutFaults = yield* tested(() => () => undefined)
  console.log(withoutFaults.output)
  // => restarted 3 replicas

  // The cluster performs each deletion, but its reply is lost.
  const lost = yield* tested(() => Fault.when(isDelete, { _tag: "LoseReply" }))
  console.log(lost.output)
  // => restarted 3 replicas

  // The first pod's node loses power when the pod is deleted.
  const dead = yield* tested((sandbox) => (call) => {
    if (isDelete(call)) sandbox.loseNode("node-c1", "power")
    return undefined
  })
  console.log(dead.output)
  // => ledger-2 was not ready after a minute; the other pods were not restarted

  // Random faults in one call of ten, by seed; a failed run prints how to reproduce it.
  for (let seed = 1; seed <= 20; seed++) {
    const { output, replay } = yield* tested(() => Fault.random(seed, 0.1))
    if (output !== "restarted 3 replicas") console.log(`${output}; reproduce with Fault.parse("${replay}")`)
  }
})
// #endregion

await Effect.runPromise(inVirtualTime(program))
