/** Conditions: pure functions of a view of the cluster, which return what is unmet. */
import type { Subject } from "../operation/Progress.ts"

/** A subject that is waited for, and the reason. */
export interface Unmet {
  readonly subject: Subject
  readonly for: string
  /** True if it is only queued: it is counted, not listed. */
  readonly queued?: boolean
}

/** The unmet parts of a condition; empty if it is met. */
export type Condition<View> = (view: View) => ReadonlyArray<Unmet>

/** All of them must be met. */
export const all =
  <View>(...conditions: ReadonlyArray<Condition<View>>): Condition<View> =>
  (view) =>
    conditions.flatMap((condition) => condition(view))

/** The same condition on a part of a view. */
export const of =
  <View, Part>(part: (view: View) => Part, condition: Condition<Part>): Condition<View> =>
  (view) =>
    condition(part(view))

/** No item of a list is left; each is a subject of its own. */
export const noneLeft =
  <A>(unmet: (item: A) => Unmet): Condition<ReadonlyArray<A>> =>
  (items) =>
    items.map(unmet)

/** No unmet part gives a reason. */
export const noReason =
  (subject: Subject): Condition<string | null> =>
  (reason) =>
    reason === null ? [] : [{ subject, for: reason }]

/** Some of the unmet parts, in one line. */
export const inWords = (unmet: ReadonlyArray<Unmet>): string =>
  unmet
    .slice(0, 3)
    .map((one) => `${one.subject.name} (${one.for})`)
    .join(", ") + (unmet.length > 3 ? ` and ${unmet.length - 3} more` : "")
