/** Reasons that pods of a template cannot run on a node, as far as the state shows. */
import type { Node } from "./Placement.ts"
import type { Workload } from "./Topology.ts"
import { admits } from "./Taint.ts"

type Template = Workload["template"]

const matches = ({ nodeSelector }: Template, node: Node): boolean =>
  Object.entries(nodeSelector).every(([key, value]) => node.labels[key] === value)

/** The first reason that new pods cannot run on a node; `null` if they can. */
export const obstacle = (template: Template, node: Node): string | null => {
  if (node.ready !== true) return "not ready"
  if (node.unschedulable) return "cordoned"
  if (!matches(template, node)) return "not of the nodeSelector"
  const taint = node.taints.find((one) => !admits([one], template.tolerations))
  return taint === undefined ? null : `taint ${taint} not tolerated`
}

/** `2 cordoned, 1 taint dedicated=db:NoSchedule not tolerated`, the most frequent first. */
export const counted = (reasons: ReadonlyArray<string>): string =>
  [...Map.groupBy(reasons, (reason) => reason)]
    .toSorted(([, left], [, right]) => right.length - left.length)
    .map(([reason, alike]) => `${alike.length} ${reason}`)
    .join(", ")
