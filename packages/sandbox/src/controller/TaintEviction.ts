/** Marks the pods of a node with NoExecute taints for deletion: at once, or when their tolerations end. */
import type { Registry } from "../registry/Registry.ts"
import { type Node, nodes, type Pod, pods, type Taint } from "../registry/kinds/core.ts"
import { withCondition } from "./Condition.ts"
import type { Controller } from "./Controller.ts"
import { tolerates } from "../node/Placement.ts"
import type { PodsByNode } from "../registry/PodsByNode.ts"
import type { Recorder } from "./Recorder.ts"

const noExecute = (node: Node | undefined): ReadonlyArray<Taint> =>
  (node?.spec.taints ?? []).filter(({ effect }) => effect === "NoExecute")

/** Milliseconds for which the pod tolerates the taints: Infinity for forever. */
const patience = (pod: Pod, taints: ReadonlyArray<Taint>): number =>
  Math.min(
    ...taints.map((taint) => {
      const used = pod.spec.tolerations?.find((toleration) => tolerates(taint, toleration))
      return used === undefined ? 0 : Math.max(0, used.tolerationSeconds ?? Number.POSITIVE_INFINITY) * 1000
    })
  )

export const taintEviction = (registry: Registry, byNode: PodsByNode, recorder: Recorder): Controller => {
  const { store } = registry
  /** Since when a pod's node has had such taints, by the pod's uid. */
  const since = new Map<string, number>()
  const component = "taint-eviction-controller"

  const evict = (pod: Pod): void => {
    const { namespace, name, uid } = pod.metadata
    since.delete(uid)
    recorder.record(pod, {
      reason: "TaintManagerEviction",
      message: `Marking for deletion Pod ${namespace}/${name}`,
      component
    })
    registry.setStatus(pods, pod, {
      ...pod.status,
      conditions: withCondition(
        pod.status.conditions ?? [],
        {
          type: "DisruptionTarget",
          status: "True",
          reason: "DeletionByTaintManager",
          message: "Taint manager: deleting due to NoExecute taint"
        },
        registry.now()
      )
    })
    registry.remove(pods, namespace, name, { uid })
  }

  const reconcile = (pod: Pod): number | undefined => {
    const { namespace, name, uid, deletionTimestamp } = pod.metadata
    const taints = noExecute(store.get(nodes, undefined, pod.spec.nodeName ?? ""))
    if (taints.length === 0 || deletionTimestamp !== undefined) {
      if (since.delete(uid) && deletionTimestamp === undefined) {
        recorder.record(pod, {
          reason: "TaintManagerEviction",
          message: `Cancelling deletion of Pod ${namespace}/${name}`,
          component
        })
      }
      return undefined
    }
    const bears = patience(pod, taints)
    if (bears === Number.POSITIVE_INFINITY) return undefined
    const now = registry.now()
    const from = since.get(uid) ?? now
    since.set(uid, from)
    if (from + bears > now) return from + bears - now
    evict(pod)
    return undefined
  }

  return {
    name: "taint-eviction",
    keysOf: ({ type, kind, object, previous }) => {
      if (type === nodes) {
        // The store hands out what it holds: these are nodes.
        const [next, before] = [object as Node, previous as Node | undefined]
        const concerns =
          next.spec.taints !== before?.spec.taints && noExecute(next).length + noExecute(before).length > 0
        return concerns ? byNode.keys(next.metadata.name) : []
      }
      if (type !== pods) return []
      const pod = object as Pod
      if (kind === "DELETED") since.delete(pod.metadata.uid)
      const isTainted = noExecute(store.get(nodes, undefined, pod.spec.nodeName ?? "")).length > 0
      return isTainted ? [`${pod.metadata.namespace}/${pod.metadata.name}`] : []
    },
    reconcile: (key) => {
      const [namespace, name = ""] = key.split("/")
      const pod = store.get(pods, namespace, name)
      return pod === undefined ? undefined : reconcile(pod)
    }
  }
}
