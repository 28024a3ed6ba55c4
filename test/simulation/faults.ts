/** Faults on the way to a cluster: one call fails, loses its answer, or is the last that its caller makes. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Cluster, ClusterError, type Request } from "../../packages/sdk/src/Cluster.ts"
import { isWrite } from "../../packages/sdk/src/resource/Status.ts"

/**
 * - `unsent`: the call fails before it is sent.
 * - `lost`: it has its effect, and the answer is lost.
 * - `crashBefore`, `crashAfter`: its caller dies before it is sent, or before it hears the answer.
 */
export type FaultKind = "unsent" | "lost" | "crashBefore" | "crashAfter"

export interface Faulty {
  readonly cluster: Cluster["Service"]
  /** Calls so far: requests, watches and execs. */
  readonly calls: () => number
  /** Whether its caller is dead. */
  readonly isDead: () => boolean
}

const unavailable = (request: Pick<Request, "method" | "path">) =>
  new ClusterError({
    reason: { _tag: "Unavailable" },
    message: `${request.method} ${request.path}: connection refused`
  })

const lost = (request: Request) =>
  new ClusterError({
    reason: isWrite(request) ? { _tag: "OutcomeUnknown" } : { _tag: "Unavailable" },
    message: `${request.method} ${request.path}: connection reset`
  })

/** The port with one fault, at the `index`th call from 1; `observe` sees each call before it is sent. */
export const faulty = (
  inner: Cluster["Service"],
  fault: { readonly index: number; readonly kind: FaultKind } | null,
  observe: (call: { readonly request?: Request; readonly command?: ReadonlyArray<string> }) => void = () => {}
): Faulty => {
  let calls = 0
  let dead = false
  const hit = (): FaultKind | null => {
    calls += 1
    if (fault === null || calls !== fault.index) return null
    if (fault.kind === "crashBefore" || fault.kind === "crashAfter") dead = true
    return fault.kind
  }
  const cluster: Cluster["Service"] = {
    origin: inner.origin,
    request: (request) =>
      Effect.suspend(() => {
        if (dead) return Effect.never
        const kind = hit()
        if (kind === "unsent") return Effect.fail(unavailable(request))
        if (kind === "crashBefore") return Effect.never
        observe({ request })
        if (kind === "lost") return Effect.andThen(inner.request(request), Effect.fail(lost(request)))
        if (kind === "crashAfter") return Effect.andThen(inner.request(request), Effect.never)
        return inner.request(request)
      }),
    watch: (request) =>
      Stream.suspend(() => {
        if (dead) return Stream.never
        const kind = hit()
        if (kind === "unsent") return Stream.fail(unavailable(request))
        // A watch that goes silent: nothing comes, and it does not end.
        if (kind !== null) return Stream.never
        return inner.watch(request)
      }),
    exec: (request) =>
      Effect.suspend(() => {
        if (dead) return Effect.never
        const kind = hit()
        if (kind === "unsent") {
          return Effect.fail(unavailable({ method: "POST", path: `exec ${request.pod}` }))
        }
        if (kind === "crashBefore") return Effect.never
        observe({ command: request.command })
        const session = inner.exec(request)
        if (kind === "crashAfter") {
          return Effect.andThen(
            Effect.flatMap(session, ({ exit }) => exit),
            Effect.never
          )
        }
        if (kind !== "lost") return session
        return Effect.map(session, (open) => ({
          ...open,
          stdout: Stream.drain(open.stdout),
          exit: Effect.as(open.exit, { _tag: "Unknown" as const, message: "the connection closed" })
        }))
      })
  }
  return { cluster, calls: () => calls, isDead: () => dead }
}
