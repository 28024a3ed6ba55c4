/**
 * Force-deletes pods that no kubelet will terminate: those of a deleted node, and terminating ones on a
 * node that was declared out of service.
 */
import type { Registry } from "../registry/Registry.ts"
import { type Condition, type Node, nodes, type Pod, pods } from "../registry/kinds/core.ts"
import { withCondition } from "./Condition.ts"
import type { Controller } from "./Controller.ts"
import type { PodsByNode } from "../registry/PodsByNode.ts"

/** It looks round every 20 s, and gives a node that it misses 40 s to come. */
const periodMillis = 20_000
const quarantineRounds = 2

const outOfService = "node.kubernetes.io/out-of-service"

/** The person who sets the taint has seen to it that the machine is off (KEP-2268). */
const isDeclaredOff = (node: Node): boolean =>
  (node.spec.taints ?? []).some(({ key }) => key === outOfService) &&
  node.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") !== true

const orphaned: Condition = {
  type: "DisruptionTarget",
  status: "True",
  reason: "DeletionByPodGC",
  message: "PodGC: node no longer exists"
}

export const podGarbageCollector = (registry: Registry, byNode: PodsByNode): Controller => {
  const { store, now } = registry
  const start = now()
  /** The round in which a pod was first found without its node, by the pod's uid. */
  const missed = new Map<string, number>()
  /** The round that a pod waits for: a timer comes a little late, and then that is the round still. */
  const rounds = new Map<string, number>()

  const round = (): number => Math.floor((now() - start) / periodMillis)

  const waitFor = (uid: string, next: number): number => {
    rounds.set(uid, next)
    return start + next * periodMillis - now()
  }

  /** Milliseconds until the pod's round; 0: it is now. */
  const untilRound = (uid: string): number => {
    const isNow = (now() - start) % periodMillis === 0
    const next = rounds.get(uid) ?? round() + (isNow ? 0 : 1)
    if (round() < next) return waitFor(uid, next)
    rounds.delete(uid)
    return 0
  }

  const remove = (pod: Pod, condition?: Condition): void => {
    const { namespace, name, uid } = pod.metadata
    const { phase, conditions = [] } = pod.status
    registry.setStatus(pods, pod, {
      ...pod.status,
      phase: phase === "Succeeded" ? phase : "Failed",
      ...(condition === undefined ? {} : { conditions: withCondition(conditions, condition, now()) })
    })
    registry.remove(pods, namespace, name, { uid, gracePeriodSeconds: 0 })
  }

  const reconcile = (pod: Pod): number | undefined => {
    const { nodeName = "" } = pod.spec
    const node = store.get(nodes, undefined, nodeName)
    const { uid, deletionTimestamp } = pod.metadata
    if (nodeName === "") return undefined
    const isOrphan = node === undefined
    if (!isOrphan) {
      missed.delete(uid)
      if (deletionTimestamp === undefined || !isDeclaredOff(node)) {
        rounds.delete(uid)
        return undefined
      }
    }
    const wait = untilRound(uid)
    if (wait > 0) return wait
    if (isOrphan) {
      const first = missed.get(uid) ?? round()
      missed.set(uid, first)
      if (round() - first < quarantineRounds) return waitFor(uid, round() + 1)
    }
    missed.delete(uid)
    remove(pod, isOrphan ? orphaned : undefined)
    return undefined
  }

  return {
    name: "pod-garbage-collector",
    keysOf: ({ kind, type, object }) => {
      if (type === nodes)
        return kind === "DELETED" || isDeclaredOff(object as Node) ? byNode.keys(object.metadata.name) : []
      if (type !== pods) return []
      // The store hands out what it holds: this is a pod.
      const { metadata, spec } = object as Pod
      if (kind === "DELETED") {
        missed.delete(metadata.uid)
        rounds.delete(metadata.uid)
      }
      const isHeld =
        metadata.deletionTimestamp === undefined &&
        store.get(nodes, undefined, spec.nodeName ?? "") !== undefined
      return isHeld ? [] : [`${metadata.namespace}/${metadata.name}`]
    },
    reconcile: (key) => {
      const [namespace, name = ""] = key.split("/")
      const pod = store.get(pods, namespace, name)
      return pod === undefined ? undefined : reconcile(pod)
    }
  }
}
