/**
 * Whether the StatefulSet's spec was changed by this operation alone.
 *
 * Each write of a spec raises its generation by one. A plan says which writes it makes and in which
 * order, and the count and the retention policy say how many of them are done: a generation beyond
 * those is somebody else's.
 */
import type { StatefulSet } from "../kind/Workload.ts"
import { wanted } from "../Ordinal.ts"
import type { ScalePlan } from "./ScaleStep.ts"

const moves = (plan: ScalePlan) => plan.steps.flatMap((step) => (step._tag === "Replicas" ? [step] : []))

/** How many changes of the count are done, going by the count now; null: it is none that the plan asks for. */
const movesDone = (plan: ScalePlan, set: StatefulSet): number | null => {
  const all = moves(plan)
  const { count } = wanted(set)
  if (count === all[0]?.from) return 0
  const at = all.findIndex(({ to }) => to === count)
  return at < 0 ? null : at + 1
}

/** The count that the plan ends with; null: it changes none. */
export const lastCount = (plan: ScalePlan): number | null => moves(plan).at(-1)?.to ?? null

/** The highest count of the plan, before it and after. */
export const highestCount = (plan: ScalePlan): number =>
  Math.max(0, ...moves(plan).flatMap(({ from, to }) => [from, to]))

/** Whether nobody else has written the spec since the plan was made. False where it cannot be told. */
export const isOurs = (plan: ScalePlan, set: StatefulSet): boolean => {
  const done = movesDone(plan, set)
  if (done === null) return false
  const retain = plan.steps.find((step) => step._tag === "Retain")
  const when = set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled ?? "Retain"
  // Set before the count is changed, and put back after that.
  const kept = retain === undefined ? 0 : when === retain.to.whenScaled ? 1 : done === 0 ? 0 : 2
  return set.metadata.generation === plan.basis.generation + done + kept
}

/** The generation once the counts are gone back over, by this operation alone; null: somebody else has written already. */
export const generationBack = (plan: ScalePlan, set: StatefulSet): number | null =>
  isOurs(plan, set) ? (set.metadata.generation ?? 0) + (movesDone(plan, set) ?? 0) : null
