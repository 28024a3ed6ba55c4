/** Cleanup on the way out, in every case, but with a time limit. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Runs a clean-up as far as the cluster answers within a time, and then gives up without a word.
 *
 * It is for finalizers, which cannot be interrupted: a request that never ends would block the caller. A
 * separate fiber can be interrupted.
 *
 * @param limit in milliseconds
 */
export const within = <A, E, R>(
  limit: number,
  cleanUp: Effect.Effect<A, E, R>
): Effect.Effect<void, never, R> =>
  Effect.gen(function* () {
    const work = yield* Effect.forkDetach(cleanUp, { uninterruptible: false })
    const end = yield* Effect.forkDetach(Effect.andThen(Effect.sleep(limit), Fiber.interrupt(work)), {
      uninterruptible: false
    })
    yield* Fiber.await(work)
    yield* Fiber.interrupt(end)
  })

/**
 * Runs `use`, and then the cleanup however it ends: done, failed, interrupted, or replaced by another
 * process. The cleanup must be right even if `use` did nothing, and if it runs twice.
 *
 * @param limit how long the clean-up may take, in milliseconds
 */
export const cleaningUp = <A, E, R, B, E2, R2>(
  use: Effect.Effect<A, E, R>,
  limit: number,
  cleanUp: Effect.Effect<B, E2, R2>
): Effect.Effect<A, E, R | R2> => Effect.ensuring(use, within(limit, cleanUp))
