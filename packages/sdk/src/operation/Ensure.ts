/**
 * An effect that survives a lost reply: look, write if it is not so yet, and after any answer that
 * leaves doubt look again before anything is repeated.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError, Reason } from "../Cluster.ts"
import { isPassing, Patience } from "../resource/Patience.ts"
import { because, type OperationError } from "./OperationError.ts"
import { millisSince } from "../Elapsed.ts"

/** Responses after which only a read shows the state. */
const doubtful: ReadonlyArray<Reason["_tag"]> = ["Conflict", "AlreadyExists", "NotFound", "Invalid"]

/** Time that an operation waits for a cluster that does not answer, in milliseconds. */
export const patience = 120_000

/** Refusals of one and the same state in a row that are taken for a real refusal. */
const stubborn = 3

export interface Ensured<A, R> {
  /** The current state. */
  readonly look: Effect.Effect<A, ClusterError | OperationError, R>
  /** The recent state, if it was read for another reason and the write tests everything that matters. */
  readonly known?: A
  /** True if it is done already. */
  readonly done: (seen: A) => boolean
  /** Reason that it must not be done any more, e.g. because another process took over. */
  readonly stop?: (seen: A) => OperationError | null
  /** Returns the result of the write. */
  readonly write: (seen: A) => Effect.Effect<A, ClusterError, R>
}

/**
 * Reconciles to `done`, and returns the resulting state: reads, writes if necessary, and after any doubtful
 * response reads again before it repeats anything.
 *
 * Doubtful are a lost reply, a conflict, an object that was created or deleted in the meantime, and a failed
 * test of a patch. A server that does not answer is retried within the operation's patience; without
 * patience, as inside a freeze, it fails after a few attempts.
 *
 * **Errors**: the one that `stop` returns; the last response of the server, if it refused the same state several
 * times; `Changed` if the server accepts the write and stores something else.
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
            "the server accepted a change but stored something else",
            "check for an admission webhook"
          )
        }
        continue
      }
      const { reason } = written.failure
      const isPatient = limit !== null
      if (isPatient && (reason._tag === "OutcomeUnknown" || isPassing(written.failure))) {
        if ((yield* millisSince(began)) >= limit) return yield* Effect.fail(written.failure)
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
