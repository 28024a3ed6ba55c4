import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { WebSocket } from "ws"
import { Cluster, type ExecRequest } from "../../../packages/sdk/src/Cluster.ts"
import { base64, certificate, folder, json, kubeconfig, live, serve, type Handler } from "./server.ts"

const request: ExecRequest = { namespace: "shop", pod: "db-0", container: "db", command: ["sh", "-c", "a b"] }

const frame = (channel: number, text: string | Uint8Array) =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(text)])

const failure = (code: number) => ({
  status: "Failure",
  reason: "NonZeroExitCode",
  details: { causes: [{ reason: "ExitCode", message: String(code) }] }
})

const end = (socket: WebSocket, status: unknown) => {
  socket.send(frame(3, JSON.stringify(status)))
  socket.close(1000)
}

const nothing: Handler = (_, response) => json(response, 404, {})

/** An exec against a scripted container. */
const against = <A, E, R>(
  script: (socket: WebSocket, url: string) => void,
  use: Effect.Effect<A, E, R>,
  handler: Handler = nothing
) =>
  Effect.gen(function* () {
    const server = yield* serve(handler, { exec: (socket, asked) => script(socket, asked.url ?? "") })
    const dir = yield* folder
    return yield* Effect.provide(use, live(dir, kubeconfig(server.url, { token: "t" })))
  })

const open = (asked: ExecRequest = request) => Effect.flatMap(Cluster, (cluster) => cluster.exec(asked))
const exitOf = Effect.scoped(Effect.flatMap(open(), (session) => session.exit))
const textOf = <E>(stream: Stream.Stream<Uint8Array, E>) => Stream.mkString(Stream.decodeText(stream))

describe("how an exec ended", () => {
  const cases: ReadonlyArray<readonly [string, (socket: WebSocket) => void, unknown]> = [
    ["success is code 0", (socket) => end(socket, { status: "Success" }), { _tag: "Exited", code: 0 }],
    ["an exit code is what the server says", (socket) => end(socket, failure(3)), { _tag: "Exited", code: 3 }]
  ]
  for (const [what, script, exit] of cases) {
    it.live(what, () => Effect.map(against(script, exitOf), (seen) => assert.deepEqual<unknown>(seen, exit)))
  }

  const unknowns: ReadonlyArray<readonly [string, (socket: WebSocket) => void, RegExp]> = [
    [
      "a connection closed in order, but without a status",
      (socket) => socket.close(1000),
      /before the exit status came$/
    ],
    ["a connection cut", (socket) => socket.terminate(), /before the exit status came$/],
    [
      "a cut after output",
      (socket) => socket.send(frame(1, "done\n"), () => socket.terminate()),
      /before the exit/
    ],
    ["a status that is junk", (socket) => socket.send(frame(3, "{]"), () => socket.close()), /unreadable$/],
    ["an empty status", (socket) => socket.send(frame(3, ""), () => socket.close()), /unreadable$/],
    [
      "a failure without an exit code",
      (socket) => end(socket, { status: "Failure", message: "no such file" }),
      /^no such file$/
    ],
    [
      "a failure in words that a terminal would obey",
      (socket) => end(socket, { status: "Failure", message: "no\u001b[2J such\r\n\u009bfile" }),
      /^no \[2J such file$/
    ],
    ["a failure whose code is 0", (socket) => end(socket, failure(0)), /no exit code$/],
    ["a status of neither kind", (socket) => end(socket, {}), /no exit code$/]
  ]
  for (const [what, script, message] of unknowns) {
    it.live(`${what} is unknown, never a success`, () =>
      Effect.gen(function* () {
        const exit = yield* against(script, exitOf)
        assert.strictEqual(exit._tag, "Unknown")
        assert.match(exit._tag === "Unknown" ? exit.message : "", message)
      })
    )
  }

  it.effect("a connection on which not even a ping is answered is given up, as unknown", () =>
    against(
      (socket) => socket.pause(),
      Effect.scoped(
        Effect.gen(function* () {
          const session = yield* open()
          const fiber = yield* Effect.forkChild(session.exit)
          yield* TestClock.adjust("58 seconds")
          assert.isUndefined(fiber.pollUnsafe())
          yield* TestClock.adjust("20 seconds")
          const exit = yield* Fiber.join(fiber)
          assert.strictEqual(exit._tag, "Unknown")
        })
      )
    )
  )
})

describe("what goes in and out", () => {
  it.live("the command's words arrive apart, stdout and stderr apart, each whole and in order", () =>
    Effect.gen(function* () {
      let asked = ""
      const result = yield* against(
        (socket, url) => {
          asked = url
          for (let nth = 0; nth < 100; nth++) {
            socket.send(frame(1, `o${nth};`))
            socket.send(frame(2, `e${nth};`))
          }
          end(socket, { status: "Success" })
        },
        Effect.scoped(
          Effect.gen(function* () {
            const session = yield* open()
            return yield* Effect.all([textOf(session.stdout), textOf(session.stderr), session.exit], {
              concurrency: 3
            })
          })
        )
      )
      const numbers = Array.from({ length: 100 }, (_, nth) => nth)
      assert.strictEqual(result[0], numbers.map((nth) => `o${nth};`).join(""))
      assert.strictEqual(result[1], numbers.map((nth) => `e${nth};`).join(""))
      assert.strictEqual(
        asked,
        "/api/v1/namespaces/shop/pods/db-0/exec?command=sh&command=-c&command=a+b&container=db&stdout=true&stderr=true"
      )
    })
  )

  it.live("output of before the exit can still be read after it", () =>
    Effect.gen(function* () {
      const script = (socket: WebSocket) => {
        socket.send(frame(1, "proof\n"))
        end(socket, { status: "Success" })
      }
      const use = Effect.scoped(
        Effect.gen(function* () {
          const session = yield* open()
          yield* session.exit
          return yield* textOf(session.stdout)
        })
      )
      assert.strictEqual(yield* against(script, use), "proof\n")
    })
  )

  it.live("standard input arrives whole, and its end is said by the close frame of v5", () =>
    Effect.gen(function* () {
      let taken = 0
      const script = (socket: WebSocket) =>
        socket.on("message", (data: Buffer) => {
          if (data[0] === 0) taken += data.length - 1
          else if (data[0] === 255 && data[1] === 0) end(socket, failure(taken === 3_000_000 ? 7 : 1))
        })
      const use = Effect.scoped(
        Effect.gen(function* () {
          const session = yield* open({ ...request, stdin: true })
          yield* session.write(new Uint8Array(3_000_000))
          yield* session.closeStdin
          return yield* session.exit
        })
      )
      assert.deepEqual(yield* against(script, use), { _tag: "Exited", code: 7 })
    })
  )

  it.live("a write after the end fails, and closing standard input then does not", () =>
    Effect.gen(function* () {
      const use = Effect.scoped(
        Effect.gen(function* () {
          const session = yield* open({ ...request, stdin: true })
          yield* session.exit
          yield* Effect.sleep(50)
          yield* session.closeStdin
          return yield* Effect.flip(session.write(new Uint8Array(1)))
        })
      )
      const error = yield* against((socket) => socket.terminate(), use)
      assert.strictEqual(error.reason._tag, "OutcomeUnknown")
    })
  )

  const flood = (socket: WebSocket, megabytes: number, sent: { bytes: number }) => {
    const piece = frame(1, Buffer.alloc(64 * 1024))
    const more = () => {
      if (sent.bytes >= megabytes * 1024 * 1024) end(socket, failure(4))
      else if (socket.readyState === socket.OPEN) {
        sent.bytes += piece.length - 1
        socket.send(piece, more)
      }
    }
    more()
  }

  it.live(
    "megabytes that nobody reads do not hold back the exit, and reading them late says what is lost",
    () =>
      Effect.gen(function* () {
        const use = Effect.scoped(
          Effect.gen(function* () {
            const session = yield* open()
            assert.deepEqual(yield* session.exit, { _tag: "Exited", code: 4 })
            return yield* Effect.flip(Stream.runDrain(session.stdout))
          })
        )
        const error = yield* against((socket) => flood(socket, 50, { bytes: 0 }), use)
        assert.strictEqual(error.reason._tag, "Unreadable")
      })
  )

  it.live("a slow reader holds the container back, and loses nothing", () =>
    Effect.gen(function* () {
      const sent = { bytes: 0 }
      const use = Effect.scoped(
        Effect.gen(function* () {
          const session = yield* open()
          let total = 0
          yield* Stream.runForEach(session.stdout, (chunk) =>
            Effect.gen(function* () {
              if (total === 0) {
                yield* Effect.sleep(300)
                assert.isBelow(sent.bytes, 64 * 1024 * 1024)
              }
              total += chunk.length
            })
          )
          return total
        })
      )
      const total = yield* against((socket) => flood(socket, 128, sent), use)
      assert.strictEqual(total, 128 * 1024 * 1024)
    })
  )

  it.live("leaving the scope closes the connection", () =>
    Effect.gen(function* () {
      let closed = false
      const script = (socket: WebSocket) => socket.once("close", () => (closed = true))
      yield* against(script, Effect.andThen(Effect.scoped(open()), Effect.sleep(50)))
      assert.isTrue(closed)
    })
  )
})

describe("before it runs", () => {
  const pod =
    (annotations: Record<string, string>): Handler =>
    (_, response) =>
      json(response, 200, {
        metadata: { name: "db-0", annotations },
        spec: { containers: [{ name: "first" }, { name: "second" }] }
      })
  const { container: _, ...anyContainer } = request

  it.live("without a named container the annotated one is taken, else the first", () =>
    Effect.gen(function* () {
      for (const [annotations, wanted] of [
        [{ "kubectl.kubernetes.io/default-container": "second" }, "second"],
        [{}, "first"]
      ] as const) {
        let asked = ""
        const script = (socket: WebSocket, url: string) => {
          asked = url
          end(socket, { status: "Success" })
        }
        yield* against(script, Effect.scoped(open(anyContainer)), pod(annotations))
        assert.include(asked, `container=${wanted}&`)
      }
    })
  )

  it.live("a refusal is the server's own, and nothing ran", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const status = { kind: "Status", reason: "Forbidden", message: 'pods "db-0" is forbidden' }
      const server = yield* serve((_, response) => json(response, 403, status))
      const error = yield* Effect.flip(
        Effect.provide(Effect.scoped(open()), live(dir, kubeconfig(server.url)))
      )
      assert.strictEqual(error.reason._tag, "Forbidden")
      assert.strictEqual(error.message, status.message)
    })
  )

  it.live("a connection cut in the handshake may have started it; one refused has not", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const server = yield* serve((asked) => asked.socket.destroy())
      const cut = yield* Effect.flip(Effect.provide(Effect.scoped(open()), live(dir, kubeconfig(server.url))))
      assert.strictEqual(cut.reason._tag, "OutcomeUnknown")
      const refused = yield* Effect.flip(
        Effect.provide(Effect.scoped(open()), live(dir, kubeconfig("http://127.0.0.1:1")))
      )
      assert.strictEqual(refused.reason._tag, "Unavailable")
    })
  )

  it.live("TLS, its name and the token hold for exec as for requests", () =>
    Effect.gen(function* () {
      const dir = yield* folder
      const tls = certificate(dir, "DNS:api.example")
      let authorization: string | undefined
      const server = yield* serve(nothing, {
        tls,
        exec: (socket, asked) => {
          authorization = asked.headers.authorization
          end(socket, { status: "Success" })
        }
      })
      const authority = { "certificate-authority-data": base64(tls.cert) }
      const named = kubeconfig(server.url, { token: "t" }, { ...authority, "tls-server-name": "api.example" })
      assert.deepEqual(yield* Effect.provide(exitOf, live(dir, named)), { _tag: "Exited", code: 0 })
      assert.strictEqual(authorization, "Bearer t")
      const unnamed = yield* Effect.flip(
        Effect.provide(exitOf, live(dir, kubeconfig(server.url, {}, authority)))
      )
      assert.match(unnamed.message, /is for another name/)
    })
  )
})
