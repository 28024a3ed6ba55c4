/** The eviction subresource: a delete that asks the disruption budgets first. */
import { at, numberAt, stringAt } from "../apimachinery/Json.ts"
import { controllerOf, type KubeObject } from "../apimachinery/KubeObject.ts"
import type { DeleteOptions, Registry } from "./Registry.ts"
import { type Pod, pods } from "./kinds/core.ts"
import { poddisruptionbudgets } from "./kinds/index.ts"
import { deployments, replicasets, statefulsets } from "./kinds/apps.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import { labelSelector } from "../apimachinery/Selector.ts"
import { plain, tooManyRequests } from "../apimachinery/Status.ts"
import { isEnd } from "./PodPhase.ts"

const isHealthy = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  pod.status.conditions?.some((each) => each.type === "Ready" && each.status === "True") === true

/** A count, or a share of the expected pods rounded up. */
const amount = (value: unknown, expected: number): number =>
  typeof value === "number" ? value : Math.ceil((Number.parseInt(String(value), 10) / 100) * expected)

const scaled: ReadonlyArray<ResourceType> = [statefulsets, deployments, replicasets]

/** The replicas that the pods' controllers ask for together, by their /scale. A pod without one does not count. */
const wanted = (registry: Registry, chosen: ReadonlyArray<Pod>): number => {
  const scales = new Map<string, number>()
  for (const pod of chosen) {
    const { namespace } = pod.metadata
    let owner = controllerOf(pod)
    if (owner?.kind === "ReplicaSet") {
      const parent = registry.store.get(replicasets, namespace, owner.name)
      owner = (parent === undefined ? undefined : controllerOf(parent)) ?? owner
    }
    if (owner === undefined || scales.has(owner.uid)) continue
    const type = scaled.find(({ kind }) => kind === owner.kind)
    const workload = type === undefined ? undefined : registry.store.get(type, namespace, owner.name)
    scales.set(owner.uid, numberAt(workload?.spec, "replicas") ?? 0)
  }
  return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0)
}

/** The number of healthy pods of the budget, and the required number. */
export const standing = (
  registry: Registry,
  budget: KubeObject
): { readonly expected: number; readonly healthy: number; readonly desired: number } => {
  const selects = labelSelector(at(budget.spec, "selector"))
  const chosen = registry.store
    .list(pods, budget.metadata.namespace)
    .filter((pod) => selects(pod.metadata.labels ?? {}) && !isEnd(pod.status.phase))
  const atMost = at(budget.spec, "maxUnavailable")
  const atLeast = at(budget.spec, "minAvailable")
  // A whole minimum is a minimum of the pods that are; else the owners say how many there should be.
  const expected = typeof atLeast === "number" ? chosen.length : wanted(registry, chosen)
  const desired =
    atMost === undefined ? amount(atLeast ?? 0, expected) : Math.max(0, expected - amount(atMost, expected))
  return { expected, healthy: chosen.filter(isHealthy).length, desired }
}

/** Deletes the pod, or throws the 429 of the budget that forbids it. */
export const evict = (registry: Registry, namespace: string, name: string, options: DeleteOptions): void => {
  const pod = registry.find(pods, namespace, name)
  const budgets = registry.store
    .list(poddisruptionbudgets, namespace)
    .filter((budget) => labelSelector(at(budget.spec, "selector"))(pod.metadata.labels ?? {}))
  const exempt =
    pod.metadata.deletionTimestamp !== undefined || pod.status.phase === "Pending" || isEnd(pod.status.phase)
  if (!exempt) {
    if (budgets.length > 1) {
      throw plain(
        500,
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
      )
    }
    for (const budget of budgets) {
      const { healthy, desired } = standing(registry, budget)
      const always = stringAt(budget.spec, "unhealthyPodEvictionPolicy") === "AlwaysAllow"
      // An unhealthy pod may be evicted while the budget is met without it (KEP-3017, IfHealthyBudget).
      if (!isHealthy(pod) && (always || healthy >= desired)) continue
      if (healthy - desired <= 0) {
        throw tooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0, [
          {
            reason: "DisruptionBudget",
            message: `The disruption budget ${budget.metadata.name} needs ${desired} healthy pods and has ${healthy} currently`
          }
        ])
      }
    }
  }
  registry.remove(pods, namespace, name, options)
}
