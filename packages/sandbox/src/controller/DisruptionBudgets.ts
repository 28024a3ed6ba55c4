/** Keeps the status of each PodDisruptionBudget: how many pods exist, must exist, and may be evicted. */
import { arrayAt, at } from "../apimachinery/Json.ts"
import { standing } from "../registry/Eviction.ts"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import { deployments, replicasets, statefulsets } from "../registry/kinds/apps.ts"
import { type Condition, pods } from "../registry/kinds/core.ts"
import { poddisruptionbudgets } from "../registry/kinds/index.ts"
import { labelSelector } from "../apimachinery/Selector.ts"
import { withCondition } from "./Condition.ts"
import type { Controller } from "./Controller.ts"
import type { Recorder } from "./Recorder.ts"

export const disruptionBudgets = (registry: Registry, recorder: Recorder): Controller => {
  const { store } = registry

  const keysIn = (namespace: string | undefined, concerns: (budget: KubeObject) => boolean) =>
    store
      .list(poddisruptionbudgets, namespace)
      .filter(concerns)
      .map(({ metadata }) => `${namespace}/${metadata.name}`)

  const reconcile = (budget: KubeObject): void => {
    const { expected, healthy, desired } = standing(registry, budget)
    const disruptionsAllowed = expected === 0 ? 0 : Math.max(0, healthy - desired)
    if (expected === 0 && arrayAt(budget.status, "conditions").length === 0)
      recorder.record(budget, {
        reason: "NoPods",
        message: "No matching pods found",
        component: "controllermanager"
      })
    const observed =
      budget.metadata.generation === undefined ? {} : { observedGeneration: budget.metadata.generation }
    const condition: Condition = {
      type: "DisruptionAllowed",
      ...(disruptionsAllowed > 0
        ? { status: "True", reason: "SufficientPods" }
        : { status: "False", reason: "InsufficientPods" }),
      message: "",
      ...observed
    }
    const conditions = arrayAt(budget.status, "conditions") as ReadonlyArray<Condition>
    registry.setStatus(poddisruptionbudgets, budget, {
      conditions: withCondition(conditions, condition, registry.now()),
      currentHealthy: healthy,
      desiredHealthy: desired,
      disruptionsAllowed,
      expectedPods: expected,
      ...observed
    })
  }

  return {
    name: "disruption",
    keysOf: ({ type, object, previous }) => {
      const { namespace, name } = object.metadata
      if (type === poddisruptionbudgets) return [`${namespace}/${name}`]
      if (type === statefulsets || type === deployments || type === replicasets)
        return keysIn(namespace, () => true)
      if (type !== pods) return []
      return keysIn(namespace, (budget) => {
        const selects = labelSelector(at(budget.spec, "selector"))
        return [object, previous].some((pod) => pod !== undefined && selects(pod.metadata.labels ?? {}))
      })
    },
    reconcile: (key) => {
      const [namespace, name = ""] = key.split("/")
      const budget = store.get(poddisruptionbudgets, namespace, name)
      if (budget !== undefined) reconcile(budget)
      return undefined
    }
  }
}
