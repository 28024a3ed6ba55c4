import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ServerResponse } from "node:http"
import { constants, gzipSync } from "node:zlib"
import { Cluster, type Request } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { folder, type Handler, kubeconfig, live, serve } from "./server.ts"

const pods: Request = { method: "GET", path: "/api/v1/namespaces/shop/pods" }

const whole = Effect.scoped(
  Effect.gen(function* () {
    const cluster = yield* Cluster
    const response = yield* cluster.request(pods)
    return yield* Stream.mkString(Stream.decodeText(response.body))
  })
)

const watching = Effect.flatMap(Cluster, (cluster) => Stream.runCollect(cluster.watch(pods)))

/** A byte every few milliseconds, for ever. */
const drip = (response: ServerResponse, byte: string) => {
  const { socket } = response
  const timer = setInterval(() => socket?.write(byte), 10)
  socket?.once("close", () => clearInterval(timer))
}

const raw = (response: ServerResponse, text: string, byte: string) => {
  response.socket?.write(text)
  drip(response, byte)
}

const endless = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"

const against = <A, E>(handler: Handler, effect: Effect.Effect<A, E, Cluster>, requestTimeout?: number) =>
  Effect.gen(function* () {
    const server = yield* serve(handler)
    const dir = yield* folder
    const options = requestTimeout === undefined ? {} : { requestTimeout }
    const result = yield* Effect.provide(effect, live(dir, kubeconfig(server.url), options))
    yield* Effect.sleep(50)
    return { result, open: server.open() }
  })

describe("--request-timeout", () => {
  for (const [what, handler] of [
    ["a head that drips", (_, response) => raw(response, "HTTP/1.1 200 OK\r\nx: ", "x")],
    ["a body that drips", (_, response) => raw(response, endless, " ")],
    ["a body that never begins", (_, response) => response.socket?.write(endless)],
    ["no answer at all", () => {}]
  ] satisfies ReadonlyArray<readonly [string, Handler]>) {
    it.live(`ends a request with ${what}, and its connection`, () =>
      Effect.gen(function* () {
        const { result, open } = yield* against(handler, Effect.flip(whole), 200)
        assert.strictEqual(result.reason._tag, "Timeout")
        assert.match(result.message, /^GET \/api\/v1\/namespaces\/shop\/pods: no answer from .* within 0.2s$/)
        assert.strictEqual(open, 0)
      })
    )
  }

  it.live("ends a watch whose refusal drips, and none that runs", () =>
    Effect.gen(function* () {
      const refusal: Handler = (_, response) =>
        raw(response, "HTTP/1.1 403 Forbidden\r\ncontent-length: 1000000\r\n\r\n", " ")
      const { result } = yield* against(refusal, Effect.flip(watching), 200)
      assert.strictEqual(result.reason._tag, "Forbidden")
      const slow: Handler = (_, response) => {
        const event = { type: "ADDED", object: { metadata: { name: "a" } } }
        response.writeHead(200).flushHeaders()
        setTimeout(() => response.end(`${JSON.stringify(event)}\n`), 500)
      }
      assert.lengthOf((yield* against(slow, watching, 200)).result, 1)
    })
  )
})

describe("an answer", () => {
  it.live("of a few kilobytes that unpack to more than 256 MiB is given up on the way", () =>
    Effect.gen(function* () {
      // Gzip may come in members, one after another: each of these is a megabyte of blanks.
      const member = gzipSync(Buffer.alloc(1024 * 1024, 32), { level: constants.Z_BEST_COMPRESSION })
      const bomb = Buffer.concat(Array.from({ length: 300 }, () => member))
      const { result, open } = yield* against(
        (_, response) => {
          response.writeHead(200, { "content-encoding": "gzip" }).end(bomb)
        },
        Effect.flip(Resource.listObjects(kinds.pods))
      )
      assert.strictEqual(result.reason._tag, "Unreadable")
      assert.match(result.message, /^GET \/api\/v1\/pods: the answer has more than 256 MiB$/)
      assert.strictEqual(open, 0)
    })
  )

  it.live("with more headers than any has is a lost connection, not a full memory", () =>
    Effect.gen(function* () {
      const { result } = yield* against((_, response) => {
        const head = response.socket
        head?.write("HTTP/1.1 200 OK\r\n")
        const timer = setInterval(() => head?.write(`x: ${"a".repeat(10_000)}\r\n`), 1)
        head?.once("close", () => clearInterval(timer))
      }, Effect.flip(whole))
      assert.include(["Unavailable", "Unreadable"], result.reason._tag)
    })
  )
})
