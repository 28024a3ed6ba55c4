/**
 * Ordinals: which ones a StatefulSet asks for, and which one a pod has.
 */
import type { Pod } from "./kind/Pod.ts"
import type { StatefulSet } from "./kind/Workload.ts"

const canonical = /^(0|[1-9]\d{0,8})$/

/** A plain number without leading zeros, as the controller writes ordinals; null otherwise. */
export const parse = (text: string): number | null => (canonical.test(text) ? Number(text) : null)

/** The ordinal after `prefix`; `null` if the rest of the name is anything else. */
export const after = (prefix: string, name: string): number | null =>
  name.startsWith(prefix) ? parse(name.slice(prefix.length)) : null

/** The first ordinal, and how many: they are `[start, start + count)` (KEP-3335). */
export const wanted = (set: StatefulSet): { readonly start: number; readonly count: number } => ({
  start: set.spec.ordinals?.start ?? 0,
  count: set.spec.replicas ?? 1
})

export const isWanted = (set: StatefulSet, ordinal: number): boolean => {
  const { start, count } = wanted(set)
  return ordinal >= start && ordinal < start + count
}

/**
 * The ordinal of a pod that the set owns: the part after the set's own name. The controller uses nothing
 * else; the pod-index label (KEP-4017) can be edited by anyone.
 */
export const ofPod = (set: StatefulSet, pod: Pod): number | null =>
  after(`${set.metadata.name}-`, pod.metadata.name)

/** Ordinals in a row: `count` of them from `first` on. */
export const range = (first: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: Math.max(0, count) }, (_, index) => first + index)

/** `db-0`: the name and the hostname of an ordinal's pod. */
export const podName = (set: string, ordinal: number): string => `${set}-${ordinal}`

/** `data-db-0`: the name of an ordinal's claim of a template. */
export const claimName = (template: string, set: string, ordinal: number): string =>
  `${template}-${podName(set, ordinal)}`

const ordinalOf = (pod: string | undefined): number | null => parse(/-(\d+)$/.exec(pod ?? "")?.[1] ?? "")

/** Pods in the order of their ordinals, up or down: `db-3`, `db-3 and db-4`, `db-3 to db-99`, `db-1, db-3 and 2 more`. */
export const span = (pods: ReadonlyArray<string>): string => {
  const [first, last] = [pods[0], pods.at(-1)]
  if (first === undefined) return "none"
  if (pods.length === 1) return first
  if (pods.length === 2) return `${first} and ${last}`
  const [from, to] = [ordinalOf(first), ordinalOf(last)]
  const isGapless = from === null || to === null || Math.abs(to - from) === pods.length - 1
  return isGapless ? `${first} to ${last}` : `${first}, ${pods[1]} and ${pods.length - 2} more`
}
