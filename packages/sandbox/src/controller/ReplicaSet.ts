/** Keeps as many pods as a ReplicaSet asks for, of no order and no name of their own. */
import { controlledBy, controllerOf } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import { type ReplicaSet, replicasets } from "../registry/kinds/apps.ts"
import { type Condition, type Pod, pods } from "../registry/kinds/core.ts"
import { Refusal } from "../apimachinery/Status.ts"
import { withCondition } from "./Condition.ts"
import type { Controller } from "./Controller.ts"
import type { Recorder } from "./Recorder.ts"
import { conditionOf, isRunningAndReady, isTerminating, untilAvailable } from "./StatefulSetPod.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import { isEnd } from "../registry/PodPhase.ts"

/**
 * The deletion order if there are too many: without a node, pending, not ready, ready for the shortest
 * time, newest.
 */
const rank = (pod: Pod): ReadonlyArray<number> => [
  pod.spec.nodeName === undefined ? 0 : 1,
  pod.status.phase === "Running" ? 1 : 0,
  isRunningAndReady(pod) ? 1 : 0,
  -Timestamp.toMillis(conditionOf(pod, "Ready")?.lastTransitionTime ?? pod.metadata.creationTimestamp),
  -Timestamp.toMillis(pod.metadata.creationTimestamp)
]

const byRank = (left: Pod, right: Pod): number => {
  const [a, b] = [rank(left), rank(right)]
  const at = a.findIndex((each, i) => each !== b[i])
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0)
}

export const podsOf = (registry: Registry, set: ReplicaSet): ReadonlyArray<Pod> =>
  registry.store.dependents(set.metadata.uid).flatMap(([type, object]) => {
    const pod =
      type === pods && controllerOf(object)?.uid === set.metadata.uid
        ? registry.store.get(pods, object.metadata.namespace, object.metadata.name)
        : undefined
    return pod ?? []
  })

export const replicaSetController = (registry: Registry, recorder: Recorder): Controller => {
  const { store } = registry
  const component = "replicaset-controller"

  const create = (set: ReplicaSet): void => {
    const { labels, annotations } = set.spec.template.metadata ?? {}
    const draft = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        generateName: `${set.metadata.name}-`,
        ...(labels === undefined ? {} : { labels }),
        ...(annotations === undefined ? {} : { annotations }),
        ownerReferences: [controlledBy(set)]
      },
      spec: set.spec.template.spec
    }
    try {
      const pod = registry.create(pods, set.metadata.namespace, draft)
      const message = `Created pod: ${pod.metadata.name}`
      recorder.record(set, { reason: "SuccessfulCreate", message, component })
    } catch (refusal) {
      if (refusal instanceof Refusal) {
        const message = `Error creating: ${refusal.status.message}`
        recorder.record(set, { type: "Warning", reason: "FailedCreate", message, component })
      }
      throw refusal
    }
  }

  /** A refusal ends the pass only after the status is written. */
  const adjust = (set: ReplicaSet): Refusal | undefined => {
    const active = podsOf(registry, set).filter((pod) => !isTerminating(pod) && !isEnd(pod.status.phase))
    const missing = set.spec.replicas - active.length
    try {
      for (let i = 0; i < missing; i++) create(set)
      if (missing < 0) for (const pod of active.toSorted(byRank).slice(0, -missing)) remove(set, pod)
      return undefined
    } catch (refusal) {
      if (refusal instanceof Refusal) return refusal
      throw refusal
    }
  }

  /** The first message stays while the reason is the same: each refusal names another pod. */
  const failing = (set: ReplicaSet, refusal: Refusal): ReadonlyArray<Condition> => {
    const before = set.status.conditions ?? []
    return before.length > 0
      ? before
      : withCondition(
          [],
          {
            type: "ReplicaFailure",
            status: "True",
            reason: "FailedCreate",
            message: refusal.status.message ?? ""
          },
          registry.now()
        )
  }

  const remove = (set: ReplicaSet, { metadata: { namespace, name, uid } }: Pod): void => {
    registry.remove(pods, namespace, name, { uid })
    recorder.record(set, { reason: "SuccessfulDelete", message: `Deleted pod: ${name}`, component })
  }

  const reconcile = (set: ReplicaSet): number | undefined => {
    const refused = set.metadata.deletionTimestamp === undefined ? adjust(set) : undefined
    const all = podsOf(registry, set)
    const now = all.filter((pod) => !isTerminating(pod) && !isEnd(pod.status.phase))
    const waits = now.map((pod) => untilAvailable(pod, set.spec.minReadySeconds ?? 0, registry.now()))
    const ready = now.filter(isRunningAndReady).length
    const available = waits.filter((wait) => wait === 0).length
    const { generation } = set.metadata
    registry.setStatus(replicasets, set, {
      replicas: now.length,
      ...(now.length === 0 ? {} : { fullyLabeledReplicas: now.length }),
      ...(ready === 0 ? {} : { readyReplicas: ready }),
      ...(available === 0 ? {} : { availableReplicas: available }),
      terminatingReplicas: all.filter(isTerminating).length,
      ...(refused === undefined ? {} : { conditions: failing(set, refused) }),
      ...(generation === undefined ? {} : { observedGeneration: generation })
    })
    if (refused !== undefined) throw refused
    const next = Math.min(...waits.filter((wait) => wait > 0))
    return next === Number.POSITIVE_INFINITY ? undefined : next
  }

  return {
    name: "replicaset",
    keysOf: ({ type, object, previous }) => {
      const { namespace } = object.metadata
      if (type === replicasets) return [`${namespace}/${object.metadata.name}`]
      if (type !== pods) return []
      const owner = controllerOf(object) ?? (previous === undefined ? undefined : controllerOf(previous))
      return owner?.kind === "ReplicaSet" ? [`${namespace}/${owner.name}`] : []
    },
    reconcile: (key) => {
      const [namespace, name = ""] = key.split("/")
      const set = store.get(replicasets, namespace, name)
      return set === undefined ? undefined : reconcile(set)
    }
  }
}
