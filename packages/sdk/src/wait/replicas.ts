/**
 * The wait after a change of the number of replicas: until its pods are ready, or deleted. Reports what each
 * replica waits for, and the duration of its stages: claim, scheduled, started, ready, removed.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Cluster } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { Pod } from "../kind/Pod.ts"
import type { PersistentVolumeClaim } from "../kind/Storage.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import type { OperationError } from "../operation/OperationError.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { wanted, range, podName } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"
import { byName, claimsWanted } from "../step/templates.ts"
import { causesOf } from "./causes.ts"
import type { Unmet } from "./condition.ts"
import * as Wait from "./pods.ts"
import { shellWord } from "../ShellWord.ts"
import { millisSince } from "../Elapsed.ts"

type At = Pick<StepContext, "fence" | "report" | "elapsed">

/** True if each container runs: the stage before readiness. */
const isStarted = (pod: Pod): boolean => {
  const statuses = pod.status?.containerStatuses ?? []
  return statuses.length > 0 && statuses.every((one) => one.ready === true || Boolean(one.state?.running))
}

/** The existing claims of a replica. */
type Claims = ReadonlyMap<string, PersistentVolumeClaim>

const claimNames = (set: StatefulSet, replica: string): ReadonlyArray<string> =>
  (set.spec.volumeClaimTemplates ?? []).map((template) => `${template.metadata.name}-${replica}`)

const unbound = (set: StatefulSet, claims: Claims, replica: string): ReadonlyArray<string> =>
  claimNames(set, replica).filter((name) => claims.get(name)?.status?.phase !== "Bound")

/** The reason that a new replica waits, in one line, and its cause. */
const pendingOf = (
  set: StatefulSet,
  claims: Claims,
  replica: string,
  pod: Pod | undefined,
  cause: string | undefined
): string => {
  const what = lackOf(set, claims, replica, pod)
  // Its own condition may say it in the same words.
  return cause === undefined || what.includes(cause) ? what : `${what}: ${cause}`
}

const lackOf = (set: StatefulSet, claims: Claims, replica: string, pod: Pod | undefined): string => {
  const reason = Wait.pending(pod)
  if (pod === undefined) return reason
  if (pod.spec.nodeName) return reason === "Pending" ? "its containers" : reason
  // With a class that waits for its first consumer, a claim waits for the node and not the pod for it.
  if (reason.startsWith("Unschedulable") && !/PersistentVolumeClaim/i.test(reason)) return reason
  const [open] = unbound(set, claims, replica)
  const claim = claims.get(open ?? "")
  if (claim !== undefined) return `claim ${claim.metadata.name} ${claim.status?.phase ?? "Pending"}`
  // The scheduler looks again a while after the claim was bound, and its message is stale.
  const isOld = open === undefined && reason.includes("unbound immediate")
  return reason === "Pending" || isOld ? "a node" : reason
}

/**
 * The reason that a leaving replica waits: finalizers may keep it after its containers have ended, and of
 * several unhealthy ones OrderedReady removes only the first.
 */
const ending = (set: StatefulSet, pods: Wait.Pods, pod: Pod): string => {
  const { deletionTimestamp, finalizers, name } = pod.metadata
  if (deletionTimestamp) {
    const holders = finalizers ?? []
    return holders.length === 0
      ? "its pod to terminate"
      : `its pod to terminate, and for finalizer ${holders.join(", ")}`
  }
  const [first] = [...pods].filter(([, one]) => !Wait.isReady(one)).toSorted(([a], [b]) => a - b)
  const isHeld = set.spec.podManagementPolicy !== "Parallel" && !Wait.isReady(pod)
  return isHeld && first !== undefined && first[1] !== pod
    ? `its pod to terminate; OrderedReady leaves it while ${first[1].metadata.name} is not ready either: kubectl delete pod ${name} -n ${shellWord(set.metadata.namespace ?? "")}`
    : "its pod to terminate"
}

export interface Change {
  readonly from: number
  readonly to: number
  readonly stepTimeout: number | undefined
  /** Reason to give up waiting; `null` if there is none. */
  readonly vain: (now: StatefulSet) => OperationError | null
}

/**
 * The time at which each replica became the current one, or finished its last stage; and the stages that were
 * reported.
 */
const stages = (at: At, elapsed: Effect.Effect<number>) => {
  const since = new Map<string, number>()
  const told = new Set<string>()
  const begin = (key: string) =>
    Effect.map(elapsed, (now) => {
      if (!since.has(key)) since.set(key, now)
    })
  /** Ends a stage: `kind` once for a replica, reported in the words of `stage`. */
  const end = (replica: string, kind: string, stage = kind) =>
    Effect.gen(function* () {
      const key = `${replica} ${kind}`
      if (told.has(key)) return
      told.add(key)
      const now = yield* elapsed
      const began = (kind === "claim" ? since.get(key) : undefined) ?? since.get(replica) ?? now
      since.set(replica, now)
      yield* at.report({ _tag: "Stage", subject: { kind: "Pod", name: replica }, stage, millis: now - began })
    })
  return {
    turn: begin,
    claimed: (replica: string) => begin(`${replica} claim`),
    end,
    isTold: (replica: string, kind: string) => told.has(`${replica} ${kind}`)
  }
}

/** The replicas that a change of the number adds or removes, and the current facts about them. */
interface Moving {
  readonly set: StatefulSet
  readonly to: number
  readonly up: boolean
  readonly start: number
  /** Their ordinals. */
  readonly moved: ReadonlyArray<number>
  /** Those that stay. */
  readonly staying: ReadonlyArray<number>
  readonly name: (ordinal: number) => string
  readonly hasClaims: boolean
  readonly stages: ReturnType<typeof stages>
  /** Those of which a pod was seen. */
  readonly known: Set<number>
  claims: Claims
  /** Reasons that the late ones are late. */
  causes: ReadonlyMap<string, string>
}

const movingOf = (at: At, set: StatefulSet, { from, to }: Change) =>
  Effect.map(Clock.monotonicTimeNanos, (began): Moving => {
    const up = to > from
    const { start } = wanted(set)
    const moved = range(start + Math.min(to, from), Math.abs(to - from))
    const elapsed = millisSince(began)
    return {
      set,
      to,
      up,
      start,
      moved,
      staying: range(start, Math.min(to, from)),
      name: (ordinal) => podName(at.fence.name, ordinal),
      hasClaims: up && claimNames(set, "").length > 0,
      stages: stages(at, elapsed),
      // Those that end before the first look were there too.
      known: new Set(moved.filter((ordinal) => ordinal < start + (set.status?.replicas ?? 0))),
      claims: new Map(),
      causes: new Map()
    }
  })

/** Reports the stages of added replicas. */
const coming = ({ moved, name, hasClaims, stages: { turn, end } }: Moving, pods: Wait.Pods) =>
  Effect.gen(function* () {
    let isFirst = true
    for (const ordinal of moved) {
      const replica = name(ordinal)
      const pod = pods.get(ordinal)
      if (pod !== undefined || isFirst) yield* turn(replica)
      if (!Wait.isReady(pod)) isFirst = false
      if (!pod?.spec.nodeName) continue
      // A pod has a node only once its claims are bound.
      if (hasClaims) yield* end(replica, "claim")
      yield* end(replica, "scheduled", `scheduled ${pod.spec.nodeName}`)
      if (isStarted(pod) || Wait.isReady(pod)) yield* end(replica, "started")
      if (Wait.isReady(pod)) yield* end(replica, "ready")
    }
  })

/** Reports the stages of removed replicas. */
const leaving = ({ moved, name, known, stages: { turn, end } }: Moving, pods: Wait.Pods) =>
  Effect.gen(function* () {
    let isFirst = true
    for (const ordinal of moved.toReversed()) {
      const pod = pods.get(ordinal)
      if (pod === undefined) {
        if (known.has(ordinal)) yield* end(name(ordinal), "removed")
        continue
      }
      known.add(ordinal)
      if (isFirst || pod.metadata.deletionTimestamp) yield* turn(name(ordinal))
      isFirst = false
    }
  })

/** Only until all claims are bound: later changes show in the pods. */
const watchClaims = (moving: Moving) => {
  const { set, moved, name, stages } = moving
  return Stream.runForEachWhile(
    Resource.watch(kinds.persistentvolumeclaims, { ...claimsWanted(set), relistEvery: "30 seconds" }),
    (items) =>
      Effect.gen(function* () {
        const claims = byName(items)
        moving.claims = claims
        for (const replica of moved.map(name)) {
          if (claimNames(set, replica).some((claim) => !claims.has(claim))) continue
          yield* stages.claimed(replica)
          if (unbound(set, claims, replica).length === 0) yield* stages.end(replica, "claim")
        }
        return moved.some((ordinal) => !stages.isTold(name(ordinal), "claim"))
      })
  )
}

/** The reason that a new replica waits. */
const pendingFor = ({ set, claims, causes, name }: Moving, pods: Wait.Pods, ordinal: number): string =>
  pendingOf(set, claims, name(ordinal), pods.get(ordinal), causes.get(name(ordinal)))

/** Those that stay and hold the others up. */
const blockersOf = (moving: Moving, pods: Wait.Pods, now: StatefulSet): ReadonlyArray<Unmet> =>
  moving.staying
    .filter((ordinal) => now.spec.podManagementPolicy !== "Parallel" && !Wait.isReady(pods.get(ordinal)))
    .map((ordinal) => ({
      subject: Wait.podSubject(now, ordinal),
      for: `${pendingFor(moving, pods, ordinal)}; OrderedReady waits for it`
    }))

/** Until those beyond the count are deleted. */
const notGone = (moving: Moving, pods: Wait.Pods, now: StatefulSet): ReadonlyArray<Unmet> => {
  const beyond = moving.start + moving.to
  const left = [...pods].filter(([ordinal]) => ordinal >= beyond).toSorted(([a], [b]) => b - a)
  if (left.length === 0) return Wait.notice(now)
  return [
    ...blockersOf(moving, pods, now),
    ...left.map(([ordinal, pod], index) => ({
      subject: Wait.podSubject(now, ordinal),
      for: ending(now, pods, pod),
      queued: index > 0 && !pod.metadata.deletionTimestamp
    }))
  ]
}

/** Until those that come are ready, and available. */
const notReady = (moving: Moving, pods: Wait.Pods, now: StatefulSet): ReadonlyArray<Unmet> => {
  const { set, to, moved } = moving
  const lacking = moved.filter((ordinal) => !Wait.isReady(pods.get(ordinal)))
  if (lacking.length > 0) {
    const blockers = blockersOf(moving, pods, now)
    return [
      ...blockers,
      ...lacking.map((ordinal, index) => ({
        subject: Wait.podSubject(now, ordinal),
        for: pendingFor(moving, pods, ordinal),
        queued: !pods.has(ordinal) && (index > 0 || blockers.length > 0)
      }))
    ]
  }
  // Ready is not yet available: the controller counts that by its own clock.
  const available = now.status?.availableReplicas ?? 0
  return (set.spec.minReadySeconds ?? 0) > 0 && available < to
    ? [{ subject: Wait.setSubject(now), for: `minReadySeconds: ${available} of ${to} available` }]
    : []
}

/** Finds out why the first that lack do not come, and those that hold them up. */
const learn = (moving: Moving, pods: Wait.Pods, now: StatefulSet) => {
  const { set, to, start, claims, name } = moving
  const late = range(start, to)
    .filter((ordinal) => !Wait.isReady(pods.get(ordinal)))
    .slice(0, 3)
    .map((ordinal) => ({
      replica: name(ordinal),
      pod: pods.get(ordinal),
      claim: claims.get(unbound(set, claims, name(ordinal))[0] ?? "")?.metadata ?? null
    }))
  return Effect.map(causesOf(now, late), (found) => {
    moving.causes = found
  })
}

const unwatched = "no permission to watch persistentvolumeclaims: it is not shown when claims are bound"

/** Waits until the pods of a count are ready, and those beyond it deleted. */
export const settle = (at: At, set: StatefulSet, change: Change): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const moving = yield* movingOf(at, set, change)
    const { up, moved, name, stages } = moving
    const [next] = up ? moved : moved.toReversed()
    if (next !== undefined) yield* stages.turn(name(next))
    const waiting = Wait.untilPods(at, {
      learn: (pods, now) => learn(moving, pods, now),
      until: (pods, now) => (up ? notReady : notGone)(moving, pods, now),
      stepTimeout: change.stepTimeout,
      seen: (pods) => (up ? coming : leaving)(moving, pods),
      vain: change.vain
    })
    const claims = watchClaims(moving).pipe(
      // What the pods wait for is known without it, but when their claims are bound.
      Effect.catchReason("ClusterError", "Forbidden", () => at.report({ _tag: "Note", message: unwatched })),
      Effect.andThen(Effect.never)
    )
    yield* moving.hasClaims ? Effect.raceFirst(waiting, claims) : waiting
  })
