/**
 * A router: a picker kept fresh over a stream of views, that answers in memory.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { monotonicMillis } from "../Elapsed.ts"
import type { Members } from "../Members.ts"
import { type Picker, picker } from "./picker.ts"
import type { Strategy } from "./strategy.ts"

/** Answers by the last good view. */
export interface Router<View> extends Pick<Picker, "pick" | "pickAll" | "owners"> {
  /** Its current view; it remains if the views end or fail. */
  readonly view: () => View
  /** Since when nothing newer came, in milliseconds, and why: null while views may still come. */
  readonly stale: Effect.Effect<{ readonly millis: number; readonly cause: Cause.Cause<unknown> | null }>
}

/**
 * A router over views, such as those of `Discovery.watch`; succeeds with the first one.
 *
 * The last good view is never discarded: if the views fail, the router continues with it, and `stale` says
 * for how long and why. A new view replaces all answers at once.
 *
 * **Errors**: those of the views, before the first one arrived. **Caveats**: it follows the views as long as
 * its scope is open; views that failed are not restarted, so pass a stream that retries if it should survive
 * refusals.
 *
 * @param membersOf the members of a view, such as `Discovery.members`.
 */
export const router = <View, E, R>(
  views: Stream.Stream<View, E, R>,
  membersOf: (view: View) => Members,
  strategy: Strategy
): Effect.Effect<Router<View>, E, R | Scope.Scope> =>
  Effect.gen(function* () {
    const first = yield* Deferred.make<View, E>()
    let current: { readonly view: View; readonly picker: Picker; readonly at: number } | null = null
    let ended: Cause.Cause<unknown> | null = null
    yield* views.pipe(
      Stream.runForEach((view) =>
        Effect.gen(function* () {
          current = { view, picker: picker(strategy, membersOf(view)), at: yield* monotonicMillis }
          yield* Deferred.succeed(first, view)
        })
      ),
      Effect.onExit((exit) => {
        ended = exit._tag === "Failure" ? exit.cause : Cause.empty
        return exit._tag === "Failure" ? Deferred.failCause(first, exit.cause) : Deferred.interrupt(first)
      }),
      Effect.ignoreCause,
      Effect.forkScoped
    )
    yield* Deferred.await(first)
    const now = () => {
      if (current === null) throw new Error("a router is created only after its first view")
      return current
    }
    return {
      pick: (key, sticky) => now().picker.pick(key, sticky),
      pickAll: (key) => now().picker.pickAll(key),
      owners: (key) => now().picker.owners(key),
      view: () => now().view,
      stale: Effect.map(monotonicMillis, (millis) => ({ millis: millis - now().at, cause: ended }))
    }
  })
