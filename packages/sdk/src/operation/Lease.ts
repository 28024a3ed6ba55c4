/**
 * The Lease of an app: who acts on it now, for other callers to see.
 *
 * It is politeness and not safety, which is the fence's: so it may be short, and a dead caller's
 * operation can be taken up within two seconds. Whether a holder lives is judged by whether its
 * renewals are seen to move, on this caller's monotonic clock: the clocks of two machines are never
 * compared.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { ClusterError } from "../Cluster.ts"
import { ensure, orNull } from "./Ensure.ts"
import { because, OperationError } from "./OperationError.ts"
import * as Resource from "../Resource.ts"

/** How often a holder renews, in milliseconds. */
export const renewEvery = 400
/** A holder that was not seen to renew for so long is taken for dead, in milliseconds. */
export const silence = 1200

const Body = Schema.Struct({
  metadata: Schema.Struct({ uid: Schema.String, resourceVersion: Schema.String }),
  spec: Schema.Struct({
    holderIdentity: Schema.optional(Schema.NullOr(Schema.String)),
    acquireTime: Schema.optional(Schema.NullOr(Schema.String)),
    renewTime: Schema.optional(Schema.NullOr(Schema.String))
  })
})
type Body = typeof Body.Type

export interface Claimant {
  readonly namespace: string
  readonly app: string
  /** `<operation>.<run>`. */
  readonly token: string
  /** Who, in words: `ann@laptop`. */
  readonly identity: string
}

/** The Lease's name. */
export const nameOf = (app: string): string => `kubectl-stateful.${app}`

const holderOf = (claimant: Claimant): string => `${claimant.token} ${claimant.identity}`

const target = (claimant: Claimant): Resource.Target => ({
  api: Resource.leases,
  namespace: claimant.namespace,
  name: nameOf(claimant.app)
})

const accept = (value: unknown, app: string): Effect.Effect<Body, ClusterError> =>
  Effect.mapError(
    Schema.decodeUnknownEffect(Body)(value),
    () =>
      new ClusterError({ reason: { _tag: "Unreadable" }, message: `lease "${nameOf(app)}" is not readable` })
  )

const look = (claimant: Claimant): Effect.Effect<Body | null, ClusterError, Cluster> =>
  orNull(Effect.flatMap(Resource.get(target(claimant)), (object) => accept(object, claimant.app)))

/** `2026-11-20T10:00:00.000000Z`, as the API's MicroTime wants it. */
const now: Effect.Effect<string> = Effect.map(DateTime.now, (instant) =>
  DateTime.formatIso(instant).replace("Z", "000Z")
)

const isHeldBy = (body: Body | null, claimant: Claimant): boolean =>
  body?.spec.holderIdentity === holderOf(claimant)

const held = (body: Body, app: string): OperationError => {
  const [token = "", ...identity] = (body.spec.holderIdentity ?? "").split(" ")
  const operation = token.split(".")[0] ?? token
  const since = body.spec.acquireTime ?? "an unknown time"
  const holder = identity.join(" ") || "an unknown caller"
  return new OperationError({
    reason: { _tag: "Held", operation, holder, since },
    message: `${holder} runs operation ${operation} on ${app} since ${since.replace(/\.\d+Z$/, "Z")}`,
    action: `wait for it, or take it over: kubectl stateful resume ${operation} --take-over`
  })
}

/** The holder that lives, as an error; null: nobody does. `resourceVersion` moves with each renewal. */
const livingHolder = (claimant: Claimant): Effect.Effect<OperationError | null, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const first = yield* look(claimant)
    if (first === null || isHeldBy(first, claimant) || !first.spec.holderIdentity) return null
    const began = first.metadata.resourceVersion
    for (let waited = 0; waited < silence; waited += renewEvery) {
      yield* Effect.sleep(renewEvery)
      const next = yield* look(claimant)
      if (next === null) return null
      if (next.metadata.resourceVersion !== began) return held(next, claimant.app)
    }
    return null
  })

const specOf = (claimant: Claimant, time: string) => ({
  holderIdentity: holderOf(claimant),
  leaseDurationSeconds: Math.ceil(silence / 1000),
  acquireTime: time,
  renewTime: time
})

const createLease = (
  claimant: Claimant,
  spec: ReturnType<typeof specOf>,
  options: Resource.WriteOptions = {}
): Effect.Effect<Resource.KubeObject, ClusterError, Cluster> =>
  Resource.create(
    { api: Resource.leases, namespace: claimant.namespace },
    {
      metadata: {
        name: nameOf(claimant.app),
        labels: { "app.kubernetes.io/managed-by": "kubectl-stateful" }
      },
      spec
    },
    options
  )

/** Whether the server would take a new Lease of this caller; one that is there was taken. */
export const tryOut = (claimant: Claimant): Effect.Effect<void, ClusterError, Cluster> =>
  Effect.flatMap(now, (time) => createLease(claimant, specOf(claimant, time), { dryRun: true })).pipe(
    Effect.catchIf(
      (error) => error.reason._tag === "AlreadyExists",
      () => Effect.void
    ),
    Effect.asVoid
  )

export interface Acquiring {
  /** Do not wait for the silence of a holder. */
  readonly takeOver: boolean
  /** What has to succeed before the Lease is written, done while a holder's silence is waited for. */
  readonly before?: Effect.Effect<void, ClusterError | OperationError, Cluster>
}

/** Makes this caller the holder, once nobody else is or `takeOver` says that nobody else may be. */
export const acquire = (
  claimant: Claimant,
  options: Acquiring
): Effect.Effect<void, ClusterError | OperationError, Cluster> =>
  Effect.gen(function* () {
    const [holder] = yield* Effect.all(
      [options.takeOver ? Effect.succeed(null) : livingHolder(claimant), options.before ?? Effect.void],
      { concurrency: 2 }
    )
    if (holder !== null) yield* Effect.fail(holder)
    let before: string | null = null
    yield* ensure<Body | null>({
      look: look(claimant),
      done: (body) => isHeldBy(body, claimant),
      stop: (body) => {
        // Between our look and our write somebody else was quicker.
        const other = body === null || !body.spec.holderIdentity ? null : body.spec.holderIdentity
        const changed = before !== null && other !== before
        before = other ?? ""
        return changed && other !== null && other !== "" && body !== null && !options.takeOver
          ? held(body, claimant.app)
          : null
      },
      write: (body) =>
        Effect.flatMap(now, (time) => {
          const spec = specOf(claimant, time)
          return Effect.flatMap(
            body === null
              ? createLease(claimant, spec)
              : Resource.patch(target(claimant), {
                  _tag: "Json",
                  operations: [
                    { op: "test", path: "/metadata/resourceVersion", value: body.metadata.resourceVersion },
                    { op: "replace", path: "/spec", value: spec }
                  ]
                }),
            (object) => accept(object, claimant.app)
          )
        })
    })
  })

/** Renews once; refused as Invalid where somebody else is the holder. */
const touch = (claimant: Claimant): Effect.Effect<unknown, ClusterError, Cluster> =>
  Effect.flatMap(now, (time) =>
    Resource.patch(target(claimant), {
      _tag: "Json",
      operations: [
        { op: "test", path: "/spec/holderIdentity", value: holderOf(claimant) },
        { op: "replace", path: "/spec/renewTime", value: time }
      ]
    })
  )

/** Renews until somebody else is the holder; never ends by itself, and outlives a lost network. */
export const renew = (claimant: Claimant): Effect.Effect<never, OperationError, Cluster> =>
  Effect.gen(function* () {
    while (true) {
      yield* Effect.sleep(renewEvery)
      const renewed = yield* Effect.result(touch(claimant))
      if (renewed._tag === "Success") continue
      if (!["Invalid", "NotFound"].includes(renewed.failure.reason._tag)) continue
      const body = yield* Effect.result(look(claimant))
      // Without a Lease the fence alone decides.
      if (body._tag === "Success" && body.success !== null && !isHeldBy(body.success, claimant)) {
        return yield* Effect.fail(
          because(
            "Fenced",
            `another caller has taken over ${claimant.app}`,
            "this caller changes nothing more; `kubectl stateful operations` shows what goes on"
          )
        )
      }
    }
  })

/** Deletes the Lease if it is still this caller's, which a write proves: a read may lag behind. */
export const release = (claimant: Claimant): Effect.Effect<void, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const body = yield* touch(claimant).pipe(Effect.flatMap((object) => accept(object, claimant.app)))
    yield* Resource.remove(target(claimant), {
      uid: body.metadata.uid,
      resourceVersion: body.metadata.resourceVersion
    })
  }).pipe(
    Effect.retry({
      times: 4,
      while: (error) => ["Conflict", "OutcomeUnknown"].includes(error.reason._tag)
    }),
    Effect.catchIf(
      (error) => ["Invalid", "NotFound"].includes(error.reason._tag),
      () => Effect.void
    )
  )
