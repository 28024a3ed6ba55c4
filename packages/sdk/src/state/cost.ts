/** The cost of reading: the number of requests, and of rounds one after another. */
import * as Effect from "effect/Effect"
import { Cluster } from "../Cluster.ts"

export interface Cost {
  readonly requests: number
  /** Rounds of requests that waited for the previous one: what the time to the answer depends on. */
  readonly rounds: number
}

export const nothing: Cost = { requests: 0, rounds: 0 }

/** Both at the same time. */
export const beside = (a: Cost, b: Cost): Cost => ({
  requests: a.requests + b.requests,
  rounds: Math.max(a.rounds, b.rounds)
})

/** One after the other. */
export const after = (a: Cost, b: Cost): Cost => ({
  requests: a.requests + b.requests,
  rounds: a.rounds + b.rounds
})

/** The effect's result with the requests it made, pages and repetitions included. */
export const counted = <A, E>(
  effect: Effect.Effect<A, E, Cluster>
): Effect.Effect<{ readonly value: A; readonly cost: Cost }, E, Cluster> =>
  Effect.gen(function* () {
    const cluster = yield* Cluster
    let requests = 0
    let rounds = 0
    let waiting = 0
    const counting = Cluster.of({
      ...cluster,
      request: (request) =>
        Effect.suspend(() => {
          requests += 1
          // Nothing else is under way: what came before has been answered, this one waited for it.
          if (waiting === 0) rounds += 1
          waiting += 1
          return Effect.ensuring(
            cluster.request(request),
            Effect.sync(() => {
              waiting -= 1
            })
          )
        })
    })
    const value = yield* Effect.provideService(effect, Cluster, counting)
    return { value, cost: { requests, rounds } }
  })
