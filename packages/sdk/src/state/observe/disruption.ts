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

/**
 * `null` if budgets could not be read. Includes a budget that selects only the template's labels, with no
 * pods.
 */
export const observeBudgets = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  { poddisruptionbudgets }: Pick<Lists, "poddisruptionbudgets">
): ReadonlyArray<DisruptionBudget> | null =>
  poddisruptionbudgets
    ?.flatMap(({ metadata, spec, status }) => {
      const pods = appWorkloads
        .flatMap((appWorkload) => appWorkload.pods ?? [])
        .filter((pod) => LabelSelector.matches(spec.selector, pod.metadata.labels))
      const concerns =
        pods.length > 0 ||
        appWorkloads.some(({ template }) => LabelSelector.matches(spec.selector, template.metadata?.labels))
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

/** `null` if autoscalers could not be read. */
export const observeAutoscalers = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  { horizontalpodautoscalers }: Pick<Lists, "horizontalpodautoscalers">
): ReadonlyArray<Autoscaler> | null =>
  horizontalpodautoscalers?.flatMap((autoscaler) =>
    appWorkloads
      .filter((appWorkload) => targets(autoscaler, appWorkload))
      .map((appWorkload) => ({
        name: autoscaler.metadata.name,
        target: appWorkload.key,
        minReplicas: autoscaler.spec.minReplicas ?? 1,
        maxReplicas: autoscaler.spec.maxReplicas
      }))
  ) ?? null
