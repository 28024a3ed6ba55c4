/** The readiness of a pod, and the reason if it is not ready, in one line. */
import type { Node } from "../kind/Node.ts"
import type { Condition } from "../kind/Meta.ts"
import { type ContainerStatus, isEnd, type Pod } from "../kind/Pod.ts"

/** The condition of that type. */
export const conditionOf = (
  conditions: ReadonlyArray<Condition> | null | undefined,
  type: string
): Condition | undefined => conditions?.find((condition) => condition.type === type)

/** The first line of a message; controllers write whole paragraphs. */
const firstLine = (text: string | null | undefined): string => text?.split("\n", 1)[0]?.trim() ?? ""

const withMessage = (head: string, message: string | null | undefined): string => {
  const line = firstLine(message)
  return line === "" ? head : `${head}: ${line}`
}

/** Nodes by name; `null` if they could not be read. */
export type NodesByName = ReadonlyMap<string, Node> | null

/**
 * Reason that the pod's node is lost, or `null` if it is not known to be. A lost node's pod keeps phase
 * Running and its containers' ready flags until the node recovers or the pod is force-deleted.
 */
export const nodeLoss = (pod: Pod, nodes: NodesByName): string | null => {
  const name = pod.spec.nodeName
  if (!name || nodes === null) return null
  const node = nodes.get(name)
  if (node === undefined) return `${name} is gone from the cluster`
  return conditionOf(node.status?.conditions, "Ready")?.status === "Unknown" ? `${name} is unreachable` : null
}

const containerReason = (status: ContainerStatus, sort: string): string | null => {
  const name = `${sort} ${status.name}`
  const { waiting, terminated } = status.state ?? {}
  if (waiting) {
    // PodInitializing and ContainerCreating are what any pod passes through: the events say more.
    return withMessage(`${name} ${waiting.reason ?? "Waiting"}`, waiting.message)
  }
  if (terminated) {
    if (sort === "init container" && terminated.exitCode === 0) return null
    const code = terminated.signal ? `signal ${terminated.signal}` : `exit code ${terminated.exitCode ?? "?"}`
    return withMessage(`${name} ${terminated.reason ?? "Terminated"} (${code})`, terminated.message)
  }
  return null
}

const firstReason = (
  statuses: ReadonlyArray<ContainerStatus> | null | undefined,
  sort: string
): string | null => {
  for (const status of statuses ?? []) {
    const reason = status.ready === true && sort === "container" ? null : containerReason(status, sort)
    if (reason !== null) return reason
  }
  return null
}

const ownReason = (pod: Pod): string => {
  const { status } = pod
  const scheduled = conditionOf(status?.conditions, "PodScheduled")
  const gates = (pod.spec.schedulingGates ?? []).map(({ name }) => name)
  // The scheduler's own words name no gate, and so nobody who could take it away.
  if (gates.length > 0) return `SchedulingGated: ${gates.join(", ")} has not let it be scheduled`
  if (scheduled?.status === "False") return withMessage(scheduled.reason ?? "Unscheduled", scheduled.message)
  if (isEnd(status?.phase)) {
    return withMessage(
      status.reason ?? status.phase,
      status.message ?? firstReason(status.containerStatuses, "container")
    )
  }
  const container =
    firstReason(status?.initContainerStatuses, "init container") ??
    firstReason(status?.containerStatuses, "container")
  if (container !== null) return container
  const running = status?.containerStatuses?.find((one) => one.ready !== true)
  if (running) {
    // Until the startup probe has passed no other one is asked.
    const isStarting =
      running.started === false &&
      pod.spec.containers?.find(({ name }) => name === running.name)?.startupProbe != null
    return `container ${running.name} runs, its ${isStarting ? "startup" : "readiness"} probe has not passed`
  }
  const gate = pod.spec.readinessGates?.find(
    ({ conditionType }) => conditionOf(status?.conditions, conditionType)?.status !== "True"
  )
  if (gate) return `readiness gate ${gate.conditionType} is not True`
  const ready = conditionOf(status?.conditions, "Ready")
  const allReady = (status?.containerStatuses ?? []).some((one) => one.ready === true)
  if (ready?.status !== "True" && allReady && !ready?.reason && pod.spec.nodeName) {
    // The node controller turns the condition to False and leaves the rest as the kubelet last wrote it.
    return `${pod.spec.nodeName} seems to be unreachable: Ready is False, but its containers report ready`
  }
  return withMessage(ready?.reason ?? status?.phase ?? "Pending", ready?.message)
}

/** A node whose kubelet answers and says that it cannot run pods. */
const unhealthyNode = (pod: Pod, nodes: NodesByName): string | null => {
  const node = nodes?.get(pod.spec.nodeName ?? "")
  const ready = conditionOf(node?.status?.conditions, "Ready")
  return node && ready?.status === "False"
    ? withMessage(`${node.metadata.name} is not ready`, ready.message)
    : null
}

/** Ready, since when the condition is as it is, and the one line why not. */
export const readinessOf = (
  pod: Pod,
  nodes: NodesByName
): { readonly ready: boolean; readonly since: string | null; readonly reason: string | null } => {
  const condition = conditionOf(pod.status?.conditions, "Ready")
  const lost = nodeLoss(pod, nodes)
  const since = condition?.lastTransitionTime ?? null
  const deleted = pod.metadata.deletionTimestamp
  if (lost !== null) return { ready: false, since, reason: lost }
  if (condition?.status === "True") return { ready: true, since, reason: null }
  const reason = unhealthyNode(pod, nodes) ?? ownReason(pod)
  return { ready: false, since, reason: deleted ? `terminating since ${deleted}; ${reason}` : reason }
}
