/** A sandbox with one node and two pods, served, and ways to ask it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { IncomingMessage } from "node:http"
import { request as httpsRequest } from "node:https"
import type { Program } from "../../../packages/sandbox/src/node/Program.ts"
import { make, type Options, type Shape } from "../../../packages/sandbox/src/Sandbox.ts"
import { serve, type ServeOptions, type Served } from "../../../packages/sandbox/src/serve/Server.ts"

export interface Up {
  readonly sandbox: Shape
  readonly served: Served
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Null: none. Default: the administrator's. */
  readonly token?: string | null
}

export interface Got {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly bytes: Buffer
}

/** Says back what it is told on standard input, and how much that was. */
export const parrot: Program = {
  onExec: (_, { argv, stdin, stdout, stderr }) =>
    Effect.gen(function* () {
      if (argv[0] === "sleep") return yield* Effect.never
      let size = 0
      yield* Stream.runForEach(stdin, (bytes) => {
        size += bytes.length
        return stdout(bytes)
      })
      yield* stderr(`${size} bytes\n`)
      return Number(argv[1] ?? 0)
    })
}

export const up = (
  options: Options = {},
  serving: ServeOptions = {}
): Effect.Effect<Up, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const sandbox = yield* make({
      namespaces: ["shop"],
      startMillis: 0,
      programs: () => parrot,
      ...options
    })
    for (const name of ["db-0", "db-1"]) {
      sandbox.create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace: "shop", labels: { app: "db" } },
        spec: { containers: [{ name: "db", image: "db" }] }
      })
    }
    const served = yield* serve(sandbox, serving)
    // The scheduler and the kubelet have had their turn by then.
    yield* Effect.sleep("100 millis")
    return { sandbox, served }
  })

const open = ({ served }: Up, path: string, asked: Asked) => {
  const token = asked.token === undefined ? served.logins[0].token : asked.token
  return httpsRequest(`${served.url}${path}`, {
    method: asked.method ?? "GET",
    ca: served.certificate,
    headers: { ...asked.headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) }
  })
}

/** The answer's head; its body is still to come. */
export const head = (server: Up, path: string, asked: Asked = {}): Effect.Effect<IncomingMessage, Error> =>
  Effect.callback((resume) => {
    const request = open(server, path, asked)
    request.once("response", (response) => resume(Effect.succeed(response)))
    request.once("error", (error) => resume(Effect.fail(error)))
    request.end(asked.body)
  })

export const get = (server: Up, path: string, asked: Asked = {}): Effect.Effect<Got, Error> =>
  Effect.flatMap(head(server, path, asked), (response) =>
    Effect.callback((resume) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.once("error", (error) => resume(Effect.fail(error)))
      response.once("end", () =>
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes: Buffer.concat(chunks)
          })
        )
      )
    })
  )

/** The answer's fields, whatever they are. */
export const json = ({ bytes }: Got): Readonly<Record<string, unknown>> => JSON.parse(bytes.toString())
