/**
 * Health and quorum, measured live: pods are listed again and their application is asked, since a cache shows
 * deleted members and Ready does not mean caught up.
 */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { run, type Member } from "../Hook.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { because } from "../operation/OperationError.ts"
import type { Failure } from "../operation/StepContext.ts"
import { format } from "../GoDuration.ts"
import { wanted, range } from "../Ordinal.ts"
import { proxyPath, queryOf } from "../PodUrl.ts"
import type { HttpHealth, Profile } from "../Profile.ts"
import { needed, type Quorum } from "../Quorum.ts"
import * as Resource from "../Resource.ts"
import { Patience } from "../resource/Patience.ts"
import { roleOf } from "../step/roles.ts"
import { memberOf } from "../step/workload.ts"
import type { Unmet } from "./condition.ts"
import { isReady, pending, podSubject, podsOf, setSubject } from "./pods.ts"
import { type Clocked, defaultStepTimeout, polled, until } from "./until.ts"

/** Settings of health checks. */
export interface HealthSettings {
  readonly profile?: Profile
  readonly health?: HttpHealth
  /** Default: majority. */
  readonly quorum?: Quorum
  /** Milliseconds. */
  readonly stepTimeout?: number
}

/** Polling interval, in milliseconds. */
const askEvery = 500

const overHttp = (health: HttpHealth, member: Member): Effect.Effect<string | null, never, Cluster> =>
  Resource.roundTrip({
    method: "GET",
    path: proxyPath(health, member.namespace, member.pod),
    query: queryOf(health)
  }).pipe(
    // A 503 here is the member's own word.
    Effect.provideService(Patience, null),
    Effect.match({
      onSuccess: () => null,
      // A healthy answer need not be JSON.
      onFailure: (error) => (error.reason._tag === "Unreadable" ? null : error.message)
    })
  )

/** Reason that the member is unhealthy; `null` if it is healthy by the configured checks. */
const unhealthyReason = (
  member: Member,
  settings: HealthSettings
): Effect.Effect<string | null, never, Cluster> =>
  Effect.gen(function* () {
    const hook = settings.profile?.health
    if (hook !== undefined) {
      const outcome = yield* run(hook, member)
      if (outcome._tag !== "Succeeded") return outcome.message
    }
    return settings.health === undefined ? null : yield* overHttp(settings.health, member)
  })

/** Polls until everything is met, for at most a step's timeout and that of one response. */
const untilWell = (
  at: Clocked,
  settings: HealthSettings,
  ask: Effect.Effect<Unmet | null, Failure, Cluster>
): Effect.Effect<void, Failure, Cluster> => {
  const limit = settings.stepTimeout ?? defaultStepTimeout
  return Effect.asVoid(
    until(at, {
      views: polled(ask, askEvery),
      until: (unmet) => (unmet === null ? [] : [unmet]),
      limit,
      // Members that are unhealthy in turn are no progress.
      overall: true,
      late: ([first]) =>
        Effect.succeed(
          because(
            "TimedOut",
            `timed out after ${format(limit)}: waiting for ${first?.subject.name ?? ""}: ${first?.for ?? ""}`
          )
        )
    })
  )
}

/** Waits until a member that is ready is healthy too. */
export const healthy = (
  at: Clocked,
  member: Member,
  settings: HealthSettings
): Effect.Effect<void, Failure, Cluster> =>
  settings.profile?.health === undefined && settings.health === undefined
    ? Effect.void
    : untilWell(
        at,
        settings,
        Effect.map(unhealthyReason(member, settings), (why) =>
          why === null ? null : { subject: { kind: "Pod", name: member.pod }, for: `health: ${why}` }
        )
      )

/**
 * Waits until the members that stay can do without those that leave: enough of them are healthy, and
 * with OrderedReady all are ready, since the controller removes nothing before that.
 */
export const quorumGuard = (
  at: Clocked,
  set: StatefulSet,
  from: number,
  to: number,
  settings: HealthSettings
): Effect.Effect<void, Failure, Cluster> => {
  const { start } = wanted(set)
  const ordered = set.spec.podManagementPolicy !== "Parallel"
  const staying = range(start, to)
  const quorum = settings.quorum ?? "majority"
  const ask = Effect.gen(function* () {
    const pods = yield* podsOf(set)
    const sick = staying.filter((ordinal) => !isReady(pods.get(ordinal)))
    const [first] = sick
    if (ordered && first !== undefined) {
      return {
        subject: podSubject(set, first),
        for: `${pending(pods.get(first))}; OrderedReady removes no other pod before it is ready`
      }
    }
    if (to === 0 || quorum === "none") return null
    const members = range(start, from)
    const known = yield* Effect.forEach(
      members,
      (ordinal) =>
        isReady(pods.get(ordinal))
          ? Effect.map(roleOf(settings.profile ?? {}, memberOf(set, ordinal)), (role) => ({ ordinal, role }))
          : Effect.succeed({ ordinal, role: null }),
      { concurrency: 8 }
    )
    const voters = known.filter(({ role }) => role !== "learner").map(({ ordinal }) => ordinal)
    const left = voters.filter((ordinal) => ordinal < start + to)
    const well = yield* Effect.filter(
      left.filter((ordinal) => !sick.includes(ordinal)),
      (ordinal) => Effect.map(unhealthyReason(memberOf(set, ordinal), settings), (why) => why === null),
      { concurrency: 8 }
    )
    const need = Math.min(left.length, needed(quorum, voters.length))
    return well.length >= need
      ? null
      : {
          subject: setSubject(set),
          for: `quorum: ${well.length} of the ${left.length} remaining members healthy, ${need} needed`
        }
  })
  return untilWell(at, settings, ask)
}
