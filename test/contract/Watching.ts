/** A watch as a script sees it: what came is taken one by one, and written down. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ClusterError, WatchEvent } from "../../packages/sdk/src/Cluster.ts"
import { text } from "./Field.ts"
import type { Json } from "./Normal.ts"

/** A watch that is open: what came is taken from it one by one. */
export interface Watching {
  /** The next `count` events, as one exchange; fewer if no more come. */
  readonly next: (count: number) => Effect.Effect<ReadonlyArray<WatchEvent>>
  /** What came until one fits, as they were told apart by `fact`; repetitions are left out. */
  readonly facts: (
    fact: (event: WatchEvent) => string | undefined,
    last: (facts: ReadonlyArray<string>) => boolean
  ) => Effect.Effect<ReadonlyArray<string>>
  /** How the watch ended. */
  readonly end: Effect.Effect<void>
}

/** The object as plain JSON. */
export const objectOf = (event: WatchEvent): Json => JSON.parse(JSON.stringify(event.object))

/** Opens it; `record` writes an answer down. */
export const open = (
  stream: Stream.Stream<WatchEvent, ClusterError>,
  record: (answer: Json) => void
): Effect.Effect<Watching, never, Scope.Scope> =>
  Effect.gen(function* () {
    const queue = yield* Queue.unbounded<WatchEvent | { readonly ended: Json }>()
    yield* Effect.forkScoped(
      Stream.runForEach(stream, (event) => Queue.offer(queue, event)).pipe(
        Effect.matchEffect({
          onSuccess: () => Queue.offer(queue, { ended: "by the server" }),
          onFailure: (error) =>
            Queue.offer(queue, {
              ended: { reason: error.reason._tag, status: error.status ?? 0, message: error.message }
            })
        })
      )
    )
    let over: Json | undefined
    const take = (limit: number) =>
      over === undefined ? Effect.timeoutOption(Queue.take(queue), limit) : Effect.succeedNone
    const next = (count: number) =>
      Effect.gen(function* () {
        const events: Array<WatchEvent> = []
        while (events.length < count) {
          // What does not come fails the suite: it may take its time on a machine that is busy.
          const taken = yield* take(60_000)
          if (taken._tag === "None") break
          if ("ended" in taken.value) {
            over = taken.value.ended
            break
          }
          events.push(taken.value)
        }
        record([
          ...events.map((event) => ({
            type: event.type,
            // A bookmark is of the whole cluster's version, as a list is.
            object: event.type === "BOOKMARK" ? text(objectOf(event), "kind") : objectOf(event)
          })),
          ...(over === undefined ? [] : [{ ended: over }])
        ])
        return events
      })
    const facts = (
      fact: (event: WatchEvent) => string | undefined,
      last: (facts: ReadonlyArray<string>) => boolean
    ) =>
      Effect.gen(function* () {
        const told: Array<string> = []
        while (!last(told)) {
          const taken = yield* take(60_000)
          if (taken._tag === "None" || "ended" in taken.value) {
            told.push("(nothing more came)")
            break
          }
          const said = fact(taken.value)
          if (said !== undefined && !told.includes(said)) told.push(said)
        }
        record(told)
        return told
      })
    const end = Effect.gen(function* () {
      while (over === undefined) {
        const taken = yield* take(60_000)
        if (taken._tag === "None") over = "(it did not end)"
        else if ("ended" in taken.value) over = taken.value.ended
      }
      record({ ended: over })
    })
    return { next, facts, end }
  })
