/**
 * Checks before the first step and after the last: the facts of the plan, hooks that can run, and in the end
 * the number of replicas and the claims that the plan named.
 */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { check as checkHook, type Command as HookOf } from "../Hook.ts"
import { type StatefulSet, retentionOf } from "../kind/Workload.ts"
import { madeByAnnotation } from "../Labels.ts"
import { because } from "../operation/OperationError.ts"
import { stepsOf } from "../operation/Step.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { isWanted, parse, podName, wanted } from "../Ordinal.ts"
import type { Profile } from "../Profile.ts"
import { RunHook } from "../step/memberHook.ts"
import { isGoing, leftNotes } from "../step/leftClaims.ts"
import { MoveVolume } from "../step/moveVolume.ts"
import { checkClaims, claimsByName, retainedBy } from "../step/reclaimPolicy.ts"
import { countsOf, highestCount, lastCount } from "../step/replicas.ts"
import { retentionDuring } from "../step/retention.ts"
import { claimsOf } from "../step/templates.ts"
import { readVolume } from "../step/volume.ts"
import * as Workload from "../step/workload.ts"
import { basisOf, claimFacts } from "./facts.ts"
import type { Going } from "./settings.ts"
import type { ScalePlan, ScaleSettings } from "./steps.ts"

const { memberOf, overwritten, replicasOf } = Workload

type At = StepContext<Going>

/**
 * `upTo` is the number of replicas up to which claims are the StatefulSet's by name alone, as the controller
 * finds them.
 */
const factsOf = (set: StatefulSet, upTo: number, profile: Profile) =>
  Effect.map(claimsOf(set), (claims) =>
    basisOf({
      replicas: replicasOf(set),
      firstOrdinal: wanted(set).start,
      policy: set.spec.podManagementPolicy ?? "OrderedReady",
      retention: retentionOf(set),
      minReadySeconds: set.spec.minReadySeconds ?? 0,
      claims: claimFacts(
        [...claims].map(([name, { metadata }]) => ({
          name,
          uid: metadata.uid ?? "",
          deleted: metadata.deletionTimestamp ?? null
        })),
        wanted(set).start,
        upTo
      ),
      profile
    })
  )

/** True if the plan may have left this number of replicas on its way. */
const onTheWay = (plan: ScalePlan, set: StatefulSet): Effect.Effect<void, Failure> => {
  const counts = countsOf(plan).flatMap(({ from, to }) => [from, to])
  const now = replicasOf(set)
  return counts.length > 0 && (now < Math.min(...counts) || now > Math.max(...counts))
    ? Effect.fail(
        because(
          "Changed",
          `another client set replicas of ${set.metadata.name} to ${now}, outside of ${counts[0]} to ${counts[counts.length - 1]}`,
          "set it back, or abort"
        )
      )
    : Effect.void
}

export const check = (
  plan: ScalePlan,
  set: StatefulSet,
  resumed: boolean,
  profile: Profile
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { name } = set.metadata
    if (set.metadata.deletionTimestamp) {
      return yield* because("Changed", `statefulset "${name}" is being deleted`)
    }
    if (resumed) {
      yield* onTheWay(plan, set)
      return
    }
    const facts = yield* factsOf(set, Math.max(replicasOf(set), highestCount(plan)), profile)
    if (facts !== plan.facts || set.metadata.generation !== plan.guards[0].generation) {
      return yield* because(
        "Changed",
        `statefulset "${name}" or its claims changed since this was planned`,
        "run the command again"
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

/** Checks that every hook that will run in an existing pod can run. */
export const preflight = (
  plan: ScalePlan,
  set: StatefulSet,
  given: { readonly profile?: Profile }
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const leaving = stepsOf(RunHook, plan.steps).flatMap(({ hook, ordinal }) =>
      hook === "beforeRemove" ? [ordinal] : []
    )
    const { start, count } = wanted(set)
    const asked = leaving.length > 0 ? leaving : count > 0 ? [start] : []
    yield* Effect.forEach(
      asked.flatMap((ordinal) => byContainer(given.profile ?? {}).map((hook) => ({ ordinal, hook }))),
      ({ ordinal, hook }) =>
        Effect.flatMap(checkHook(hook, memberOf(set, ordinal)), (outcome) =>
          outcome._tag === "Succeeded"
            ? Effect.void
            : Effect.fail(
                because(
                  "HookFailed",
                  `no hook can run in ${podName(set.metadata.name, ordinal)}: ${outcome.message}`,
                  "nothing was changed; use a container with sh, or a function"
                )
              )
        ),
      { concurrency: 8, discard: true }
    )
  })

/** Fails if another client changed ordinals.start: the same number of replicas then means other pods. */
const checkStart = (at: At, set: StatefulSet, { facts }: ScaleSettings) => {
  const { start } = wanted(set)
  return facts === undefined || facts.firstOrdinal === start
    ? Effect.void
    : at.fallShort(
        `ordinals.start of ${at.fence.name} is ${start} instead of ${facts.firstOrdinal}: another client set it`
      )
}

/**
 * Reports that another client set whenScaled, if this operation sets none: it is the reason that claims were,
 * or may still be, deleted.
 */
const tellPolicy = (at: At, set: StatefulSet, plan: ScalePlan, { facts }: ScaleSettings) => {
  const { whenScaled } = retentionOf(set)
  const isSet = retentionDuring(plan) !== null
  return facts === undefined || isSet || facts.whenScaled === whenScaled
    ? Effect.void
    : at.report({
        _tag: "Note",
        message: `whenScaled of ${at.fence.name} is ${whenScaled} instead of ${facts.whenScaled}: another client set it`
      })
}

/**
 * Names the claims that the controller has created for members that were added, and which an abort leaves. Those
 * that were created up front are named by the step that did so, and those that a plan found are nobody's to delete.
 */
const tellLeft = (at: At, set: StatefulSet, plan: ScalePlan, { facts, attached = [] }: ScaleSettings) =>
  Effect.gen(function* () {
    const up = countsOf(plan).filter(({ from, to }) => to > from)
    const [first] = up
    if (facts === undefined || first === undefined) return
    const from = facts.firstOrdinal + first.from
    // No pod ever had one of an ordinal that was not requested.
    const end = Math.min(facts.firstOrdinal + highestCount(plan), at.captured["beyond"] ?? 0)
    const left = [...(yield* claimsOf(set)).values()].filter((claim) => {
      const { annotations, name } = claim.metadata
      const ordinal = parse(name.slice(name.lastIndexOf("-") + 1))
      const isAdded = ordinal !== null && ordinal >= from && ordinal < end && !isWanted(set, ordinal)
      const isFound = attached.some((found) => found.claim === name)
      return isAdded && !isFound && annotations?.[madeByAnnotation] !== plan.id && !isGoing(claim)
    })
    for (const message of leftNotes(at.fence.namespace, left)) yield* at.report({ _tag: "Note", message })
  })

/**
 * After an abort: the number of replicas is the previous one, the claims of the plan have their volumes, and
 * those that are left are named.
 */
export const concludeBack = (
  at: At,
  plan: ScalePlan,
  terms: ScaleSettings
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const from = countsOf(plan)[0]?.from ?? null
    const set = yield* Workload.assertHeld(at.fence)
    const is = replicasOf(set)
    yield* checkStart(at, set, terms)
    if (from !== null && is !== from) {
      yield* at.fallShort(
        `replicas of ${at.fence.name} are ${is} instead of ${from}: another client set them`
      )
    }
    yield* checkClaims(at, [...retainedBy(plan), ...(terms.attached ?? []), ...(terms.before ?? [])])
    yield* tellLeft(at, set, plan, terms)
  })

/**
 * After the last step: the number of replicas is the planned one, and the claims of the plan still have their
 * volumes. A number beyond the plan's last was set by another client while nothing waited for it.
 */
export const conclude = (
  at: At,
  plan: ScalePlan,
  terms: ScaleSettings
): Effect.Effect<{ readonly replicas: number }, Failure, Cluster> =>
  Effect.gen(function* () {
    const to = lastCount(plan)
    const set = yield* Workload.assertHeld(at.fence)
    const is = replicasOf(set)
    yield* checkStart(at, set, terms)
    yield* tellPolicy(at, set, plan, terms)
    if (to !== null && is !== to) return yield* Effect.fail(overwritten(at.fence, is, to))
    const aside = stepsOf(MoveVolume, plan.steps)
    const now =
      aside.length === 0
        ? null
        : yield* claimsByName(
            at.fence.namespace,
            aside.map(({ to }) => to)
          )
    yield* checkClaims(at, [
      ...retainedBy(plan),
      ...(terms.attached ?? []),
      ...aside.map(({ to: claim, volume }) => ({
        claim,
        uid: now?.get(claim)?.metadata.uid ?? "",
        volume,
        reclaimPolicy: null
      }))
    ])
    // A claim that lost its volume to another says Bound until its controller looks again.
    for (const { to: claim, volume } of aside) {
      const uid = now?.get(claim)?.metadata.uid
      const { claimRef } = (yield* readVolume(volume))?.spec ?? {}
      if (uid && claimRef && claimRef.uid !== uid) {
        yield* at.fallShort(
          `volume ${volume} belongs to ${claimRef.namespace}/${claimRef.name}, not to ${claim}`
        )
      }
    }
    return { replicas: is }
  })
