/**
 * The StatefulSet controller, one pass at a time: replicas upwards, then condemned pods downwards, then the
 * rolling update downwards. Under OrderedReady a pass ends at the first pod that is not healthy, which is why
 * an unhealthy low ordinal stops a scale-down, and why a reverted template does not replace a stuck pod.
 */
import { controllerOf } from "../apimachinery/KubeObject.ts"
import { equal } from "../apimachinery/Json.ts"
import type { Registry } from "../registry/Registry.ts"
import {
  type ControllerRevision,
  type StatefulSet,
  statefulsets,
  type StatefulSetStatus
} from "../registry/kinds/apps.ts"
import { persistentvolumeclaims, type Pod, pods } from "../registry/kinds/core.ts"
import { labelSelector } from "../apimachinery/Selector.ts"
import { Refusal } from "../apimachinery/Status.ts"
import { enforce, ownersOf } from "./ClaimRetention.ts"
import type { Controller } from "./Controller.ts"
import type { Pace } from "./Pace.ts"
import type { PodsByNode } from "../registry/PodsByNode.ts"
import type { Recorder } from "./Recorder.ts"
import { revisionsOf, templateOf, truncate, updateRevision } from "./Revisions.ts"
import {
  claimAt,
  claimName,
  isRunningAndReady,
  isTerminating,
  ordinalOf,
  podAt,
  revisionOf,
  startOf,
  untilAvailable
} from "./StatefulSetPod.ts"
import { isEnd } from "../registry/PodPhase.ts"

/** State shared by the controller's passes. */
export interface Tools {
  /** Counts each create, delete and status; the owners of claims and the revisions it lets pass. */
  readonly pace: Pace
  readonly recorder: Recorder
  readonly byNode: PodsByNode
}

/** One pass over one set. */
class Pass {
  readonly #registry: Registry
  readonly #tools: Tools
  readonly #set: StatefulSet
  readonly #monotonic: boolean
  readonly #revisions: ReadonlyArray<ControllerRevision>
  readonly #current: ControllerRevision
  readonly #update: ControllerRevision
  /** Milliseconds until a pod that is ready becomes available. */
  #again = Number.POSITIVE_INFINITY

  constructor(registry: Registry, set: StatefulSet, tools: Tools) {
    this.#registry = registry
    this.#tools = tools
    this.#set = set
    this.#monotonic = set.spec.podManagementPolicy !== "Parallel"
    const known = revisionsOf(registry, set)
    this.#update = updateRevision(registry, set, known)
    this.#revisions = revisionsOf(registry, set)
    this.#current =
      this.#revisions.find((each) => each.metadata.name === set.status.currentRevision) ?? this.#update
  }

  /** `owed`: the uids of sets whose last pass ended at its status, which comes before anything else then. */
  run(owed: Set<string>): number | undefined {
    const { uid, deletionTimestamp } = this.#set.metadata
    if (owed.has(uid)) this.#writeStatus(this.#status(this.#pods()))
    owed.delete(uid)
    const refused = deletionTimestamp === undefined ? this.#tryToAct() : undefined
    const found = this.#pods()
    const status = this.#status(found)
    owed.add(uid)
    this.#writeStatus(status)
    owed.delete(uid)
    const live = new Set([
      ...found.map((pod) => revisionOf(pod) ?? ""),
      status.currentRevision ?? "",
      status.updateRevision ?? ""
    ])
    truncate(this.#registry, this.#set, this.#revisions, live)
    if (refused !== undefined) throw refused
    return this.#again === Number.POSITIVE_INFINITY ? undefined : this.#again
  }

  /** A refusal ends the pass only after the status is written. */
  #tryToAct(): Refusal | undefined {
    try {
      this.#act()
      return undefined
    } catch (refusal) {
      if (refusal instanceof Refusal) return refusal
      throw refusal
    }
  }

  #writeStatus(status: StatefulSetStatus): void {
    const { namespace, name } = this.#set.metadata
    if (!equal(this.#registry.store.get(statefulsets, namespace, name)?.status, status))
      this.#tools.pace.take()
    this.#registry.setStatus(statefulsets, this.#set, status)
  }

  #pods(): ReadonlyArray<Pod> {
    const { namespace, uid } = this.#set.metadata
    return this.#registry.store.dependents(uid).flatMap(([type, object]) => {
      if (type !== pods || controllerOf(object)?.uid !== uid) return []
      const pod = this.#registry.store.get(pods, namespace, object.metadata.name)
      return pod === undefined ? [] : [pod]
    })
  }

  /** Takes in pods without a controller that the selector matches and the name fits, as after an orphaning delete. */
  #adopt(): void {
    const { namespace, name, uid } = this.#set.metadata
    const selects = labelSelector(this.#set.spec.selector)
    for (const pod of this.#tools.byNode.orphans(namespace)) {
      const fits = ordinalOf(this.#set, pod) >= 0 && selects(pod.metadata.labels ?? {})
      if (!fits || controllerOf(pod) !== undefined || isTerminating(pod)) continue
      this.#registry.update(pods, namespace, pod.metadata.name, (current) => ({
        ...current,
        metadata: {
          ...current.metadata,
          ownerReferences: [
            ...(current.metadata.ownerReferences ?? []),
            {
              apiVersion: "apps/v1",
              kind: "StatefulSet",
              name,
              uid,
              controller: true,
              blockOwnerDeletion: true
            }
          ]
        }
      }))
    }
  }

  #untilAvailable(pod: Pod): number {
    const wait = untilAvailable(pod, this.#set.spec.minReadySeconds ?? 0, this.#registry.now())
    if (wait > 0) this.#again = Math.min(this.#again, wait)
    return wait
  }

  #isHealthy(pod: Pod): boolean {
    return !isTerminating(pod) && this.#untilAvailable(pod) === 0
  }

  #act(): void {
    this.#adopt()
    const start = startOf(this.#set)
    const end = start + this.#set.spec.replicas
    const byOrdinal = new Map(this.#pods().map((pod) => [ordinalOf(this.#set, pod), pod]))
    const condemned = [...byOrdinal]
      .filter(([ordinal]) => ordinal >= 0 && (ordinal < start || ordinal >= end))
      .toSorted(([left], [right]) => right - left)
      .map(([, pod]) => pod)
    for (let ordinal = start; ordinal < end; ordinal++) {
      if (this.#replica(ordinal, byOrdinal.get(ordinal)) === "stop" && this.#monotonic) return
    }
    for (const pod of condemned) enforce(this.#registry, this.#set, pod, ordinalOf(this.#set, pod), true)
    const kept = [...byOrdinal].filter(([ordinal]) => ordinal >= start && ordinal < end).map(([, pod]) => pod)
    const firstUnhealthy = [...kept, ...condemned.toReversed()].find((pod) => !this.#isHealthy(pod))
    for (const pod of condemned) {
      if (isTerminating(pod)) {
        if (this.#monotonic) return
        continue
      }
      // Only the first unhealthy pod may be deleted while it is unhealthy.
      if (this.#monotonic && !this.#isHealthy(pod) && pod !== firstUnhealthy) return
      this.#delete(pod)
      if (this.#monotonic) return
    }
    this.#roll(start, end)
  }

  #say(reason: string, message: string, type: "Normal" | "Warning" = "Normal"): void {
    this.#tools.recorder.record(this.#set, { type, reason, message, component: "statefulset-controller" })
  }

  /** A write of its own, rate-limited, with its event. */
  #write(verb: "Create" | "Delete" | "Update", what: string, done: string, write: () => void): void {
    this.#tools.pace.take()
    const { name } = this.#set.metadata
    // As the real controller spells them.
    const word = verb === "Delete" ? "delete" : verb
    try {
      write()
    } catch (refusal) {
      if (refusal instanceof Refusal) {
        const why = `failed error: ${refusal.status.message}`
        this.#say(`Failed${verb}`, `${word} ${what} in StatefulSet ${name} ${why}`, "Warning")
      }
      throw refusal
    }
    this.#say(`Successful${verb}`, `${word} ${what} in StatefulSet ${name} ${done}`)
  }

  #delete(pod: Pod): void {
    const { namespace, name, uid } = pod.metadata
    this.#write("Delete", `Pod ${name}`, "successful", () =>
      this.#registry.remove(pods, namespace, name, { uid })
    )
  }

  /** `stop` if a problem of this replica ends an ordered pass. */
  #replica(ordinal: number, pod: Pod | undefined): "stop" | "go" {
    if (pod === undefined) {
      // A terminating claim must be deleted first: the pod would hold it (F3).
      if (this.#hasStaleClaim(ordinal)) return "stop"
      this.#createClaims(ordinal)
      this.#create(ordinal)
      return "stop"
    }
    if (isEnd(pod.status.phase)) {
      if (!isTerminating(pod)) this.#delete(pod)
      return "stop"
    }
    // Missing claims come back only while the pod is pending, and they come back empty.
    if (pod.status.phase === "Pending") this.#createClaims(ordinal)
    if (isTerminating(pod) || !isRunningAndReady(pod) || this.#untilAvailable(pod) > 0) return "stop"
    enforce(this.#registry, this.#set, pod, ordinal, false)
    this.#completeStorage(ordinal, pod)
    return "go"
  }

  /** A set that was recreated may have a template more: no pod takes in a volume, so that the pass ends here. */
  #completeStorage(ordinal: number, pod: Pod): void {
    const { namespace, name } = pod.metadata
    const volumes = (this.#set.spec.volumeClaimTemplates ?? []).map((template) => ({
      name: template.metadata.name,
      persistentVolumeClaim: { claimName: claimName(template, this.#set, ordinal) }
    }))
    const own = pod.spec.volumes ?? []
    const lacking = volumes.filter((volume) => !own.some((one) => one.name === volume.name))
    if (lacking.length === 0) return
    this.#createClaims(ordinal)
    const spec = { ...pod.spec, volumes: [...own, ...lacking] }
    this.#write("Update", `Pod ${name}`, "successful", () =>
      this.#registry.update(pods, namespace, name, (now) => ({ ...now, spec }))
    )
  }

  #create(ordinal: number): void {
    const { rollingUpdate, type } = this.#set.spec.updateStrategy
    // Here the partition is compared with the ordinal's distance from the start: a count.
    const old = type === "RollingUpdate" && ordinal < startOf(this.#set) + (rollingUpdate?.partition ?? 0)
    const revision = old ? this.#current : this.#update
    const draft = podAt(this.#set, templateOf(this.#set, revision), revision.metadata.name, ordinal)
    this.#write("Create", `Pod ${draft.metadata.name}`, "successful", () =>
      this.#registry.create(pods, this.#set.metadata.namespace, draft)
    )
  }

  #hasStaleClaim(ordinal: number): boolean {
    return (this.#set.spec.volumeClaimTemplates ?? []).some((template) => {
      const name = claimName(template, this.#set, ordinal)
      const claim = this.#registry.store.get(persistentvolumeclaims, this.#set.metadata.namespace, name)
      return claim?.metadata.deletionTimestamp !== undefined
    })
  }

  #createClaims(ordinal: number): void {
    const { namespace } = this.#set.metadata
    for (const template of this.#set.spec.volumeClaimTemplates ?? []) {
      const name = claimName(template, this.#set, ordinal)
      if (this.#registry.store.get(persistentvolumeclaims, namespace, name) !== undefined) continue
      const draft = claimAt(this.#set, template, ordinal, ownersOf(this.#set, undefined))
      const pod = `${this.#set.metadata.name}-${ordinal}`
      this.#write("Create", `Claim ${name} Pod ${pod}`, "success", () =>
        this.#registry.create(persistentvolumeclaims, namespace, draft)
      )
    }
  }

  /** Replaces the highest pod that is of an old revision; waits for each to be well again. */
  #roll(start: number, end: number): void {
    const { type, rollingUpdate } = this.#set.spec.updateStrategy
    if (type === "OnDelete") return
    const byOrdinal = new Map(this.#pods().map((pod) => [ordinalOf(this.#set, pod), pod]))
    // And here it is the index in the list of replicas: the same count.
    for (let ordinal = end - 1; ordinal >= start + (rollingUpdate?.partition ?? 0); ordinal--) {
      const pod = byOrdinal.get(ordinal)
      if (pod === undefined) return
      if (revisionOf(pod) !== this.#update.metadata.name && !isTerminating(pod)) {
        this.#delete(pod)
        return
      }
      if (!this.#isHealthy(pod)) return
    }
  }

  #status(found: ReadonlyArray<Pod>): StatefulSetStatus {
    const { generation, namespace, name } = this.#set.metadata
    const latest = this.#registry.store.get(statefulsets, namespace, name) ?? this.#set
    const count = (matches: (pod: Pod) => boolean): number => found.filter(matches).length
    const of = (revision: ControllerRevision) => (pod: Pod) =>
      !isTerminating(pod) && revisionOf(pod) === revision.metadata.name
    const replicas = found.length
    const ready = count(isRunningAndReady)
    const updated = count(of(this.#update))
    const wanted = latest.spec.replicas
    const complete =
      latest.spec.updateStrategy.type === "RollingUpdate" &&
      updated === wanted &&
      ready === wanted &&
      replicas === wanted
    const current = complete ? updated : count(of(this.#current))
    return {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      replicas,
      ...(ready === 0 ? {} : { readyReplicas: ready }),
      ...(current === 0 ? {} : { currentReplicas: current }),
      ...(updated === 0 ? {} : { updatedReplicas: updated }),
      availableReplicas: count((pod) => this.#untilAvailable(pod) === 0),
      currentRevision: (complete ? this.#update : this.#current).metadata.name,
      updateRevision: this.#update.metadata.name,
      collisionCount: 0
    }
  }
}

export const statefulSetController = (registry: Registry, tools: Tools): Controller => {
  const owed = new Set<string>()
  return {
    name: "statefulset",
    keysOf: ({ type, object, previous }) => {
      const { namespace } = object.metadata
      if (type === statefulsets) return [`${namespace}/${object.metadata.name}`]
      if (type !== pods && type !== persistentvolumeclaims) return []
      const owner = [object, ...(previous === undefined ? [] : [previous])]
        .map(controllerOf)
        .find((each) => each?.kind === "StatefulSet")
      if (owner !== undefined) return [`${namespace}/${owner.name}`]
      // A claim may be what a set waits for, and an orphan one that it adopts: both are named after it.
      const base = /^(.+)-\d+$/.exec(object.metadata.name)?.[1] ?? ""
      const starts = type === pods ? [] : [...base.matchAll(/-/g)].map(({ index }) => index + 1)
      return [0, ...starts]
        .map((start) => base.slice(start))
        .filter((name) => registry.store.get(statefulsets, namespace, name) !== undefined)
        .map((name) => `${namespace}/${name}`)
    },
    reconcile: (key) => {
      const [namespace, name = ""] = key.split("/")
      const set = registry.store.get(statefulsets, namespace, name)
      return set === undefined ? undefined : tools.pace.run(() => new Pass(registry, set, tools).run(owed))
    }
  }
}
