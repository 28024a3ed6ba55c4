/**
 * How each step of scaling is done, and undone. Every step looks first: what is done already, by this
 * caller or by one that died, is found done.
 */
import * as Effect from "effect/Effect"
import * as Match from "effect/Match"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import * as Fences from "../operation/Fence.ts"
import { check as checkHook, type Command as HookOf } from "../Hook.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { because } from "../operation/OperationError.ts"
import type { At, Failure, Performer } from "../operation/Performer.ts"
import { wanted } from "../Ordinal.ts"
import { type HttpHealth, names, type Profile } from "../Profile.ts"
import type { Quorum } from "../Quorum.ts"
import { asideLabel, bringBack, moveVolume } from "./ScaleAside.ts"
import { claimsOf, createAhead, removeUnused } from "./ScaleClaims.ts"
import { guard, healthy } from "./ScaleHealth.ts"
import { isOwed, memberOf, perform as performHook, stepDown, type Verdict } from "./ScaleHook.ts"
import { keepAside, purge } from "./ScalePurge.ts"
import { generationBack, highestCount, isOurs, lastCount } from "./ScaleAuthor.ts"
import { basisOf } from "./ScalePlan.ts"
import { settle } from "./ScaleSettle.ts"
import { describe, ScalePlan, type ScaleStep } from "./ScaleStep.ts"
import { readable, withTerms } from "./ScaleTerms.ts"
import { keepVolumes, releaseVolumes } from "./ScaleVolumes.ts"
import type { Retention } from "../Topology.ts"

/** The count to go back to, kept on a StatefulSet that was scaled to zero. */
export const rememberedReplicas = "kubectl-stateful.dev/replicas"

/** How a plan to scale is carried out, beyond what the plan itself says. */
export interface Manner {
  readonly profile?: Profile
  readonly health?: HttpHealth
  /** Default: majority. */
  readonly quorum?: Quorum
  /** Milliseconds without progress after which a step stops. Default 10 minutes. */
  readonly stepTimeout?: number
  /** What a person found out about a hook whose outcome was unknown. */
  readonly hookOutcome?: Verdict
}

type Step = ScaleStep
type Plan = ScalePlan

const replicasOf = (set: StatefulSet): number => wanted(set).count
const retentionOf = (set: StatefulSet): typeof Retention.Type => ({
  whenScaled: set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled ?? "Retain",
  whenDeleted: set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted ?? "Retain"
})

const setRetention = (at: At, to: typeof Retention.Type): Effect.Effect<void, Failure, Cluster> =>
  Effect.asVoid(
    Fences.change(
      at.fence,
      (set) => {
        const now = retentionOf(set)
        return now.whenScaled === to.whenScaled && now.whenDeleted === to.whenDeleted
      },
      () => [{ op: "add", path: "/spec/persistentVolumeClaimRetentionPolicy", value: to }]
    )
  )

/** Sets the count once; a count that is neither on the way nor there was set by somebody else. */
const setReplicas = (
  at: At,
  to: number,
  isThere: (replicas: number) => boolean,
  mayBe: (replicas: number) => boolean,
  remember: number | null,
  known: StatefulSet
): Effect.Effect<StatefulSet, Failure, Cluster> =>
  Fences.change(
    at.fence,
    (set) => isThere(replicasOf(set)),
    (set) => {
      const path = Fences.annotationPath(rememberedReplicas)
      const kept = set.metadata.annotations?.[rememberedReplicas] !== undefined
      return [
        { op: "test", path: "/spec/replicas", value: replicasOf(set) },
        { op: "replace", path: "/spec/replicas", value: to },
        ...(remember === null ? [] : [{ op: "add" as const, path, value: `${remember}` }]),
        ...(to > 0 && kept ? [{ op: "remove" as const, path }] : [])
      ]
    },
    (set) => (mayBe(replicasOf(set)) ? null : overwritten(at, replicasOf(set), to)),
    known
  )

const overwritten = (at: At, is: number, wanted: number) =>
  because(
    "Changed",
    `somebody set replicas of ${at.fence.name} to ${is}, on the way to ${wanted}`,
    "find who writes it: `kubectl stateful describe` names autoscalers, GitOps tools and operators"
  )

/** Waits until the pods of a count are ready and healthy, and those beyond it gone. */
const arrive = (
  at: At,
  set: StatefulSet,
  to: number,
  from: number,
  manner: Manner
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    yield* settle(at, set, {
      from,
      to,
      stepTimeout: manner.stepTimeout,
      vain: (now) =>
        replicasOf(now) === replicasOf(set) ? null : overwritten(at, replicasOf(now), replicasOf(set))
    })
    const { start } = wanted(set)
    const coming = Array.from({ length: Math.max(0, to - from) }, (_, index) => start + from + index)
    yield* Effect.forEach(coming, (ordinal) => healthy(at, memberOf(set, ordinal), manner), {
      concurrency: 8,
      discard: true
    })
  })

/**
 * Whether a count beyond a step's says all that a look at the step would. OrderedReady has waited for
 * each pod, whoever made the next change; health and hooks are nobody's but ours, and need their look.
 */
const isPassed = (set: StatefulSet, { health, profile = {} }: Manner): boolean =>
  set.spec.podManagementPolicy !== "Parallel" && health === undefined && Object.keys(profile).length === 0

const moveTo = (
  at: At,
  step: { readonly from: number; readonly to: number; readonly remember: number | null },
  manner: Manner
) =>
  Effect.gen(function* () {
    const { from, to } = step
    const up = to > from
    const before = yield* Fences.check(at.fence)
    const there = (replicas: number) => (up ? replicas >= to : replicas <= to)
    const now = replicasOf(before)
    if ((up ? now > to : now < to) && isPassed(before, manner)) return
    if (!up && !there(now)) yield* guard(at, before, from, to, manner)
    const set = yield* setReplicas(
      at,
      to,
      there,
      (replicas) => replicas === from || there(replicas),
      step.remember,
      before
    )
    yield* arrive(at, set, to, from, manner)
  })

const moveBack = (
  at: At,
  step: { readonly from: number; readonly to: number },
  manner: Manner,
  highest: number
) =>
  Effect.gen(function* () {
    const { from, to } = step
    const up = to > from
    const before = yield* Fences.check(at.fence)
    const now = replicasOf(before)
    const there = (replicas: number) => (up ? replicas <= from : replicas >= from)
    // Never begun: nothing left that would have to come back.
    if (!up && wanted(before).start + from <= (at.found["beyond"] ?? 0)) return
    if (now > from) yield* guard(at, before, now, from, manner)
    // `last` goes on to mean what it meant.
    const remember = from === 0 ? highest : null
    const set = there(now)
      ? before
      : yield* setReplicas(
          at,
          from,
          there,
          (replicas) => replicas === now || there(replicas),
          remember,
          before
        )
    yield* arrive(at, set, replicasOf(set), up ? to : Math.min(to, replicasOf(set)), manner)
  })

/** Whether the member is one that the count, as it is now, still asks for. */
const isAsked = (set: StatefulSet, ordinal: number): boolean => {
  const { start, count } = wanted(set)
  return ordinal >= start && ordinal < start + count
}

const hookForward = (at: At, step: Extract<Step, { _tag: "Hook" }>, plan: Plan, manner: Manner) =>
  Effect.gen(function* () {
    const { profile = {} } = manner
    const hook = profile[step.hook]
    const first = yield* Fences.check(at.fence)
    // A hello is due after our own change of the count: a read that does not show it may lag behind.
    const isLate = step.hook === "afterAdd" && !isAsked(first, step.ordinal)
    const set = isLate ? yield* Effect.andThen(Effect.sleep(250), Fences.check(at.fence)) : first
    if (hook === undefined) return
    if (!isAsked(set, step.ordinal)) {
      // We take the count below a member only after its goodbye; somebody else may not have waited for it.
      const isSaid = at.mark?.state === "Succeeded" || manner.hookOutcome === "succeeded" || isOurs(plan, set)
      if (step.hook === "beforeRemove" && !isSaid) {
        const pod = memberOf(set, step.ordinal).pod
        yield* Effect.fail(
          because(
            "HookUnknown",
            `somebody else changed ${at.fence.name}, and nobody knows whether ${pod} said goodbye before it left`,
            "look at the application; then resume with --hook-outcome succeeded"
          )
        )
      }
      return
    }
    if (step.hook === "beforeRemove" && at.mark === null) {
      const { start, count } = wanted(set)
      yield* guard(at, set, count, step.ordinal - start, manner)
      yield* stepDown(at, memberOf(set, step.ordinal), manner)
    }
    const verdict = manner.hookOutcome ?? null
    yield* performHook({ name: step.hook, hook, set, ordinal: step.ordinal, profile, verdict }, at)
  })

/** A count beyond the plan's last was set by somebody else while nothing waited for it. */
const checkCount = (at: At, plan: Plan): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const to = lastCount(plan)
    if (to === null) return
    const is = replicasOf(yield* Fences.check(at.fence))
    if (is !== to) yield* Effect.fail(overwritten(at, is, to))
  })

/** A goodbye that was said is answered by a rejoin, a hello by a goodbye, before the count goes back. */
const hookBack = (at: At, step: Extract<Step, { _tag: "Hook" }>, manner: Manner) =>
  Effect.gen(function* () {
    const { profile = {} } = manner
    const answer = step.hook === "beforeRemove" ? ("afterAdd" as const) : ("beforeRemove" as const)
    const hook = profile[answer]
    const set = yield* Fences.check(at.fence)
    if (!isOwed(at.forward) || !isAsked(set, step.ordinal)) return
    const member = memberOf(set, step.ordinal)
    if (hook === undefined) {
      const said = step.hook === "beforeRemove" ? "has said goodbye and runs on" : "has joined and is removed"
      yield* at.report({
        _tag: "Note",
        message: `${member.pod} ${said}: there is no ${answer} hook to tell its application`
      })
      return
    }
    if (answer === "afterAdd") yield* healthy(at, member, manner)
    const verdict = manner.hookOutcome ?? null
    yield* performHook({ name: answer, hook, set, ordinal: step.ordinal, profile, verdict }, at)
  })

const factsOf = (set: StatefulSet, profile: Profile) =>
  Effect.map(claimsOf(set), (claims) =>
    basisOf({
      uid: set.metadata.uid ?? "",
      generation: set.metadata.generation ?? 0,
      replicas: replicasOf(set),
      firstOrdinal: wanted(set).start,
      policy: set.spec.podManagementPolicy ?? "OrderedReady",
      retention: retentionOf(set),
      minReadySeconds: set.spec.minReadySeconds ?? 0,
      claims: Object.fromEntries([...claims].map(([name, claim]) => [name, claim.metadata.uid ?? ""])),
      profile
    })
  )

const check = (
  plan: Plan,
  set: StatefulSet,
  resumed: boolean,
  profile: Profile
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const name = plan.app.name
    if (set.metadata.deletionTimestamp) {
      yield* Effect.fail(because("Changed", `statefulset "${name}" is being deleted`))
    }
    if (resumed) {
      const counts = plan.steps.flatMap((step) => (step._tag === "Replicas" ? [step.from, step.to] : []))
      const now = replicasOf(set)
      if (counts.length > 0 && (now < Math.min(...counts) || now > Math.max(...counts))) {
        yield* Effect.fail(
          because(
            "Changed",
            `somebody set replicas of ${name} to ${now}, outside of ${counts[0]} to ${counts[counts.length - 1]}`,
            "set it back, or abort"
          )
        )
      }
      return
    }
    const basis = yield* factsOf(set, profile)
    if (
      basis.uid !== plan.basis.uid ||
      basis.digest !== plan.basis.digest ||
      basis.generation !== plan.basis.generation
    ) {
      yield* Effect.fail(
        because("Changed", `statefulset "${name}" or its claims changed since this was planned`, "plan again")
      )
    }
  })

/** One hook of each container that any hook runs in. */
const byContainer = (profile: Profile): ReadonlyArray<HookOf> => {
  const commands = Object.values(profile).flatMap((hook) => (hook._tag === "Command" ? [hook] : []))
  return [...Map.groupBy(commands, ({ container }) => container).values()].flatMap((alike) =>
    alike.slice(0, 1)
  )
}

/** Every hook that will run in a pod that is there already must be able to. */
const preflight = (plan: Plan, set: StatefulSet, manner: Manner): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const leaving = plan.steps.flatMap((step) =>
      step._tag === "Hook" && step.hook === "beforeRemove" ? [step.ordinal] : []
    )
    const { start, count } = wanted(set)
    const asked = leaving.length > 0 ? leaving : count > 0 ? [start] : []
    yield* Effect.forEach(
      asked.flatMap((ordinal) => byContainer(manner.profile ?? {}).map((hook) => ({ ordinal, hook }))),
      ({ ordinal, hook }) =>
        Effect.flatMap(checkHook(hook, memberOf(set, ordinal)), (outcome) =>
          outcome._tag === "Succeeded"
            ? Effect.void
            : Effect.fail(
                because(
                  "HookFailed",
                  `no hook can run in ${at(set, ordinal)}: ${outcome.message}`,
                  "nothing was changed; give a container with sh, or a function"
                )
              )
        ),
      { concurrency: 8, discard: true }
    )
  })

const at = (set: StatefulSet, ordinal: number): string => `${set.metadata.name}-${ordinal}`

const forward = (step: Step, at: At, plan: Plan, manner: Manner): Effect.Effect<void, Failure, Cluster> =>
  Match.valueTags(step, {
    Retain: ({ to }) => setRetention(at, to),
    KeepVolumes: ({ volumes }) => keepVolumes(at, volumes),
    ReleaseVolumes: ({ volumes }) => releaseVolumes(at, volumes),
    SetAside: ({ claim, uid, volume, as }) =>
      moveVolume(at, { volume, from: claim, uid, to: as, labels: { [asideLabel]: plan.app.name } }),
    Claims: ({ slots }) => createAhead(slots, at, plan.id),
    Hook: (hook) => hookForward(at, hook, plan, manner),
    Replicas: (move) => moveTo(at, move, manner),
    PutBack: ({ to }) => setRetention(at, to),
    Purge: (claim) => purge(at, claim)
  })

const back = (step: Step, at: At, plan: Plan, manner: Manner): Effect.Effect<void, Failure, Cluster> =>
  Match.valueTags(step, {
    Retain: ({ was }) => setRetention(at, was),
    KeepVolumes: ({ volumes }) => releaseVolumes(at, volumes),
    ReleaseVolumes: () => Effect.void,
    SetAside: (step) =>
      Effect.flatMap(Fences.check(at.fence), (set) =>
        bringBack(at, step, set.spec.selector.matchLabels ?? {})
      ),
    Claims: ({ slots }) => removeUnused(slots, at, plan.id, at.found),
    Hook: (hook) => hookBack(at, hook, manner),
    Replicas: (move) => moveBack(at, move, manner, highestCount(plan)),
    PutBack: () => Effect.void,
    Purge: (claim) => keepAside(at, claim)
  })

/** What scaling gives to the engine: for `Operation.execute`, `resume` and `abort`. */
export const performer = (manner: Manner): Performer<Step> => ({
  verb: "scale",
  decode: (plan) =>
    Result.mapError(Result.flatMap(Schema.decodeUnknownResult(ScalePlan)(plan), readable), (error) =>
      error.message.split("\n").join(" ")
    ),
  hooks: names(manner.profile ?? {}),
  check: (plan, set, resumed) => check(plan, set, resumed, manner.profile ?? {}),
  preflight: (plan, set) => preflight(plan, set, manner),
  describe: (plan, step) => describe(plan.app.name, step),
  perform: (step, at, plan) =>
    step === plan.steps.at(-1)
      ? Effect.andThen(forward(step, at, plan, withTerms(plan, manner)), checkCount(at, plan))
      : forward(step, at, plan, withTerms(plan, manner)),
  undo: (step, at, plan) => back(step, at, plan, withTerms(plan, manner)),
  find: (plan, set) => {
    const back = generationBack(plan, set)
    return { beyond: wanted(set).start + replicasOf(set), ...(back === null ? {} : { generation: back }) }
  }
})
