import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Cluster, type Request } from "../../../packages/sdk/src/Cluster.ts"
import { type Handler, folder, json, kubeconfig, live, serve } from "./server.ts"

const request: Request = { method: "GET", path: "/api/v1/pods", query: [["resourceVersion", "7"]] }

const event = (nth: number) => ({ type: "ADDED", object: { metadata: { name: `pod-${nth}`, text: "é☃" } } })
const line = (nth: number) => `${JSON.stringify(event(nth))}\n`

/** What a watch tells of a scripted server, and how it fails, if it does. */
const watching = (handler: Handler, asked: Request = request) =>
  Effect.gen(function* () {
    const server = yield* serve(handler)
    const dir = yield* folder
    const seen: Array<unknown> = []
    const exit = yield* Effect.gen(function* () {
      const cluster = yield* Cluster
      yield* Stream.runForEach(cluster.watch(asked), (item) => Effect.sync(() => seen.push(item)))
    }).pipe(Effect.provide(live(dir, kubeconfig(server.url))), Effect.flip, Effect.option)
    return { seen, server, error: exit._tag === "Some" ? exit.value : null }
  })

describe("a watch", () => {
  it.live("asks for a watch with a timeout of its own, and ends when the server ends it", () =>
    Effect.gen(function* () {
      const { seen, server, error } = yield* watching((_, response) => response.end(line(1) + line(2)))
      assert.deepEqual(seen, [event(1), event(2)])
      assert.isNull(error)
      assert.strictEqual(
        server.requests[0]?.url,
        "/api/v1/pods?resourceVersion=7&watch=true&timeoutSeconds=290"
      )
    })
  )

  it.live("reads events whole however the network cuts them, letters of several bytes too", () =>
    Effect.gen(function* () {
      const bytes = Buffer.from(line(1) + line(2) + line(3))
      const { seen, error } = yield* watching((_, response) => {
        let at = 0
        const next = () => {
          if (at >= bytes.length) response.end()
          else response.write(bytes.subarray(at, (at += 7)), () => setImmediate(next))
        }
        next()
      })
      assert.deepEqual(seen, [event(1), event(2), event(3)])
      assert.isNull(error)
    })
  )

  it.live("cut within an event tells the events before it, and that it was cut", () =>
    Effect.gen(function* () {
      const clean = yield* watching((_, response) => response.end(line(1) + line(2).slice(0, 20)))
      assert.deepEqual(clean.seen, [event(1)])
      assert.strictEqual(clean.error?.reason._tag, "Unavailable")
      const torn = yield* watching((asked, response) => {
        response.write(line(1))
        setTimeout(() => asked.socket.destroy(), 20)
      })
      assert.deepEqual(torn.seen, [event(1)])
      assert.strictEqual(torn.error?.reason._tag, "Unavailable")
    })
  )

  it.live("that is junk is unreadable, never skipped", () =>
    Effect.gen(function* () {
      for (const junk of ["nonsense\n", '{"type":"NEW","object":{}}\n', "null\n", '{"type":"ADDED"}\n']) {
        const { seen, error } = yield* watching((_, response) => response.end(line(1) + junk + line(2)))
        assert.deepEqual(seen, [event(1)])
        assert.strictEqual(error?.reason._tag, "Unreadable")
      }
    })
  )

  it.live("carries a line of two megabytes, and refuses one without end", () =>
    Effect.gen(function* () {
      const big = { type: "MODIFIED", object: { data: "x".repeat(2_000_000) } }
      const fine = yield* watching((_, response) => response.end(`${JSON.stringify(big)}\n`))
      assert.deepEqual(fine.seen, [big])
      const piece = "x".repeat(1024 * 1024)
      const endless = yield* watching((asked, response) => {
        const more = () => {
          if (!asked.socket.destroyed) response.write(piece, () => setImmediate(more))
        }
        more()
      })
      assert.strictEqual(endless.error?.reason._tag, "Unreadable")
    })
  )

  it.live("hands an ERROR on as its last event", () =>
    Effect.gen(function* () {
      const expired = { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } }
      const { seen, error } = yield* watching((_, response) =>
        response.end(`${line(1)}${JSON.stringify(expired)}\n${line(2)}`)
      )
      assert.deepEqual(seen, [event(1), expired])
      assert.isNull(error)
    })
  )

  it.live("that is refused fails with the server's reason", () =>
    Effect.gen(function* () {
      const status = {
        kind: "Status",
        reason: "Forbidden",
        message: 'pods is forbidden: User "u" cannot watch'
      }
      const { error } = yield* watching((_, response) => json(response, 403, status))
      assert.strictEqual(error?.reason._tag, "Forbidden")
      assert.strictEqual(error?.message, status.message)
      const throttled = yield* watching((_, response) => json(response, 429, {}, { "Retry-After": "3" }))
      assert.deepEqual(throttled.error?.reason, { _tag: "TooManyRequests", retryAfterMillis: 3000 })
    })
  )

  it.live("that leaves its consumer early gives the connection up", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => response.write(line(1)))
      const dir = yield* folder
      yield* Effect.gen(function* () {
        const cluster = yield* Cluster
        yield* Stream.runDrain(Stream.take(cluster.watch(request), 1))
        yield* Effect.sleep(50)
        assert.strictEqual(server.open(), 0)
      }).pipe(Effect.provide(live(dir, kubeconfig(server.url))))
    })
  )

  it.effect("silent beyond its timeout and a margin is dead, though its connection stands", () =>
    Effect.gen(function* () {
      const server = yield* serve((_, response) => response.write(line(1)))
      const dir = yield* folder
      const seen: Array<unknown> = []
      yield* Effect.gen(function* () {
        const cluster = yield* Cluster
        const fiber = yield* Effect.forkChild(
          Effect.flip(Stream.runForEach(cluster.watch(request), (item) => Effect.sync(() => seen.push(item))))
        )
        while (seen.length === 0) yield* TestClock.withLive(Effect.sleep(5))
        yield* TestClock.adjust("304 seconds")
        assert.strictEqual(server.open(), 1)
        yield* TestClock.adjust("2 seconds")
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error.reason._tag, "Unavailable")
        assert.match(error.message, /silent beyond its timeout$/)
      }).pipe(Effect.provide(live(dir, kubeconfig(server.url))))
    })
  )

  it.live("holds the server back when its consumer is slow", () =>
    Effect.gen(function* () {
      let written = 0
      const text = line(1).repeat(1000)
      const server = yield* serve((asked, response) => {
        const more = () => {
          while (!asked.socket.destroyed && written < 256 * 1024 * 1024) {
            written += text.length
            if (!response.write(text)) return response.once("drain", more)
          }
          return undefined
        }
        more()
      })
      const dir = yield* folder
      yield* Effect.gen(function* () {
        const cluster = yield* Cluster
        const slow = Stream.tap(cluster.watch(request), () => Effect.sleep(300))
        yield* Stream.runDrain(Stream.take(slow, 2))
      }).pipe(Effect.provide(live(dir, kubeconfig(server.url))))
      assert.isBelow(written, 64 * 1024 * 1024)
    })
  )
})
