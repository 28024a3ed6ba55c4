/** A cluster with faults injected between it and its client; over the sandbox or over a live one. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import {
  type Cluster,
  ClusterError,
  type ExecRequest,
  type Request,
  type Response,
  type WatchEvent
} from "@kubectl-stateful/sdk/Cluster"
import { describeRequest, fromStatus, isWrite, outcomeUnknown } from "@kubectl-stateful/sdk/resource/Status"
import { type Call, type Fault, format, type Plan } from "./Fault.ts"

/** The recorded calls, for an assertion's message. */
export interface Record {
  readonly calls: ReadonlyArray<Call>
  /** The line that gives these faults again: `parse` takes it. */
  readonly replay: () => string
}

const unavailable = (request: Request): ClusterError =>
  new ClusterError({
    reason: { _tag: "Unavailable" },
    message: `${describeRequest(request)}: the server could not be reached`
  })

const encoder = new TextEncoder()

const refusal = (code: number, reason: string, message: string, retryAfterSeconds?: number): Response => ({
  status: code,
  headers: {
    "content-type": "application/json",
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) })
  },
  body: Stream.succeed(
    encoder.encode(
      JSON.stringify({
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message,
        reason,
        code
      })
    )
  )
})

const throttled = (seconds: number): Response =>
  refusal(429, "TooManyRequests", "too many requests, please try again later", seconds)

const tooOld = "too old resource version: 1 (2)"

const expiredEvent: WatchEvent = {
  type: "ERROR",
  object: {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: tooOld,
    reason: "Expired",
    code: 410
  }
}

const execAsRequest = (exec: ExecRequest): Request => ({
  method: "GET",
  path: `/api/v1/namespaces/${exec.namespace}/pods/${exec.pod}/exec`
})

/** A whole answer, kept so that it can be given again. */
const kept = (response: Response): Effect.Effect<Response, ClusterError> =>
  Effect.map(Stream.runCollect(response.body), (chunks) => ({
    ...response,
    body: Stream.fromIterable(chunks)
  }))

/**
 * The cluster with the plan's faults injected. Use one per client: the calls are counted, and the cluster of
 * a client that crashed stays unavailable.
 */
export const inject = (
  cluster: Cluster["Service"],
  plan: Plan
): { readonly cluster: Cluster["Service"]; readonly record: Record } => {
  const calls: Array<Call> = []
  const met: Array<readonly [number, Fault]> = []
  const before = new Map<string, Response>()
  let dead = false

  const next = (kind: Call["kind"], request: Request): Fault | undefined => {
    const call: Call = {
      index: calls.length + 1,
      kind,
      request,
      write: kind === "request" && isWrite(request)
    }
    calls.push(call)
    const fault = plan(call)
    if (fault !== undefined) met.push([call.index, fault])
    return fault
  }

  const die = Effect.suspend(() => {
    dead = true
    return Effect.interrupt
  })

  const request: Cluster["Service"]["request"] = (asked) =>
    Effect.suspend(() => {
      if (dead) return Effect.interrupt
      const fault = next("request", asked)
      const key = `${asked.method} ${asked.path}?${JSON.stringify(asked.query ?? [])}`
      const sent =
        asked.method === "GET"
          ? cluster.request(asked).pipe(
              Effect.flatMap(kept),
              Effect.tap((response) => Effect.sync(() => before.set(key, response)))
            )
          : cluster.request(asked)
      switch (fault?._tag) {
        case undefined:
        case "Cut":
          return sent
        case "LoseReply":
          return Effect.andThen(
            sent,
            Effect.fail(
              isWrite(asked)
                ? outcomeUnknown(asked, "the connection closed before the answer came")
                : unavailable(asked)
            )
          )
        case "Fail":
          return Effect.fail(unavailable(asked))
        case "Throttle":
          return Effect.succeed(throttled(fault.retryAfterSeconds))
        case "Expire":
          return Effect.succeed(refusal(410, "Expired", tooOld))
        case "Delay":
          return Effect.andThen(Effect.sleep(fault.millis), sent)
        case "Lag": {
          const old = before.get(key)
          return old === undefined || asked.method !== "GET" ? sent : Effect.succeed(old)
        }
        case "Kill":
          break
      }
      return fault.applied ? Effect.andThen(sent, die) : die
    })

  const watch: Cluster["Service"]["watch"] = (asked) =>
    Stream.suspend(() => {
      if (dead) return Stream.fromEffect(Effect.interrupt)
      const fault = next("watch", asked)
      const started = cluster.watch(asked)
      switch (fault?._tag) {
        case undefined:
        case "Lag":
          return started
        case "Fail":
        case "LoseReply":
          return Stream.fail(unavailable(asked))
        case "Throttle":
          return Stream.fail(
            fromStatus(
              asked,
              429,
              { "retry-after": String(fault.retryAfterSeconds) },
              { kind: "Status", reason: "TooManyRequests" }
            )
          )
        case "Expire":
          return Stream.succeed(expiredEvent)
        case "Cut":
          return Stream.take(started, fault.after)
        case "Delay":
          return Stream.concat(Stream.fromEffectDrain(Effect.sleep(fault.millis)), started)
        case "Kill":
          break
      }
      return Stream.fromEffect(die)
    })

  const exec: Cluster["Service"]["exec"] = (asked) =>
    Effect.suspend(() => {
      if (dead) return Effect.interrupt
      const fault = next("exec", execAsRequest(asked))
      const started = cluster.exec(asked)
      const cut = Effect.map(started, (session) => ({
        ...session,
        exit: Effect.as(session.exit, {
          _tag: "Unknown" as const,
          message: "the connection closed before the exit status came"
        })
      }))
      switch (fault?._tag) {
        case undefined:
        case "Lag":
        case "Expire":
          return started
        case "Fail":
        case "Throttle":
          return Effect.fail(unavailable(execAsRequest(asked)))
        case "LoseReply":
        case "Cut":
          return cut
        case "Delay":
          return Effect.andThen(Effect.sleep(fault.millis), started)
        case "Kill":
          break
      }
      return fault.applied ? Effect.andThen(started, die) : die
    })

  return {
    cluster: { request, watch, exec, origin: cluster.origin },
    record: { calls, replay: () => format(met) }
  }
}
