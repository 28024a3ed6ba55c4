/**
 * Budgets that count the app's pods, and autoscalers that set its replicas.
 */
import type { Autoscaler, DisruptionBudget } from "../../Topology.ts"
import * as LabelSelector from "../../LabelSelector.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { compareNames } from "../../NameOrder.ts"
import type { Lists } from "../observation.ts"
import { ownerName, targets } from "../Writer.ts"

const text = (value: string | number | null | undefined): string | null =>
  value === null || value === undefined ? null : `${value}`

/** Null: budgets could not be read. One that selects only the template's labels is there too, with no pods. */
export const observeBudgets = (
  members: ReadonlyArray<AppWorkload>,
  { poddisruptionbudgets }: Pick<Lists, "poddisruptionbudgets">
): ReadonlyArray<DisruptionBudget> | null =>
  poddisruptionbudgets
    ?.flatMap(({ metadata, spec, status }) => {
      const pods = members
        .flatMap((member) => member.pods ?? [])
        .filter((pod) => LabelSelector.matches(spec.selector, pod.metadata.labels))
      const concerns =
        pods.length > 0 ||
        members.some(({ template }) => LabelSelector.matches(spec.selector, template.metadata?.labels))
      if (!concerns) return []
      const [owner] = metadata.ownerReferences ?? []
      return [
        {
          name: metadata.name,
          owner: owner === undefined ? null : ownerName(owner),
          minAvailable: text(spec.minAvailable),
          maxUnavailable: text(spec.maxUnavailable),
          disruptionsAllowed: status?.disruptionsAllowed ?? 0,
          currentHealthy: status?.currentHealthy ?? 0,
          desiredHealthy: status?.desiredHealthy ?? 0,
          expectedPods: status?.expectedPods ?? 0,
          pods: pods.map((pod) => pod.metadata.name)
        }
      ]
    })
    .toSorted((a, b) => compareNames(a.name, b.name)) ?? null

/** Null: autoscalers could not be read. */
export const observeAutoscalers = (
  members: ReadonlyArray<AppWorkload>,
  { horizontalpodautoscalers }: Pick<Lists, "horizontalpodautoscalers">
): ReadonlyArray<Autoscaler> | null =>
  horizontalpodautoscalers?.flatMap((autoscaler) =>
    members
      .filter((member) => targets(autoscaler, member))
      .map((member) => ({
        name: autoscaler.metadata.name,
        target: member.key,
        minReplicas: autoscaler.spec.minReplicas ?? 1,
        maxReplicas: autoscaler.spec.maxReplicas
      }))
  ) ?? null
