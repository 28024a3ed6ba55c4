/** What becomes visible of a node that is lost or found: its condition, its pods', and the taints. */
import type { Registry } from "../Registry.ts"
import { type Node, nodes, pods, type Taint } from "../resource/core.ts"
import * as Timestamp from "../Timestamp.ts"
import { withCondition } from "./Scheduler.ts"

const key = "node.kubernetes.io/unreachable"

const taints = (node: Node, lost: boolean, now: number): ReadonlyArray<Taint> => {
  const others = (node.spec.taints ?? []).filter((taint) => taint.key !== key)
  const timeAdded = Timestamp.fromMillis(now)
  return lost
    ? [...others, { key, effect: "NoSchedule", timeAdded }, { key, effect: "NoExecute", timeAdded }]
    : others
}

/** As the node lifecycle controller writes it once the kubelet's heartbeats have stopped, or come again. */
export const setReady = (registry: Registry, name: string, status: "True" | "Unknown"): void => {
  const { store } = registry
  const now = registry.now()
  const node = store.get(nodes, undefined, name)
  if (node === undefined) return
  const lost = status === "Unknown"
  store.put(nodes, {
    ...node,
    spec: { ...node.spec, taints: taints(node, lost, now) },
    status: {
      ...node.status,
      conditions: withCondition(
        node.status.conditions ?? [],
        lost
          ? {
              type: "Ready",
              status,
              reason: "NodeStatusUnknown",
              message: "Kubelet stopped posting node status."
            }
          : { type: "Ready", status, reason: "KubeletReady", message: "kubelet is posting ready status" },
        now
      )
    }
  })
  if (!lost) return
  // The phase stays Running: only the condition tells.
  for (const pod of store.list(pods)) {
    if (pod.spec.nodeName !== name) continue
    registry.setStatus(pods, pod, {
      ...pod.status,
      conditions: withCondition(pod.status.conditions ?? [], { type: "Ready", status: "False" }, now)
    })
  }
}
