/**
 * An effect that survives a lost reply: look, write if it is not so yet, and after any answer that
 * leaves doubt look again before anything is repeated.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError, Reason } from "../Cluster.ts"
import { isPassing, Patience } from "../resource/Patience.ts"
import { because, type OperationError } from "./OperationError.ts"

/** Answers after which only a look tells what is so. */
const doubtful: ReadonlyArray<Reason["_tag"]> = ["Conflict", "AlreadyExists", "NotFound", "Invalid"]

/** How long an operation waits for a cluster that does not answer, in milliseconds. */
export const patience = 120_000

/** Refusals of one and the same state in a row that are taken for a real refusal. */
const stubborn = 3

export interface Ensured<A, R> {
  /** What is so now. */
  readonly look: Effect.Effect<A, ClusterError | OperationError, R>
  /** What was so a moment ago, where it was looked at for another reason and the write tests all that matters. */
  readonly known?: A
  /** Whether it is so already. */
  readonly done: (seen: A) => boolean
  /** Why it may not be done any more, e.g. because another caller took over. */
  readonly stop?: (seen: A) => OperationError | null
  /** Answers with what it made of it. */
  readonly write: (seen: A) => Effect.Effect<A, ClusterError, R>
}

const elapsedSince = (began: bigint): Effect.Effect<number> =>
  Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - began) / 1e6)

/**
 * Reconciles to `done`, and answers with what is so then: looks, writes if it is not so yet, and after
 * any answer that leaves doubt looks again before anything is repeated.
 *
 * In doubt are a lost reply, a conflict, an object that came or went meanwhile, and a failed test of a
 * patch. A server that does not answer is waited for as long as the operation has patience; without
 * patience, as inside a freeze, it fails after a few attempts.
 *
 * @errors what `stop` says; the last answer of the server, once it was refused for one and the same
 * state several times; `Changed` where the server takes the write and keeps something else.
 */
export const ensure = <A, R = Cluster>(
  spec: Ensured<A, R>
): Effect.Effect<A, ClusterError | OperationError, R> =>
  Effect.gen(function* () {
    const began = yield* Clock.monotonicTimeNanos
    const limit = (yield* Patience)?.millis ?? null
    let refused = 0
    let { known } = spec
    while (true) {
      const seen: A = known ?? (yield* spec.look)
      known = undefined
      const stop = spec.stop?.(seen) ?? null
      if (stop !== null) return yield* Effect.fail(stop)
      if (spec.done(seen)) return seen
      const written = yield* Effect.result(spec.write(seen))
      if (written._tag === "Success") {
        if (spec.done(written.success)) return written.success
        refused += 1
        if (refused >= stubborn) {
          return yield* because(
            "Changed",
            "the server took a change and kept something else",
            "look for an admission webhook"
          )
        }
        continue
      }
      const { reason } = written.failure
      const isPatient = limit !== null
      if (isPatient && (reason._tag === "OutcomeUnknown" || isPassing(written.failure))) {
        if ((yield* elapsedSince(began)) >= limit) return yield* Effect.fail(written.failure)
        if (isPassing(written.failure)) yield* Effect.sleep(500)
      } else if (
        reason._tag === "OutcomeUnknown" ||
        isPassing(written.failure) ||
        doubtful.includes(reason._tag)
      ) {
        refused += 1
        // A status update between our look and our write refuses a resourceVersion again and again.
        if (refused >= (reason._tag === "Conflict" ? 20 : stubborn))
          return yield* Effect.fail(written.failure)
        yield* Effect.sleep(20 * refused)
      } else {
        return yield* Effect.fail(written.failure)
      }
    }
  })
