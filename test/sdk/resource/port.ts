/** The port in memory: a script answers each request, and every request is kept. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import {
  Cluster,
  ClusterError,
  type Reason,
  type Request,
  type WatchEvent
} from "../../../packages/sdk/src/Cluster.ts"

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** An object becomes JSON; a string stays as it is. */
  readonly body?: unknown
}

export const failure = (tag: Exclude<Reason["_tag"], "TooManyRequests">): ClusterError =>
  new ClusterError({ reason: { _tag: tag }, message: `scripted ${tag}` })

/** A Status, as the API server refuses with. */
export const status = (
  code: number,
  reason: string,
  message = "said the server",
  rest: Record<string, unknown> = {}
): Answer => ({
  status: code,
  body: { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message, ...rest }
})

export interface Port {
  readonly requests: Array<Request>
  readonly watches: Array<Request>
  readonly layer: Layer.Layer<Cluster>
}

export const port = (
  answer: (request: Request, nth: number) => Answer | ClusterError,
  watch: (request: Request, nth: number) => Stream.Stream<WatchEvent, ClusterError> = () => Stream.never
): Port => {
  const requests: Array<Request> = []
  const watches: Array<Request> = []
  const layer = Layer.succeed(Cluster, {
    request: (request) =>
      Effect.suspend(() => {
        requests.push(request)
        const result = answer(request, requests.length)
        if (result instanceof ClusterError) return Effect.fail(result)
        const text = typeof result.body === "string" ? result.body : JSON.stringify(result.body ?? {})
        return Effect.succeed({
          status: result.status ?? 200,
          headers: result.headers ?? {},
          body: Stream.succeed(new TextEncoder().encode(text))
        })
      }),
    watch: (request) =>
      Stream.suspend(() => {
        watches.push(request)
        return watch(request, watches.length)
      }),
    exec: () => Effect.die("no exec here"),
    origin: { context: null, server: "memory:", namespace: "shop", user: null }
  })
  return { requests, watches, layer }
}

export const query = (request: Request | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(request?.query ?? [])

export const object = (name: string, version: number, uid = `uid-${name}`) => ({
  metadata: { name, namespace: "shop", uid, resourceVersion: String(version) }
})
