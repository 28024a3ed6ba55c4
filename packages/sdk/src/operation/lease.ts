/**
 * The Lease of a guarded object shows other processes who works on it. It is next to the object and not next
 * to the journal, so that every operation on the object finds it.
 *
 * It is advisory; the fence is authoritative. Its times are those of client-go's leaders. Whether a holder is
 * alive is judged by whether its renewals change, on this process' monotonic clock: the clocks of two
 * machines are never compared. A holder that ran on this machine and has exited is not waited for.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Resource from "../Resource.ts"
import { type Cluster, ClusterError } from "../Cluster.ts"
import { digest } from "../Digest.ts"
import { ensure } from "./Ensure.ts"
import { Holder } from "./Holder.ts"
import { optional } from "../kind/Meta.ts"
import { goneWords, isGoing } from "./NamespaceGone.ts"
import { because, OperationError } from "./OperationError.ts"
import { isOperationId, lookAtOperations, operationTitle, replacedWay, resumeCommand } from "./OperationId.ts"
import { homeOf, operationOf } from "./Token.ts"
import type { Place } from "./Guarded.ts"
import { holderProcessAnnotation, managedBy } from "../Labels.ts"
import { longestName } from "../ObjectName.ts"
import { millisSince } from "../Elapsed.ts"

/** Interval at which a holder renews, in milliseconds. */
export const renewInterval = 5000
/** A holder without a renewal for this long is considered dead, in milliseconds. */
export const leaseDuration = 15_000
/** Interval at which a Lease is read while waiting for its expiry, in milliseconds. */
const lookInterval = 1000

const Body = Schema.Struct({
  metadata: Schema.Struct({
    uid: Schema.String,
    resourceVersion: Schema.String,
    annotations: optional(Schema.Record(Schema.String, Schema.String))
  }),
  /** Anybody may write one without. */
  spec: optional(
    Schema.Struct({
      holderIdentity: optional(Schema.String),
      acquireTime: optional(Schema.String),
      renewTime: optional(Schema.String)
    })
  )
})
type Body = typeof Body.Type

/** The process that wants to hold the Lease, and the object. */
export interface Candidate extends Place {
  /** The run's. */
  readonly token: string
  /** The name of the user or process: `ann@laptop`. */
  readonly identity: string
}

/**
 * The Lease's name; a StatefulSet's Lease has its own name, since most operations own StatefulSets. No two
 * objects have the same Lease name, and none is too long.
 */
export const nameOf = ({ kind, name }: Pick<Place, "kind" | "name">): string => {
  const plain =
    kind === "StatefulSet" ? `kubectl-stateful.${name}` : `kubectl-stateful-${kind.toLowerCase()}.${name}`
  return plain.length > longestName ? `kubectl-stateful-${digest([kind, name])}` : plain
}

const holderOf = (candidate: Candidate): string => `${candidate.token} ${candidate.identity}`

const target = (candidate: Candidate): Resource.Target => ({
  api: Resource.leases,
  namespace: candidate.namespace,
  name: nameOf(candidate)
})

const accept = (value: unknown, candidate: Candidate): Effect.Effect<Body, ClusterError> =>
  Effect.mapError(
    Schema.decodeUnknownEffect(Body)(value),
    () =>
      new ClusterError({
        reason: { _tag: "Unreadable" },
        message: `lease "${nameOf(candidate)}" cannot be read`
      })
  )

const look = (candidate: Candidate): Effect.Effect<Body | null, ClusterError, Cluster> =>
  Effect.flatMap(Resource.findObject(target(candidate)), (object) =>
    object === null ? Effect.succeed(null) : accept(object, candidate)
  )

/** `2026-11-20T10:00:00.000000Z`, as the API's MicroTime wants it. */
const now: Effect.Effect<string> = Effect.map(DateTime.now, (instant) =>
  DateTime.formatIso(instant).replace("Z", "000Z")
)

const isHeldBy = (body: Body | null, candidate: Candidate): boolean =>
  body?.spec?.holderIdentity === holderOf(candidate)

const held = (body: Body, { name, namespace }: Candidate): OperationError => {
  const [token = "", ...identity] = (body.spec?.holderIdentity ?? "").split(" ")
  const operation = operationOf(token)
  const home = homeOf(token, namespace)
  const since = body.spec?.acquireTime ?? "an unknown time"
  const holder = identity.join(" ") || "an unknown process"
  return new OperationError({
    reason: { _tag: "Held", operation, holder, since },
    message: `${holder} runs ${operationTitle(operation)} on ${name} since ${since.replace(/\.\d+Z$/, "Z")}`,
    action: isOperationId(operation)
      ? `wait for it, or take it over: ${resumeCommand({ id: operation, home }, "--take-over")}`
      : `wait for it, or ${lookAtOperations(namespace)}`
  })
}

/** The current holder, as an error; `null` if there is none. `resourceVersion` changes with each renewal. */
const livingHolder = (candidate: Candidate): Effect.Effect<OperationError | null, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const first = yield* look(candidate)
    if (first === null || isHeldBy(first, candidate) || !first.spec?.holderIdentity) return null
    const { isGone } = yield* Holder
    const process = first.metadata.annotations?.[holderProcessAnnotation]
    if (process !== undefined && (yield* isGone(process))) return null
    const seen = first.metadata.resourceVersion
    const began = yield* Clock.monotonicTimeNanos
    while ((yield* millisSince(began)) < leaseDuration) {
      yield* Effect.sleep(lookInterval)
      const next = yield* look(candidate)
      if (next === null) return null
      if (next.metadata.resourceVersion !== seen) return held(next, candidate)
    }
    return null
  })

const specOf = (candidate: Candidate, time: string) => ({
  holderIdentity: holderOf(candidate),
  leaseDurationSeconds: leaseDuration / 1000,
  acquireTime: time,
  renewTime: time
})

const createLease = (
  candidate: Candidate,
  spec: ReturnType<typeof specOf>,
  options: Resource.WriteOptions = {}
): Effect.Effect<Resource.KubeObject, ClusterError, Cluster> =>
  Effect.flatMap(Holder, ({ self }) =>
    Resource.create(
      { api: Resource.leases, namespace: candidate.namespace },
      {
        metadata: {
          name: nameOf(candidate),
          labels: managedBy,
          ...(self === null ? {} : { annotations: { [holderProcessAnnotation]: self } })
        },
        spec
      },
      options
    )
  )

/** Takes over an existing Lease, replacing the previous holder. */
const takeLease = (
  candidate: Candidate,
  { metadata }: Body,
  spec: ReturnType<typeof specOf>
): Effect.Effect<Resource.KubeObject, ClusterError, Cluster> =>
  Effect.flatMap(Holder, ({ self }) =>
    Resource.patch(target(candidate), {
      _tag: "Json",
      operations: [
        { op: "test", path: "/metadata/resourceVersion", value: metadata.resourceVersion },
        {
          op: "add",
          path: "/metadata/annotations",
          value: self === null ? {} : { [holderProcessAnnotation]: self }
        },
        { op: "add", path: "/spec", value: spec }
      ]
    })
  )

/** Checks whether the server would accept a new Lease of this process; an existing one was accepted. */
export const tryOut = (candidate: Candidate): Effect.Effect<void, ClusterError, Cluster> =>
  Effect.flatMap(now, (time) => createLease(candidate, specOf(candidate, time), { dryRun: true })).pipe(
    Effect.catchReason("ClusterError", "AlreadyExists", () => Effect.void),
    Effect.asVoid
  )

export interface Acquiring {
  /** Do not wait for the silence of a holder. */
  readonly takeOver: boolean
  /** Work that has to succeed before the Lease is written, done while waiting for its expiry. */
  readonly before?: Effect.Effect<void, ClusterError | OperationError, Cluster>
}

/** Makes this process the holder, once there is no other or with `takeOver`. */
export const acquire = (
  candidate: Candidate,
  options: Acquiring
): Effect.Effect<void, ClusterError | OperationError, Cluster> =>
  Effect.gen(function* () {
    const [holder] = yield* Effect.all(
      [options.takeOver ? Effect.succeed(null) : livingHolder(candidate), options.before ?? Effect.void],
      { concurrency: 2 }
    )
    if (holder !== null) return yield* Effect.fail(holder)
    let before: string | null = null
    yield* ensure<Body | null>({
      look: look(candidate),
      done: (body) => isHeldBy(body, candidate),
      stop: (body) => {
        // Written by ourselves, and the answer was lost.
        if (isHeldBy(body, candidate)) return null
        // Between our look and our write somebody else was quicker.
        const other = body === null || !body.spec?.holderIdentity ? null : body.spec?.holderIdentity
        const changed = before !== null && other !== before
        before = other ?? ""
        return changed && other !== null && other !== "" && body !== null && !options.takeOver
          ? held(body, candidate)
          : null
      },
      write: (body) =>
        Effect.flatMap(now, (time) => {
          const spec = specOf(candidate, time)
          return Effect.flatMap(
            body === null ? createLease(candidate, spec) : takeLease(candidate, body, spec),
            (object) => accept(object, candidate)
          )
        })
    })
  })

/** Renews once; refused as Invalid if another process is the holder. */
const touch = (candidate: Candidate): Effect.Effect<unknown, ClusterError, Cluster> =>
  Effect.flatMap(now, (time) =>
    Resource.patch(target(candidate), {
      _tag: "Json",
      operations: [
        { op: "test", path: "/spec/holderIdentity", value: holderOf(candidate) },
        { op: "replace", path: "/spec/renewTime", value: time }
      ]
    })
  )

/** Renews until another process is the holder; never ends by itself, and survives a network failure. */
export const renew = (candidate: Candidate): Effect.Effect<never, OperationError, Cluster> =>
  Effect.gen(function* () {
    while (true) {
      yield* Effect.sleep(renewInterval)
      const renewed = yield* Effect.result(touch(candidate))
      if (renewed._tag === "Success") continue
      if (!["Invalid", "NotFound"].includes(renewed.failure.reason._tag)) continue
      const body = yield* Effect.result(look(candidate))
      const { namespace } = candidate
      const isLost = body._tag === "Success" && body.success === null
      if (isLost && (yield* Effect.orElseSucceed(isGoing(namespace), () => false)))
        return yield* because("NotFound", goneWords(namespace))
      // Without a Lease the fence alone decides.
      if (body._tag === "Success" && body.success !== null && !isHeldBy(body.success, candidate)) {
        return yield* because(
          "Fenced",
          `another process has taken over ${candidate.name}`,
          replacedWay(namespace)
        )
      }
    }
  })

/** Deletes the Lease if it is still this process', which only a write proves: a read may lag behind. */
export const release = (candidate: Candidate): Effect.Effect<void, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const body = yield* touch(candidate).pipe(Effect.flatMap((object) => accept(object, candidate)))
    yield* Resource.remove(target(candidate), Resource.asRead(body.metadata))
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
