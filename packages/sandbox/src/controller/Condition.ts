/** Conditions as controllers write them. */
import type { Condition } from "../registry/kinds/core.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"

/**
 * The conditions with one of them set, at the same position; lastTransitionTime changes only with the
 * status.
 */
export const withCondition = (
  conditions: ReadonlyArray<Condition>,
  next: Condition,
  now: number
): ReadonlyArray<Condition> => {
  const at = conditions.findIndex((each) => each.type === next.type)
  const before = conditions[at]
  const lastTransitionTime =
    before?.status === next.status && before.lastTransitionTime !== undefined
      ? before.lastTransitionTime
      : Timestamp.fromMillis(now)
  const written = { ...next, lastTransitionTime }
  return before === undefined ? [...conditions, written] : conditions.with(at, written)
}
