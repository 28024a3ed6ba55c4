/**
 * Runs controllers: changes of the store enqueue keys, and each key is reconciled until nothing is left to
 * do. One fiber runs all of them, on the Effect clock, in a deterministic order.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { Heap } from "./Heap.ts"
import type { Registry } from "../registry/Registry.ts"
import { Refusal } from "../apimachinery/Status.ts"
import type { Change } from "../registry/Store.ts"

export interface Controller {
  readonly name: string
  /** The keys that a change concerns, `namespace/name` by custom. */
  readonly keysOf: (change: Change) => ReadonlyArray<string>
  /** Brings one key on. Answers after how many milliseconds to look again, if at all. */
  readonly reconcile: (key: string) => number | undefined
}

/** After a write that was refused, a conflict or a quota, as a work queue's backoff does. */
const retryMillis = 1000

/** So many reconciliations run before others get a turn. */
const turnsAtOnce = 10_000

interface Due {
  readonly now: Set<string>
  /** Of one key the earliest time counts. */
  readonly later: Map<string, number>
}

interface Later {
  readonly at: number
  readonly controller: Controller
  readonly key: string
}

export interface Options {
  /** Milliseconds between a change and the controllers' answer to it. Default 0. */
  readonly reactionMillis?: number
}

/** Runs the controllers until the scope closes. What is in the store already counts as new. */
export const run = (
  registry: Registry,
  controllers: ReadonlyArray<Controller>,
  { reactionMillis = 0 }: Options = {}
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { store, now } = registry
    const wake = Latch.makeUnsafe()
    const due = new Map<Controller, Due>(
      controllers.map((each) => [each, { now: new Set(), later: new Map() }])
    )
    /** Delayed keys, the earliest first. An entry is void if the time of its key has changed. */
    const later = new Heap<Later>((left, right) => left.at < right.at)

    const enqueue = (controller: Controller, key: string, at: number): void => {
      const keys = due.get(controller)
      if (keys === undefined || keys.now.has(key)) return
      const known = keys.later.get(key)
      if (at <= now()) {
        keys.later.delete(key)
        keys.now.add(key)
      } else if (known === undefined || at < known) {
        keys.later.set(key, at)
        later.push({ at, controller, key })
      } else return
      wake.openUnsafe()
    }
    /** Moves over what has become due; answers when the next is, or Infinity. */
    const ripen = (): number => {
      for (;;) {
        const next = later.first
        if (next === undefined) return Number.POSITIVE_INFINITY
        const keys = due.get(next.controller)
        if (keys?.later.get(next.key) !== next.at) later.pop()
        else if (next.at > now()) return next.at
        else {
          later.pop()
          keys.later.delete(next.key)
          keys.now.add(next.key)
        }
      }
    }
    const noticed = (change: Change): void => {
      for (const controller of controllers) {
        for (const key of controller.keysOf(change)) enqueue(controller, key, now() + reactionMillis)
      }
    }
    const stop = store.listen(noticed)
    yield* Effect.addFinalizer(() => Effect.sync(stop))
    for (const change of store.all()) noticed(change)

    const turn = (controller: Controller, key: string): void => {
      try {
        const again = controller.reconcile(key)
        if (again !== undefined) enqueue(controller, key, now() + again)
      } catch (refusal) {
        if (!(refusal instanceof Refusal)) throw refusal
        enqueue(controller, key, now() + retryMillis)
      }
    }

    /** Runs all that is due, and what that makes due; answers when the next key is, or Infinity. */
    const settle = (): number => {
      for (let turns = 0, moved = true; moved && turns < turnsAtOnce;) {
        moved = false
        ripen()
        for (const [controller, { now: keys }] of due) {
          for (const key of keys) {
            keys.delete(key)
            turn(controller, key)
            turns += 1
            moved = true
          }
        }
      }
      // Asked before it is looked: on a real clock a key becomes due at any moment, and nothing else wakes for it.
      const next = ripen()
      for (const { now: keys } of due.values()) if (keys.size > 0) return now()
      return next
    }

    // A timer only opens the latch: the fiber that works waits for one thing alone, and so
    // a test that moves its clock right after a write finds the next timer already set.
    let timer = Number.POSITIVE_INFINITY
    const asleep = new Set<number>()
    const setTimer = (at: number): Effect.Effect<void, never, Scope.Scope> => {
      if (at >= timer) return Effect.void
      timer = at
      if (asleep.has(at)) return Effect.void
      asleep.add(at)
      return Effect.asVoid(
        Effect.forkScoped(
          Effect.andThen(
            // Whole milliseconds: a clock that rounds would wake it a little too early, and again, for ever.
            Effect.sleep(Math.ceil(at - now())),
            Effect.sync(() => {
              asleep.delete(at)
              if (timer === at) timer = Number.POSITIVE_INFINITY
              wake.openUnsafe()
            })
          ),
          { startImmediately: true }
        )
      )
    }

    const loop = Effect.suspend(() => {
      wake.closeUnsafe()
      const next = settle()
      return next <= now() ? Effect.yieldNow : Effect.andThen(setTimer(next), wake.await)
    }).pipe(Effect.forever)
    yield* Effect.forkScoped(loop, { startImmediately: true })
  })
