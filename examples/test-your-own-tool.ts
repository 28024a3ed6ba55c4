/**
 * A small tool of one's own, tested against a cluster that fails on command, in virtual time.
 *
 * `node --conditions=source examples/test-your-own-tool.ts`. It breaks its cluster on purpose, so it
 * takes no `--context`: it runs in the sandbox only.
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

/** The tool: replaces the ledger's pods, one after the other, and stops when one does not come back. */
const restart = Effect.gen(function* () {
  const { replicas } = yield* read(ledger)
  for (const { name, pod } of replicas.toReversed()) {
    if (pod === null) return yield* Effect.fail(`${name} has no pod; nothing was begun`)
    const target = { api: kinds.pods, namespace: "shop", name }
    // Only this very pod: after a lost reply, once more would hit the one that took its place.
    yield* Resource.remove(target, { uid: pod.uid }).pipe(Effect.catch(() => Effect.void))
    const isBack = Effect.map(read(ledger), (state) =>
      state.replicas.some(
        (each) => each.name === name && each.pod?.uid !== pod.uid && healthOf(each) === "Ready"
      )
    )
    yield* Effect.timeoutOrElse(Effect.repeat(Effect.delay(isBack, "1 second"), { until: (back) => back }), {
      duration: "1 minute",
      orElse: () => Effect.fail(`${name} did not come back in a minute; the rest is untouched`)
    })
  }
  return `restarted ${replicas.length} replicas`
})
// #endregion

// #region faults
/** The tool on a new sandbox: what it says, and the line that gives the same faults again. */
const tested = (faults: (sandbox: Shape) => Fault.Plan) =>
  Effect.gen(function* () {
    // What runs in the pods does not matter to this tool.
    const sandbox = yield* start("ledger", { programs: () => undefined })
    const { cluster, record } = inject(sandbox.cluster, faults(sandbox))
    const said = yield* restart.pipe(
      Effect.provideService(Cluster, cluster),
      Effect.catch((failure) => Effect.succeed(String(failure)))
    )
    return { said, replay: record.replay() }
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
  const inPeace = yield* tested(() => () => undefined)
  console.log(inPeace.said)
  // => restarted 3 replicas

  // The cluster does what it is told, and the answer is lost on its way back.
  const lost = yield* tested(() => Fault.when(isDelete, { _tag: "LoseReply" }))
  console.log(lost.said)
  // => restarted 3 replicas

  // The first pod's node dies at the very moment when the pod is told to stop.
  const dead = yield* tested((sandbox) => (call) => {
    if (isDelete(call)) sandbox.loseNode("node-c1", "power")
    return undefined
  })
  console.log(dead.said)
  // => ledger-2 did not come back in a minute; the rest is untouched

  // Whatever a seed thinks of, at one call in ten; a run that fails says how to see it again.
  for (let seed = 1; seed <= 20; seed++) {
    const { said, replay } = yield* tested(() => Fault.random(seed, 0.1))
    if (said !== "restarted 3 replicas") console.log(`${said}; again with Fault.parse("${replay}")`)
  }
})
// #endregion

await Effect.runPromise(inVirtualTime(program))
