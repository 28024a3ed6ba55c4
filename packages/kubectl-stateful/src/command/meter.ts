/** Counts the requests of a command, and the rounds one after another. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { type Visible, visible } from "../print/terminal.ts"
import { counted } from "@kubectl-stateful/sdk/Plural"

/** Requests so far. */
export interface Meter {
  requests: number
  /** Number of requests that started while none was in progress: a slow network multiplies this. */
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

/** `14 requests in 3 rounds`. */
export const summary = (meter: Meter): Visible => {
  const requests = counted(meter.requests, "request")
  const watches = meter.watches === 0 ? "" : `, ${counted(meter.watches, "watch", "watches")}`
  return visible(`${requests} in ${counted(meter.rounds, "round")}${watches}`)
}
