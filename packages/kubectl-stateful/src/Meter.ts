/**
 * Counts what a command asks of the cluster: requests, and rounds one after another.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"

/** What was asked so far. */
export interface Meter {
  requests: number
  /** How often a request began while none was under way: what a slow network multiplies. */
  rounds: number
  watches: number
}

export const newMeter = (): Meter => ({ requests: 0, rounds: 0, watches: 0 })

/** The same cluster, each call counted in `meter`. */
export const metered = (meter: Meter): Layer.Layer<Cluster, never, Cluster> =>
  Layer.effect(
    Cluster,
    Effect.map(Cluster, (cluster) => {
      let underWay = 0
      const begin = Effect.sync(() => {
        meter.requests += 1
        if (underWay === 0) meter.rounds += 1
        underWay += 1
      })
      const end = () =>
        Effect.sync(() => {
          underWay -= 1
        })
      return Cluster.of({
        ...cluster,
        request: (request) =>
          Effect.andThen(Effect.acquireRelease(begin, end), () => cluster.request(request)),
        watch: (request) =>
          Stream.suspend(() => {
            meter.watches += 1
            return cluster.watch(request)
          })
      })
    })
  )

const count = (amount: number, one: string) => `${amount} ${one}${amount === 1 ? "" : "s"}`

/** `14 requests in 3 rounds`. */
export const summary = (meter: Meter): string =>
  `${count(meter.requests, "request")} in ${count(meter.rounds, "round")}` +
  (meter.watches === 0 ? "" : `, ${count(meter.watches, "watch").replace(/watchs$/, "watches")}`)
