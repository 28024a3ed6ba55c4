import { type Cluster, ClusterError, Cluster as ClusterService } from "@kubectl-stateful/sdk/Cluster"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Answered } from "../../../packages/kubectl-stateful/src/print/list.ts"
import { showChanges } from "../../../packages/kubectl-stateful/src/command/watch.ts"
import { type Draft, healthyApp } from "../../sdk/appState.ts"
import type { AppState } from "@kubectl-stateful/sdk/State"

const nowhere: Layer.Layer<Cluster> = Layer.succeed(ClusterService, {
  request: () => Effect.die("no request"),
  watch: () => Stream.empty,
  exec: () => Effect.die("no exec"),
  origin: { context: null, server: "", namespace: "shop", user: null }
})

const reading = (change: (draft: Draft<AppState>) => void = () => {}): ReadonlyArray<Answered> => [
  { state: healthyApp(change), checklist: [] }
]
const away = new ClusterError({ reason: { _tag: "Unavailable" }, message: "the server is away" })

/** Runs `showChanges` over these readings; a failure among them comes once, at its place. */
const watching = (readings: ReadonlyArray<ReadonlyArray<Answered> | ClusterError>) => {
  const left = [...readings]
  const seen: { shown: Array<string>; warned: Array<string> } = { shown: [], warned: [] }
  const source = Stream.suspend(() =>
    Stream.fromIterable([...left]).pipe(
      Stream.mapEffect((each) => {
        left.shift()
        return each instanceof ClusterError ? Effect.fail(each) : Effect.succeed(each)
      })
    )
  )
  const show = (apps: ReadonlyArray<Answered>) =>
    Effect.sync(() => void seen.shown.push(apps[0]?.state.name ?? "none"))
  return {
    seen,
    run: showChanges(source, show, (line) => void seen.warned.push(line)).pipe(Effect.provide(nowhere))
  }
}

describe("watching", () => {
  it.effect("shows a reading only when something but its time has changed", () =>
    Effect.gen(function* () {
      const { seen, run } = watching([
        reading(),
        reading((draft) => {
          draft.observed = "2026-11-20T12:00:15Z"
        }),
        reading((draft) => {
          draft.name = "other"
        }),
        []
      ])
      yield* run
      assert.deepEqual(seen, { shown: ["db", "other", "none"], warned: [] })
    })
  )

  it.effect("goes on after a server that was away, and says so", () =>
    Effect.gen(function* () {
      const { seen, run } = watching([reading(), away, []])
      const fiber = yield* Effect.forkChild(run)
      yield* TestClock.adjust("6 seconds")
      yield* Fiber.join(fiber)
      assert.deepEqual(seen, {
        shown: ["db", "none"],
        warned: ["error: the server is away; trying again\n"]
      })
    })
  )

  it.effect("fails with the first reading, and later with what does not pass by itself", () =>
    Effect.gen(function* () {
      const gone = new ClusterError({ reason: { _tag: "Forbidden" }, message: "no more" })
      assert.strictEqual(yield* Effect.flip(watching([away]).run), away)
      assert.strictEqual(yield* Effect.flip(watching([reading(), gone]).run), gone)
    })
  )
})
