/** One HTTP exchange: the body in, within the server's limit; the answer out, compressed when asked. */
import * as Effect from "effect/Effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { gzip } from "node:zlib"
import type { Request } from "@kubectl-stateful/sdk/Cluster"
import { type Answer, json } from "../apiserver/Answer.ts"
import type { Route } from "../apiserver/Route.ts"
import { Refusal, tooLarge } from "../apimachinery/Status.ts"

/** Three MiB, the server's own. */
const bodyLimit = 3 * 1024 * 1024

/** Below this the server sends answers as they are. k8s.io/apiserver, responsewriters: defaultGzipThresholdBytes. */
const gzipThreshold = 128 * 1024

/** Sent with every answer, as the server does. */
export const commonHeaders = { "cache-control": "no-cache, private" }

/** Runs a function that may throw a refusal, as an effect that fails with it. */
export const refusable = <A>(evaluate: () => A): Effect.Effect<A, Refusal> =>
  Effect.try({
    try: evaluate,
    catch: (cause) => {
      if (cause instanceof Refusal) return cause
      throw cause
    }
  })

/** An internal error of the sandbox, reported as the server reports its own. */
export const broken = (defect: unknown): Answer => {
  const message = `Internal error occurred: ${String(defect)}`
  return json(
    {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      reason: "InternalError",
      code: 500
    },
    500
  )
}

/** The whole body; a 413 when it is too large, once the client has sent all of it and listens. */
export const readBody = (message: IncomingMessage): Effect.Effect<Buffer, Refusal> =>
  Effect.callback((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    message.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size <= bodyLimit) chunks.push(chunk)
      else chunks.length = 0
    })
    message.once("end", () =>
      resume(size > bodyLimit ? Effect.fail(tooLarge(bodyLimit)) : Effect.succeed(Buffer.concat(chunks)))
    )
    // The client went away: there is nobody to answer.
    message.once("error", () => resume(Effect.interrupt))
  })

const plainMethods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const

const protobuf = "application/vnd.kubernetes.protobuf"

/** True if the handler of the route parses the body. All other bodies are refused without parsing. */
const isRead = (method: Request["method"], route: Route): boolean =>
  route._tag === "Review" ||
  (route._tag === "Resource" &&
    // A custom resource has no form in protobuf; the options of its deletion have.
    (!route.type.custom || method === "DELETE") &&
    (route.subresource === undefined || route.type.subresources.some((each) => each === route.subresource)))

/**
 * The request with its body, converted to JSON if it came as protobuf. Fails with the refusal of the body.
 */
export const withBody = (request: Request, route: Route, bytes: Buffer): Effect.Effect<Request, Refusal> => {
  const { "content-type": contentType = "", ...headers } = request.headers ?? {}
  const mediaType = contentType.split(";")[0]?.trim().toLowerCase()
  if (mediaType !== protobuf || !isRead(request.method, route)) {
    return Effect.succeed({ ...request, body: bytes.toString("utf8") })
  }
  return Effect.promise(() => import("./Protobuf.ts")).pipe(
    Effect.flatMap(({ toJson }) => refusable(() => toJson(bytes))),
    Effect.map((body) => ({
      ...request,
      headers: { ...headers, "content-type": "application/json" },
      body
    }))
  )
}

/** The request line and the headers that the API reads; undefined for a method that it has no verb for. */
export const requestOf = (message: IncomingMessage, url: URL): Request | undefined => {
  const method = plainMethods.find((each) => each === message.method)
  if (method === undefined) return undefined
  const headers: Record<string, string> = {}
  for (const name of ["accept", "content-type"]) {
    const value = message.headers[name]
    if (typeof value === "string") headers[name] = value
  }
  return { method, path: url.pathname, query: [...url.searchParams], headers }
}

const compressed = (body: string): Effect.Effect<Buffer> =>
  Effect.callback((resume) =>
    gzip(body, { level: 1 }, (error, bytes) =>
      resume(error === null ? Effect.succeed(bytes) : Effect.die(error))
    )
  )

export const send = (
  message: IncomingMessage,
  response: ServerResponse,
  answer: Answer
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const wants = /\bgzip\b/.test(message.headers["accept-encoding"] ?? "")
    const small = answer.body.length < gzipThreshold
    const body = wants && !small ? yield* compressed(answer.body) : Buffer.from(answer.body)
    const { warning, ...headers } = answer.headers
    response.writeHead(answer.status, {
      ...commonHeaders,
      ...headers,
      // Bytes, each as a character: a client's own words may stand in it.
      ...(warning === undefined ? {} : { warning: Buffer.from(warning).toString("latin1") }),
      ...(wants && !small ? { "content-encoding": "gzip", vary: "Accept-Encoding" } : {}),
      "content-length": body.length
    })
    response.end(body)
  })
