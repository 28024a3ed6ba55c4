/**
 * Health and quorum, counted live: pods are listed anew and their application is asked, since a cache
 * shows members that are gone and Ready does not mean caught up.
 */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { run, type Member } from "../Hook.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { because } from "../operation/OperationError.ts"
import type { At, Failure } from "../operation/Performer.ts"
import { wanted } from "../Ordinal.ts"
import type { HttpHealth, Profile } from "../Profile.ts"
import { needed, type Quorum } from "../Quorum.ts"
import * as Resource from "../Resource.ts"
import { Patience } from "../resource/Patience.ts"
import { memberOf, roleOf } from "./ScaleHook.ts"
import { defaultStepTimeout, isReady, pending, podsOf } from "./ScaleWait.ts"
import { format } from "../operation/Timeout.ts"

interface Manner {
  readonly profile?: Profile
  readonly health?: HttpHealth
  readonly quorum?: Quorum
  readonly stepTimeout?: number
}

/** How often something that is not yet so is asked again, in milliseconds. */
const askEvery = 500

const overHttp = (health: HttpHealth, member: Member): Effect.Effect<string | null, never, Cluster> =>
  Resource.roundTrip({
    method: "GET",
    path: `/api/v1/namespaces/${member.namespace}/pods/${health.scheme}:${member.pod}:${health.port}/proxy${health.path}`
  }).pipe(
    // A 503 here is the member's own word.
    Effect.provideService(Patience, null),
    Effect.match({
      onSuccess: () => null,
      // A healthy answer need not be JSON.
      onFailure: (error) => (error.reason._tag === "Unreadable" ? null : error.message)
    })
  )

/** Why the member is not healthy; null: it is, as far as anybody was told how to ask. */
const ailment = (member: Member, manner: Manner): Effect.Effect<string | null, never, Cluster> =>
  Effect.gen(function* () {
    const hook = manner.profile?.health
    if (hook !== undefined) {
      const outcome = yield* run(hook, member)
      if (outcome._tag !== "Succeeded") return outcome.message
    }
    return manner.health === undefined ? null : yield* overHttp(manner.health, member)
  })

/** Asks until the answer is that nothing is amiss, for at most a step's time and that of one answer. */
const untilWell = (
  at: At,
  manner: Manner,
  ask: Effect.Effect<{ readonly replica: string; readonly for: string } | null, Failure, Cluster>
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const limit = manner.stepTimeout ?? defaultStepTimeout
    const began = yield* at.elapsed
    let before: { readonly replica: string; readonly for: string } | null = null
    while (true) {
      const amiss = yield* ask
      if (before !== null && before.replica !== amiss?.replica) {
        yield* at.report({ _tag: "Waiting", replica: before.replica, for: null })
      }
      if (amiss === null) return
      if (before?.for !== amiss.for || before.replica !== amiss.replica) {
        yield* at.report({ _tag: "Waiting", ...amiss })
      }
      before = amiss
      if ((yield* at.elapsed) - began >= limit) {
        yield* Effect.fail(because("TimedOut", `not so in ${format(limit)}: ${amiss.replica} ${amiss.for}`))
      }
      yield* Effect.sleep(askEvery)
    }
  })

/** Waits until a member that is ready is healthy too. */
export const healthy = (at: At, member: Member, manner: Manner): Effect.Effect<void, Failure, Cluster> =>
  manner.profile?.health === undefined && manner.health === undefined
    ? Effect.void
    : untilWell(
        at,
        manner,
        Effect.map(ailment(member, manner), (why) =>
          why === null ? null : { replica: member.pod, for: `health: ${why}` }
        )
      )

/**
 * Waits until the members that stay can do without those that leave: enough of them are healthy, and
 * with OrderedReady all are ready, since the controller removes nothing before that.
 */
export const guard = (
  at: At,
  set: StatefulSet,
  from: number,
  to: number,
  manner: Manner
): Effect.Effect<void, Failure, Cluster> => {
  const { start } = wanted(set)
  const ordered = set.spec.podManagementPolicy !== "Parallel"
  const staying = Array.from({ length: to }, (_, index) => start + index)
  const quorum = manner.quorum ?? "majority"
  const ask = Effect.gen(function* () {
    const pods = yield* podsOf(set)
    const sick = staying.filter((ordinal) => !isReady(pods.get(ordinal)))
    const [first] = sick
    if (ordered && first !== undefined) {
      return {
        replica: `${at.fence.name}-${first}`,
        for: `${pending(pods.get(first))}; OrderedReady removes nothing before`
      }
    }
    if (to === 0 || quorum === "none") return null
    const members = Array.from({ length: from }, (_, index) => start + index)
    const known = yield* Effect.forEach(
      members,
      (ordinal) =>
        isReady(pods.get(ordinal))
          ? Effect.map(roleOf(manner.profile ?? {}, memberOf(set, ordinal)), (role) => ({ ordinal, role }))
          : Effect.succeed({ ordinal, role: null }),
      { concurrency: 8 }
    )
    const voters = known.filter(({ role }) => role !== "learner").map(({ ordinal }) => ordinal)
    const left = voters.filter((ordinal) => ordinal < start + to)
    const well = yield* Effect.filter(
      left.filter((ordinal) => !sick.includes(ordinal)),
      (ordinal) => Effect.map(ailment(memberOf(set, ordinal), manner), (why) => why === null),
      { concurrency: 8 }
    )
    const need = Math.min(left.length, needed(quorum, voters.length))
    return well.length >= need
      ? null
      : {
          replica: at.fence.name,
          for: `quorum: ${well.length} healthy of ${left.length} that stay, ${need} needed`
        }
  })
  return untilWell(at, manner, ask)
}
