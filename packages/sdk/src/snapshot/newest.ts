/** Which snapshot of an application is the newest complete one: it is what is left if all others go. Pure. */
import { nameOf } from "../App.ts"
import type { Listed } from "../step/recordList.ts"

/** A snapshot that cannot be restored does not count as a newer one, whatever the list says. */
export const isComplete = ({ summary, ready, now }: Listed): boolean =>
  summary.cuts.length > 0 &&
  ready?.length === summary.cuts.length &&
  now?.every(({ why }) => why === null) === true

/**
 * The time at which it was taken, by the storage's clock if available: anyone could have written the list.
 */
export const takenAt = ({ summary, now }: Listed): number => {
  const times = (now ?? []).map(({ cutAt }) => Date.parse(cutAt ?? ""))
  return times.length > 0 && times.every(Number.isFinite) ? Math.max(...times) : Date.parse(summary.created)
}

/** The complete ones that are newer and of the same: as the list says, and by a claim that both have. */
export const newerThan = (listed: ReadonlyArray<Listed>, one: Listed): ReadonlyArray<Listed> => {
  const claims = new Set(one.summary.cuts.map(({ claim }) => claim))
  const sorted = listed.toSorted((left, right) => takenAt(right) - takenAt(left))
  return sorted
    .slice(0, sorted.indexOf(one))
    .filter(
      (other) =>
        isComplete(other) &&
        nameOf(other.summary.app) === nameOf(one.summary.app) &&
        other.summary.cuts.some(({ claim }) => claims.has(claim))
    )
}
