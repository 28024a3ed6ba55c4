import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { connect, type TLSSocket } from "node:tls"
import { get, json, up, type Up } from "./served.ts"

/** A client that speaks bytes. */
const say = ({ served }: Up, words: string | Buffer): Effect.Effect<TLSSocket> =>
  Effect.callback((resume) => {
    const port = Number(new URL(served.url).port)
    const socket = connect({ host: "127.0.0.1", port, ca: served.certificate }, () => {
      socket.write(words, () => resume(Effect.succeed(socket)))
    })
    socket.on("error", () => {})
  })

const head = ({ served }: Up, line: string): string =>
  `${line} HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer ${served.logins[0].token}\r\n`

const patched = ({ sandbox }: Up, value: string): void => {
  sandbox.api.handle({
    method: "PATCH",
    path: "/api/v1/namespaces/shop/configmaps/big",
    headers: { "content-type": "application/merge-patch+json" },
    body: JSON.stringify({ data: { value } })
  })
}

describe("a server that is ill-treated", () => {
  it.live("answers five hundred requests at once, each once", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const answers = yield* Effect.forEach(
        Array.from({ length: 500 }, (_, i) => `many-${i}`),
        (name) =>
          get(server, "/api/v1/namespaces/shop/configmaps", {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ metadata: { name } })
          }),
        { concurrency: 250 }
      )
      assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201])
      const { items } = json(yield* get(server, "/api/v1/namespaces/shop/configmaps"))
      assert.lengthOf(Array.isArray(items) ? items : [], 500)
    })
  )

  it.live("keeps nothing for watches that nobody reads, and goes on for all others", () =>
    Effect.gen(function* () {
      const server = yield* up()
      server.sandbox.create({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "big", namespace: "shop" }
      })
      const watching = `${head(server, "GET /api/v1/configmaps?watch=true")}\r\n`
      const deaf = yield* Effect.forEach(Array.from({ length: 20 }), () =>
        Effect.tap(say(server, watching), (socket) => Effect.sync(() => socket.pause()))
      )
      yield* Effect.sleep("200 millis")
      const before = process.memoryUsage().rss
      // 100 MB for each of twenty, if they were kept.
      for (let i = 0; i < 200; i++) {
        patched(server, String(i).padStart(500_000, "x"))
        yield* Effect.sleep("1 millis")
      }
      assert.isBelow(process.memoryUsage().rss - before, 700_000_000)
      assert.strictEqual((yield* get(server, "/api/v1/namespaces/shop/pods")).status, 200)
      for (const socket of deaf) socket.destroy()
    })
  )

  it.live("goes on when clients leave amid their words, or say what is no HTTP", () =>
    Effect.gen(function* () {
      const server = yield* up()
      const post = `${head(server, "POST /api/v1/namespaces/shop/configmaps")}Content-Length: 100000\r\n\r\n{`
      const upgrade = `${head(server, "GET /api/v1/namespaces/shop/pods/db-0/exec?command=x&stdout=1&stdin=1")}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`
      for (const words of [
        post,
        "\u0000\u0001no HTTP\r\n\r\n",
        `${head(server, "GET /api/v1/pods/%zz")}\r\n`,
        `${head(server, "OPTIONS *")}\r\n`,
        Buffer.concat([Buffer.from(upgrade), Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])])
      ]) {
        const sockets = yield* Effect.forEach(Array.from({ length: 10 }), () => say(server, words))
        yield* Effect.sleep("20 millis")
        for (const socket of sockets) socket.destroy()
      }
      yield* Effect.sleep("100 millis")
      assert.strictEqual((yield* get(server, "/api/v1/namespaces/shop/pods")).status, 200)
      const found = json(yield* get(server, "/api/v1/namespaces/shop/configmaps"))
      assert.deepEqual(found["items"], [])
    })
  )
})
