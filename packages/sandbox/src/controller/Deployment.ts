/**
 * Rolls a Deployment's pods from one template to the next: a ReplicaSet for each template,
 * the new one grown and the old ones shrunk within maxSurge and maxUnavailable, or all of
 * the old ones first (Recreate). A paused one is scaled and not rolled.
 */
import { equal, isObject } from "../apimachinery/Json.ts"
import { controlledBy, controllerOf, type KubeObject } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import {
  type Deployment,
  deployments,
  type PodTemplate,
  type ReplicaSet,
  replicasets
} from "../registry/kinds/apps.ts"
import type { Condition } from "../registry/kinds/core.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import { withCondition } from "./Condition.ts"
import type { Controller } from "./Controller.ts"
import type { Recorder } from "./Recorder.ts"
import { podsOf } from "./ReplicaSet.ts"
import { hashOf } from "./Revisions.ts"

const hashLabel = "pod-template-hash"
const revision = "deployment.kubernetes.io/revision"
const history = "deployment.kubernetes.io/revision-history"
const desired = "deployment.kubernetes.io/desired-replicas"
const most = "deployment.kubernetes.io/max-replicas"

const amount = (value: number | string | undefined, of: number, round: (n: number) => number): number =>
  typeof value === "string" ? round((Number.parseInt(value, 10) / 100) * of) : (value ?? 0)

/** maxSurge and maxUnavailable as numbers; with both zero a rollout would never progress. */
const limits = ({ spec }: Deployment): { readonly surge: number; readonly unavailable: number } => {
  const { maxSurge, maxUnavailable } = spec.strategy.rollingUpdate ?? {}
  const surge = amount(maxSurge, spec.replicas, Math.ceil)
  const unavailable = amount(maxUnavailable, spec.replicas, Math.floor)
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable }
}

const withoutHash = ({ metadata, spec }: PodTemplate): PodTemplate => {
  const { [hashLabel]: _, ...labels } = metadata?.labels ?? {}
  return { metadata: { ...metadata, labels }, spec }
}

/** The revisions that a set had before it was reused. */
const numbersBefore = ({ metadata: { annotations = {} } }: KubeObject): Readonly<Record<string, string>> => {
  const [last, earlier] = [annotations[revision], annotations[history]]
  if (last === undefined) return {}
  return { [history]: earlier === undefined ? last : `${earlier},${last}` }
}

const revisionOf = (set: ReplicaSet): number => Number(set.metadata.annotations?.[revision] ?? 0)

class Rollout {
  readonly #registry: Registry
  readonly #recorder: Recorder
  readonly #deployment: Deployment

  constructor(registry: Registry, recorder: Recorder, deployment: Deployment) {
    this.#registry = registry
    this.#recorder = recorder
    this.#deployment = deployment
  }

  /** Oldest first. */
  #sets(): ReadonlyArray<ReplicaSet> {
    const { uid } = this.#deployment.metadata
    return this.#registry.store
      .dependents(uid)
      .flatMap(([type, object]) => {
        const set =
          type === replicasets && controllerOf(object)?.uid === uid
            ? this.#registry.store.get(replicasets, object.metadata.namespace, object.metadata.name)
            : undefined
        return set ?? []
      })
      .toSorted((left, right) => revisionOf(left) - revisionOf(right))
  }

  #isCurrent(set: ReplicaSet): boolean {
    return equal(withoutHash(set.spec.template), withoutHash(this.#deployment.spec.template))
  }

  run(): number | undefined {
    const { spec, metadata } = this.#deployment
    if (metadata.deletionTimestamp !== undefined) return undefined
    const before = this.#sets()
    let current = before.find((set) => this.#isCurrent(set))
    if (current === undefined && spec.strategy.type === "Recreate" && !this.#areGone(before)) {
      for (const set of before) this.#scale(set, 0)
      return this.#report(undefined)
    }
    if (spec.paused !== true) current = this.#numbered(current ?? this.#create(before), before)
    const sets = this.#sets()
    const old = sets.filter((set) => set.metadata.uid !== current?.metadata.uid)
    if (spec.paused === true) {
      // Only a lone one follows the count: which share of several would is not done here.
      const active = sets.filter((set) => set.spec.replicas > 0)
      if (active[0] !== undefined && active.length === 1) this.#scale(active[0], spec.replicas)
    } else if (current !== undefined) {
      if (spec.strategy.type === "Recreate") this.#recreate(current, old)
      else this.#roll(current, old)
    }
    this.#forget(old)
    return this.#report(current?.metadata.name)
  }

  #create(before: ReadonlyArray<ReplicaSet>): ReplicaSet {
    const { metadata, spec } = this.#deployment
    const hash = hashOf(spec.template)
    const labels = { ...spec.template.metadata?.labels, [hashLabel]: hash }
    const name = `${metadata.name}-${hash}`
    const replicas = this.#grown(
      0,
      before.reduce((sum, set) => sum + set.spec.replicas, 0)
    )
    this.#registry.create(replicasets, metadata.namespace, {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: {
        name,
        labels,
        annotations: { [revision]: String(Math.max(0, ...before.map(revisionOf)) + 1), ...this.#sizes() },
        ownerReferences: [controlledBy(this.#deployment)]
      },
      spec: {
        replicas,
        ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
        selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [hashLabel]: hash } },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } }
      }
    })
    if (replicas > 0) this.#say(name, 0, replicas)
    return this.#registry.find(replicasets, metadata.namespace, name)
  }

  /** The size of the current set, from its size now and the total. */
  #grown(now: number, total: number): number {
    const { replicas, strategy } = this.#deployment.spec
    if (strategy.type === "Recreate") return replicas
    return Math.min(replicas, now + Math.max(0, replicas + limits(this.#deployment).surge - total))
  }

  /** Each set's annotation of the total, for distributing a number of replicas over several sets. */
  #sizes(): Readonly<Record<string, string>> {
    const { replicas, strategy } = this.#deployment.spec
    const surge = strategy.type === "Recreate" ? 0 : limits(this.#deployment).surge
    return { [desired]: String(replicas), [most]: String(replicas + surge) }
  }

  #areGone(sets: ReadonlyArray<ReplicaSet>): boolean {
    return sets.every((set) => set.spec.replicas === 0 && podsOf(this.#registry, set).length === 0)
  }

  #say(name: string, from: number, to: number): void {
    this.#recorder.record(this.#deployment, {
      reason: "ScalingReplicaSet",
      message: `Scaled ${to > from ? "up" : "down"} replica set ${name} from ${from} to ${to}`,
      component: "deployment-controller"
    })
  }

  /** The current set has the highest number, an old template that is wanted again too; the Deployment shows it. */
  #numbered(current: ReplicaSet, before: ReadonlyArray<ReplicaSet>): ReplicaSet {
    const { namespace, name, annotations } = this.#deployment.metadata
    const highest = Math.max(0, ...before.filter((set) => set !== current).map(revisionOf))
    let next = current
    if (revisionOf(current) <= highest) {
      this.#registry.update(replicasets, namespace, current.metadata.name, (set) => ({
        ...set,
        metadata: {
          ...set.metadata,
          annotations: {
            ...set.metadata.annotations,
            ...numbersBefore(set),
            [revision]: String(highest + 1)
          }
        }
      }))
      next = this.#registry.find(replicasets, namespace, current.metadata.name)
    }
    const shown = String(revisionOf(next))
    if (annotations?.[revision] !== shown) {
      // With its status: so it counts in no generation.
      const written = { subresource: "status" as const }
      this.#registry.update(
        deployments,
        namespace,
        name,
        (each) => ({
          ...each,
          metadata: { ...each.metadata, annotations: { ...each.metadata.annotations, [revision]: shown } }
        }),
        written
      )
    }
    return next
  }

  #scale(set: ReplicaSet, replicas: number): void {
    if (set.spec.replicas === replicas) return
    const { namespace, name } = set.metadata
    this.#registry.update(replicasets, namespace, name, (current) => ({
      ...current,
      metadata: {
        ...current.metadata,
        annotations: { ...current.metadata.annotations, ...this.#sizes() }
      },
      spec: { ...(isObject(current.spec) ? current.spec : {}), replicas }
    }))
    this.#say(name, set.spec.replicas, replicas)
  }

  #recreate(current: ReplicaSet, old: ReadonlyArray<ReplicaSet>): void {
    for (const set of old) this.#scale(set, 0)
    if (this.#areGone(old)) this.#scale(current, this.#deployment.spec.replicas)
  }

  #roll(current: ReplicaSet, old: ReadonlyArray<ReplicaSet>): void {
    const { replicas } = this.#deployment.spec
    const { unavailable } = limits(this.#deployment)
    const all = [current, ...old]
    const total = all.reduce((sum, set) => sum + set.spec.replicas, 0)
    const next = this.#grown(current.spec.replicas, total)
    // One step a pass: the next sees what came of it.
    if (next !== current.spec.replicas) return this.#scale(current, next)
    // Unavailable pods may be deleted at once; of the others, as many as the minimum allows.
    const missing = current.spec.replicas - (current.status.availableReplicas ?? 0)
    let room = total - (replicas - unavailable) - missing
    for (const onlySick of [true, false]) {
      for (const { metadata } of old) {
        const set = this.#registry.find(replicasets, metadata.namespace, metadata.name)
        const sick = Math.max(0, set.spec.replicas - (set.status.availableReplicas ?? 0))
        const less = Math.min(room, onlySick ? sick : set.spec.replicas)
        if (less <= 0) continue
        this.#scale(set, set.spec.replicas - less)
        room -= less
      }
    }
  }

  /** Old sets without pods are kept for a rollback, as many as the history's limit says. */
  #forget(old: ReadonlyArray<ReplicaSet>): void {
    const idle = old.filter((set) => set.spec.replicas === 0 && set.status.replicas === 0)
    const over = Math.max(0, idle.length - this.#deployment.spec.revisionHistoryLimit)
    for (const { metadata } of idle.slice(0, over))
      this.#registry.remove(replicasets, metadata.namespace, metadata.name, { uid: metadata.uid })
  }

  /** Answers when the rollout will have taken too long. */
  #report(current: string | undefined): number | undefined {
    const { namespace, name, generation } = this.#deployment.metadata
    const deployment = this.#registry.find(deployments, namespace, name)
    const sets = this.#sets()
    const sum = (count: (set: ReplicaSet) => number | undefined, of = sets): number =>
      of.reduce((total, set) => total + (count(set) ?? 0), 0)
    const replicas = sum((set) => set.status.replicas)
    const updated = sum(
      (set) => set.status.replicas,
      sets.filter((set) => set.metadata.name === current)
    )
    const ready = sum((set) => set.status.readyReplicas)
    const available = sum((set) => set.status.availableReplicas)
    const missing = Math.max(0, deployment.spec.replicas - available)
    const counts = {
      ...(replicas === 0 ? {} : { replicas }),
      ...(updated === 0 ? {} : { updatedReplicas: updated }),
      ...(ready === 0 ? {} : { readyReplicas: ready }),
      ...(available === 0 ? {} : { availableReplicas: available }),
      ...(missing === 0 ? {} : { unavailableReplicas: missing }),
      terminatingReplicas: sum((set) => set.status.terminatingReplicas)
    }
    const isDone =
      updated === deployment.spec.replicas &&
      replicas === updated &&
      available === updated &&
      current !== undefined
    const { conditions: before = [], observedGeneration: _, ...countsBefore } = deployment.status
    const progressed = !equal(counts, countsBefore)
    const { progressing, left } = this.#progress(before, isDone, progressed, current)
    const isAvailable = available >= deployment.spec.replicas - limits(deployment).unavailable
    const conditions = [
      {
        type: "Available",
        ...(isAvailable
          ? {
              status: "True" as const,
              reason: "MinimumReplicasAvailable",
              message: "Deployment has minimum availability."
            }
          : {
              status: "False" as const,
              reason: "MinimumReplicasUnavailable",
              message: "Deployment does not have minimum availability."
            })
      },
      ...(progressing === undefined ? [] : [progressing])
    ].reduce((all, each) => this.#stamped(all, each), before)
    this.#registry.setStatus(deployments, deployment, {
      ...(generation === undefined
        ? {}
        : { observedGeneration: deployment.metadata.generation ?? generation }),
      ...counts,
      conditions
    })
    return left
  }

  #stamped(all: ReadonlyArray<Condition>, next: Condition): ReadonlyArray<Condition> {
    const before = all.find(({ type }) => type === next.type)
    const isSame =
      before?.status === next.status && before.reason === next.reason && next.lastUpdateTime === undefined
    const lastUpdateTime =
      isSame && before.lastUpdateTime !== undefined
        ? before.lastUpdateTime
        : Timestamp.fromMillis(this.#registry.now())
    return withCondition(all, { ...next, lastUpdateTime }, this.#registry.now())
  }

  #progress(
    before: ReadonlyArray<Condition>,
    isDone: boolean,
    progressed: boolean,
    current: string | undefined
  ): { readonly progressing?: Condition; readonly left?: number } {
    if (current === undefined) return {}
    const known = before.find(({ type }) => type === "Progressing")
    const set = `ReplicaSet ${JSON.stringify(current)}`
    const type = "Progressing"
    if (isDone) {
      const message = `${set} has successfully progressed.`
      return { progressing: { type, status: "True", reason: "NewReplicaSetAvailable", message } }
    }
    const now = this.#registry.now()
    const lastUpdateTime = Timestamp.fromMillis(now)
    if (known === undefined || progressed) {
      const message = `${set} is progressing.`
      return {
        progressing: { type, status: "True", reason: "ReplicaSetUpdated", message, lastUpdateTime },
        left: this.#deployment.spec.progressDeadlineSeconds * 1000
      }
    }
    const since = Timestamp.toMillis(known.lastUpdateTime ?? "")
    const left = since + this.#deployment.spec.progressDeadlineSeconds * 1000 - now
    if (known.reason === "NewReplicaSetAvailable" || known.reason === "ProgressDeadlineExceeded") return {}
    if (left > 0) return { left }
    const message = `${set} has timed out progressing.`
    return { progressing: { type, status: "False", reason: "ProgressDeadlineExceeded", message } }
  }
}

export const deploymentController = (registry: Registry, recorder: Recorder): Controller => ({
  name: "deployment",
  keysOf: ({ type, object, previous }) => {
    const { namespace } = object.metadata
    if (type === deployments) return [`${namespace}/${object.metadata.name}`]
    if (type !== replicasets) return []
    const owner = controllerOf(object) ?? (previous === undefined ? undefined : controllerOf(previous))
    return owner?.kind === "Deployment" ? [`${namespace}/${owner.name}`] : []
  },
  reconcile: (key) => {
    const [namespace, name = ""] = key.split("/")
    const deployment = registry.store.get(deployments, namespace, name)
    return deployment === undefined ? undefined : new Rollout(registry, recorder, deployment).run()
  }
})
