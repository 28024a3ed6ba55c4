/** What is done on the way out, whatever happens, but not for long. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * Runs a clean-up as far as the cluster answers within a time, and then gives up without a word.
 *
 * It is for finalizers: one cannot be interrupted, so a request that never ends would hold up whoever
 * leaves. A fiber of its own can be.
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
 * Runs `use`, and the clean-up behind it however it ends: done, failed, interrupted, or replaced by
 * another caller. The clean-up has to be right also where `use` did nothing, and where it is done twice.
 *
 * @param limit how long the clean-up may take, in milliseconds
 */
export const cleaningUp = <A, E, R, B, E2, R2>(
  use: Effect.Effect<A, E, R>,
  limit: number,
  cleanUp: Effect.Effect<B, E2, R2>
): Effect.Effect<A, E, R | R2> => Effect.ensuring(use, within(limit, cleanUp))
