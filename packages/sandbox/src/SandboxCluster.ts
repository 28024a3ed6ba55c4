/** The sandbox behind the `Cluster` port: the same three calls as the live one. */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type {
  Cluster,
  ClusterError,
  ExecRequest,
  ExecSession,
  Request,
  Response,
  WatchEvent
} from "@kubectl-stateful/sdk/Cluster"
import { fromStatus } from "@kubectl-stateful/sdk/resource/Status"
import type * as Access from "./apiserver/Access.ts"
import type { Answer } from "./apiserver/Answer.ts"
import type { Api } from "./apiserver/Api.ts"
import * as Processes from "./node/Processes.ts"
import { pods } from "./registry/kinds/core.ts"
import * as Status from "./apimachinery/Status.ts"
import { Watch } from "./apiserver/Watch.ts"

const encoder = new TextEncoder()

/** The server's own choice of a watch's length lies between these; the middle does. */
const watchMillis = 45 * 60_000

/** About once a minute, as the watch cache sends them. */
const bookmarkMillis = 60_000

const toResponse = ({ status, headers, body }: Answer): Response => ({
  status,
  headers,
  body: Stream.suspend(() => Stream.succeed(encoder.encode(body)))
})

const refusalOf = (request: Request, { status, headers, body }: Answer): ClusterError => {
  let parsed: unknown = null
  try {
    parsed = JSON.parse(body)
  } catch {
    // A plain text page carries no Status.
  }
  return fromStatus(request, status, headers, parsed)
}

const events = (api: Api, watch: Watch): Stream.Stream<WatchEvent> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const { store, now } = api.registry
      const changed = Latch.makeUnsafe()
      const stop = store.listen((change) => {
        if (change.type === watch.type) changed.openUnsafe()
      })
      yield* Effect.addFinalizer(() => Effect.sync(stop))
      const end = now() + (watch.timeoutSeconds === undefined ? watchMillis : watch.timeoutSeconds * 1000)
      let bookmark = watch.bookmarks ? now() + bookmarkMillis : Number.POSITIVE_INFINITY
      // Beside the changes the clock wakes the watch: for its bookmarks, and for its end. The
      // ticks are the clock's own, whether or not anyone pulls.
      let tick = now()
      const wakeUp = Effect.suspend(() => {
        if (tick >= end) return Effect.never
        const next = watch.bookmarks ? Math.min(tick + bookmarkMillis, end) : end
        const wait = next - tick
        tick = next
        return Effect.andThen(
          Effect.sleep(wait),
          Effect.sync(() => {
            changed.openUnsafe()
          })
        )
      })
      yield* Effect.forkScoped(Effect.forever(wakeUp), { startImmediately: true })
      const pull: Effect.Effect<Arr.NonEmptyReadonlyArray<WatchEvent>, Cause.Done> = Effect.suspend(() => {
        changed.closeUnsafe()
        const found = watch.next()
        if (Arr.isReadonlyArrayNonEmpty(found)) return Effect.succeed(found)
        const time = now()
        if (watch.over || time >= end) return Cause.done()
        if (time >= bookmark) {
          bookmark = time + bookmarkMillis
          return Effect.succeed(Arr.of(watch.bookmark()))
        }
        return Effect.flatMap(changed.await, () => pull)
      })
      return Stream.fromPull(Effect.succeed(pull))
    })
  )

const execError = (request: ExecRequest, refusal: Status.Refusal): ClusterError =>
  fromStatus(
    { method: "GET", path: `/api/v1/namespaces/${request.namespace}/pods/${request.pod}/exec` },
    refusal.status.code,
    {},
    refusal.status
  )

const openExec = (
  api: Api,
  processes: Processes.Processes,
  user: Access.User,
  request: ExecRequest
): Effect.Effect<ExecSession, ClusterError, Scope.Scope> =>
  Effect.suspend(() => {
    try {
      api.authorizeExec(user, request.namespace, request.pod)
      const pod = api.registry.find(pods, request.namespace, request.pod)
      const name =
        request.container ??
        pod.metadata.annotations?.["kubectl.kubernetes.io/default-container"] ??
        pod.spec.containers[0]?.name ??
        ""
      if (!pod.spec.containers.some((container) => container.name === name)) {
        throw Status.badRequest(`container ${name} is not valid for pod ${request.pod}`)
      }
      if (pod.spec.nodeName === undefined) {
        throw Status.badRequest(`pod ${request.pod} does not have a host assigned`)
      }
      const process = processes.get(pod.metadata.uid, name)
      if (process === undefined) {
        throw Status.plain(500, `unable to upgrade connection: container not found (${JSON.stringify(name)})`)
      }
      if (!process.isReachable()) {
        throw Status.plain(500, `error dialing backend: dial tcp: no route to node ${pod.spec.nodeName}`)
      }
      return Processes.exec(process, request.command)
    } catch (refusal) {
      if (refusal instanceof Status.Refusal) return Effect.fail(execError(request, refusal))
      throw refusal
    }
  })

/** The port as one user sees it. */
export const forUser = (api: Api, processes: Processes.Processes, user: Access.User): Cluster["Service"] => ({
  request: (request) => Effect.sync(() => toResponse(api.handle(request, user))),
  watch: (request) =>
    Stream.suspend(() => {
      const withWatch: Request = api.isWatch(request)
        ? request
        : { ...request, query: [...(request.query ?? []), ["watch", "true"]] }
      const started = api.watch(withWatch, user)
      return started instanceof Watch ? events(api, started) : Stream.fail(refusalOf(withWatch, started))
    }),
  exec: (request) => openExec(api, processes, user, request),
  origin: { context: "sandbox", server: "sandbox", namespace: "default", user: user.name }
})
