/**
 * Changes the number of replicas of a StatefulSet once, and waits until its pods are ready and healthy, or
 * gone. Detects if it was already done, by this process or by one that crashed.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fence from "../operation/Fence.ts"
import * as Workload from "./workload.ts"
import type { Cluster } from "../Cluster.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { broken } from "../operation/Assumption.ts"
import { on, rules, type StepKind, stepsOf } from "../operation/Step.ts"
import { guardOf } from "../operation/Verb.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { annotationPath, replicasAnnotation } from "../Labels.ts"
import { wanted, range } from "../Ordinal.ts"
import { type HealthSettings, healthy, quorumGuard } from "../wait/healthy.ts"
import { podsOf } from "../wait/pods.ts"
import { settle } from "../wait/replicas.ts"
import { attachedBy } from "./attachVolume.ts"
import { profileRules } from "./memberHook.ts"
import { movedBy } from "./moveVolume.ts"
import { once } from "./once.ts"
import { claimsFrom, keepWhatIs, releaseMarked, releaseWhatIs } from "./reclaimPolicy.ts"

const { memberOf, overwritten, replicasOf } = Workload

/** The settings of the verb that this kind needs. */
export interface ReplicasSettings extends HealthSettings {
  /** The facts that each change of the number of replicas relies on. */
  readonly facts?: Workload.Facts
  /** The same of several StatefulSets, by their guards' keys. */
  readonly factsOn?: Readonly<Record<string, Workload.Facts>>
}

type At = StepContext<ReplicasSettings>

const ReplicasSchema = Schema.TaggedStruct("SetReplicas", {
  on,
  from: Schema.Natural,
  to: Schema.Natural,
  /** The number of replicas to remember for `last`; `null` for none. */
  remember: Schema.NullOr(Schema.Natural),
  /**
   * True if it restores the number of replicas from before the plan: an abort leaves that as it is. Absent
   * means false.
   */
  returns: Schema.optionalKey(Schema.Boolean),
  /**
   * True if the plan passes a number of replicas twice, so that the number does not tell what is done.
   * Absent means false.
   */
  once: Schema.optionalKey(Schema.Boolean)
})
type SetReplicas = typeof ReplicasSchema.Type

/** The facts that the changes of one StatefulSet's number of replicas rely on. */
const factsOf = (
  { on: key }: Pick<SetReplicas, "on">,
  { facts, factsOn }: ReplicasSettings
): Workload.Facts | undefined => (key === undefined ? facts : (factsOn?.[key] ?? facts))

/** The changes of the number of replicas in a plan, in order; `guard` selects one of several StatefulSets. */
export const countsOf = (
  plan: { readonly steps: StepContext["plan"]["steps"] },
  guard?: string
): ReadonlyArray<SetReplicas> =>
  stepsOf<SetReplicas>(SetReplicas, plan.steps).filter(
    ({ on: key }) => guard === undefined || key === undefined || key === guard
  )

/** The final number of replicas of the plan; `null` if it changes none. */
export const lastCount = (...of: Parameters<typeof countsOf>): number | null =>
  countsOf(...of).at(-1)?.to ?? null

/** The highest count of the plan, before it and after. */
export const highestCount = (...of: Parameters<typeof countsOf>): number =>
  countsOf(...of).reduce((most, { from, to }) => Math.max(most, from, to), 0)

/**
 * Sets the number of replicas once; a number that is neither on the way nor the target was set by another
 * client.
 */
const setReplicas = (
  at: At,
  to: number,
  isThere: (replicas: number) => boolean,
  mayBe: (replicas: number) => boolean,
  remember: number | null,
  known: StatefulSet
): Effect.Effect<StatefulSet, Failure, Cluster> =>
  Workload.change(at.fence, {
    done: (set) => isThere(replicasOf(set)),
    operations: (set) => {
      const path = annotationPath(replicasAnnotation)
      const kept = set.metadata.annotations?.[replicasAnnotation] !== undefined
      return [
        { op: "test", path: "/spec/replicas", value: replicasOf(set) },
        { op: "replace", path: "/spec/replicas", value: to },
        ...(remember === null ? [] : [{ op: "add" as const, path, value: `${remember}` }]),
        ...(to > 0 && kept ? [{ op: "remove" as const, path }] : [])
      ]
    },
    stop: (set) => (mayBe(replicasOf(set)) ? null : overwritten(at.fence, replicasOf(set), to)),
    assumes: at.assumes,
    known
  })

/** Waits until the pods of a count are ready and healthy, and those beyond it gone. */
const arrive = (at: At, set: StatefulSet, to: number, from: number): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { settings } = at
    yield* settle(at, set, {
      from,
      to,
      stepTimeout: settings.stepTimeout,
      vain: (now) =>
        replicasOf(now) === replicasOf(set)
          ? broken(at.assumes, at.fence, now)
          : overwritten(at.fence, replicasOf(now), replicasOf(set))
    })
    const { start } = wanted(set)
    const coming = range(start + from, to - from)
    yield* Effect.forEach(coming, (ordinal) => healthy(at, memberOf(set, ordinal), settings), {
      concurrency: 8,
      discard: true
    })
  })

/**
 * True if the number of replicas already passed this step's target and the step needs no check.
 * OrderedReady has waited for each pod, whichever process made the next change; only the operation runs health checks
 * and hooks, so those must still be checked.
 */
const isPassed = (set: StatefulSet, { health, profile = {} }: ReplicasSettings): boolean =>
  set.spec.podManagementPolicy !== "Parallel" && health === undefined && Object.keys(profile).length === 0

const moveTo = (step: SetReplicas, at: At): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { settings } = at
    const { from, to } = step
    const up = to > from
    const before = yield* Workload.assertHeld(at.fence)
    const there = (replicas: number) => (up ? replicas >= to : replicas <= to)
    const now = replicasOf(before)
    if ((up ? now > to : now < to) && isPassed(before, settings)) return
    if (!up && !there(now)) yield* quorumGuard(at, before, from, to, settings)
    const mayBe = (replicas: number) => replicas === from || there(replicas)
    const set = yield* setReplicas(at, to, there, mayBe, step.remember, before)
    yield* arrive(at, set, to, from)
  })

/** True if no pod of these ordinals is there, nor a volume: the operation that added them added no member. */
const noneCame = (set: StatefulSet, from: number, now: number) =>
  Effect.gen(function* () {
    // Without claims nothing tells a pod that never was from one that is gone.
    if ((set.spec.volumeClaimTemplates ?? []).length === 0) return false
    const { start } = wanted(set)
    const pods = yield* podsOf(set)
    if (range(start + from, now - from).some((ordinal) => pods.has(ordinal))) return false
    return (yield* claimsFrom(set, start + from, start + now)).length === 0
  })

const moveBack = (step: SetReplicas, at: At): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const { settings } = at
    const facts = factsOf(step, settings)
    const { from, to } = step
    if (step.returns === true) return
    const up = to > from
    const before = yield* Workload.assertHeld(at.fence)
    const { generation } = guardOf(at.plan, step)
    // Nobody has written a count since the plan: no pod has started on anything but what it had.
    if (up && generation !== null && before.metadata.generation === generation) return
    const now = replicasOf(before)
    const there = (replicas: number) => (up ? replicas <= from : replicas >= from)
    // Never begun: nothing left that would have to come back. A count that somebody else put back does not tell.
    const isTelling = at.captured["generation"] !== undefined
    if (!up && isTelling && wanted(before).start + from <= (at.captured["beyond"] ?? 0)) return
    // An application that could not be scaled up is often not ready: nobody leaves it who ever was a member.
    const isGuarded = now > from && !(up && (yield* noneCame(before, from, now)))
    if (isGuarded) yield* quorumGuard(at, before, now, from, settings)
    const goes = facts?.whenScaled === "Delete"
    // The claims that must outlive the pods which go now, or which are still ending:
    // - back down under whenScaled Delete, none: the policy from before the plan deletes them;
    // - back down under Retain, all beyond the previous number. Another client may have moved the ordinals
    //   since, so the lower first ordinal counts;
    // - back up under Retain, none: no claim is deleted;
    // - back up under Delete, those of the removed pods: a pod takes its claims along whenever it ends.
    const { start } = wanted(before)
    const first = Math.min(start, facts?.firstOrdinal ?? start)
    const found =
      up === goes
        ? []
        : up
          ? yield* claimsFrom(before, first + from)
          : yield* claimsFrom(before, start + to, start + from)
    // What is on its way to another claim is brought back by the step that moved it.
    const moved = movedBy(at.plan)
    const attached = attachedBy(at.plan)
    const claims = found.filter(
      ({ claim, volume }) => !attached.includes(claim) && (volume === null || !moved.includes(volume))
    )
    const kept = there(now) ? claims : yield* keepWhatIs(at, claims, facts?.whenScaled)
    // Keep the value that `--replicas last` refers to.
    const remember = from === 0 ? highestCount(at.plan, step.on) : null
    const mayBe = (replicas: number) => replicas === now || there(replicas)
    const set = there(now) ? before : yield* setReplicas(at, from, there, mayBe, remember, before)
    yield* arrive(at, set, replicasOf(set), up ? to : Math.min(to, replicasOf(set)))
    yield* releaseWhatIs(at, kept)
  })

/** One change of `spec.replicas`, and the wait until its pods are ready, or gone. */
export const SetReplicas: StepKind<SetReplicas, ReplicasSettings> = {
  tag: "SetReplicas",
  schema: ReplicasSchema,
  describe: ({ from, to }) => `replicas ${from} -> ${to}`,
  access: (_, { namespace }, settings) => [
    ...rules("", "pods", ["list", "watch"], namespace),
    ...rules("", "persistentvolumeclaims", ["list"], namespace),
    ...profileRules(namespace, settings)
  ],
  assumes: (step, settings, back) => Workload.assumed(factsOf(step, settings), step.to > step.from === back),
  specWrites: ({ from, to }) => [[{ ...Workload.replicasField, from: `${from}`, to: `${to}` }]],
  rehearse: ({ to }, at) =>
    Effect.flatMap(Workload.assertThere(at), (set) =>
      Effect.as(Fence.tryOut(at.fence, set, [{ op: "replace", path: "/spec/replicas", value: to }]), [])
    ),
  marks: (step) => (step.once === true ? 1 : 0),
  perform: (step, at) => (step.once === true ? once(moveTo) : moveTo)(step, at),
  undo: (step, at) => (step.once === true ? once(moveBack) : moveBack)(step, at),
  undoAlone: (step, at) => releaseMarked(at, factsOf(step, at.settings)?.templates ?? [])
}
