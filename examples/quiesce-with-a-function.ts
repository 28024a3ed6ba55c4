/**
 * Takes a quiesced snapshot of an application whose image has no shell: functions quiesce its members.
 *
 * Runs on the sandbox: `node --conditions=source examples/quiesce-with-a-function.ts`; on a cluster where the
 * ledger runs in the namespace `shop`: with `--context NAME`.
 */
import { statefulSet } from "@kubectl-stateful/sdk/App"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import type { Member } from "@kubectl-stateful/sdk/Hook"
import { ofFunctions } from "@kubectl-stateful/sdk/Quiesce"
import * as Snapshot from "@kubectl-stateful/sdk/Snapshot"
import * as Effect from "effect/Effect"
import { cluster } from "./cluster.ts"

const ledger = statefulSet("shop", "ledger")

// #region functions
/** Runs the application's own program in a member, without a shell; you can use your own client instead. */
const call =
  ({ exec }: Cluster["Service"], ...command: ReadonlyArray<string>) =>
  ({ namespace, pod }: Member) =>
    Effect.gen(function* () {
      const session = yield* exec({ namespace, pod, command })
      const end = yield* session.exit
      if (end._tag === "Unknown" || end.code !== 0)
        yield* Effect.fail({ message: `${pod}: ${command.join(" ")} failed` })
    }).pipe(Effect.scoped)

const quiesceBy = (cluster: Cluster["Service"]) =>
  ofFunctions({
    name: "ledger",
    guarantee: "blocks-writes",
    version: "1",
    deadline: 10_000,
    quiesce: call(cluster, "ledger", "quiesce", "10"),
    // Fails if the member was released early; the snapshot then does not count as quiesced.
    release: call(cluster, "ledger", "unquiesce"),
    // Idempotent: also called if the member is not frozen.
    thaw: (member) => Effect.ignore(call(cluster, "ledger", "unquiesce")(member))
  })
// #endregion

// #region take
const program = Effect.gen(function* () {
  const quiesce = quiesceBy(yield* Cluster)
  const options = { name: "by-functions", consistency: "quiesced", quiesce, identity: "nightly" } as const

  // If this process crashes, members stay frozen, so this must be allowed explicitly.
  const refused = yield* Effect.flip(Snapshot.take(ledger, options))
  console.log(refused.message.split(": ")[1])
  // => if this process crashes, nothing in the pods ends the freeze

  const { outcome } = yield* Snapshot.take(ledger, { ...options, allowUnboundedFreeze: true })
  console.log(outcome)
  // => Succeeded

  for (const { summary } of yield* Snapshot.list("shop")) {
    console.log(`${summary.name}: ${summary.level}, by a ${summary.quiesced?.unbounded}`)
    // => by-functions: quiesced, by a function
  }
})
// #endregion

await Effect.runPromise(Effect.provide(program, cluster))
