/** Required anti-affinity between pods that are not of one workload, as the scheduler reads it: in both directions. */
import * as Schema from "effect/Schema"
import { documented } from "./Documented.ts"
import type { LabelSelector } from "./kind/Meta.ts"
import { hasEnded, type Pod, type PodAffinityTerm, type PodSpec, type PodTemplateSpec } from "./kind/Pod.ts"
import { matches } from "./LabelSelector.ts"

const { String } = Schema

type Labels = Readonly<Record<string, string>> | null | undefined

/** A pod that a workload's pods must not share a place with. */
export interface Repelling {
  readonly pod: string
  readonly node: string
  /** The node label whose values are the places. */
  readonly topologyKey: string
}
export const Repelling = documented<Repelling>({ pod: String, node: String, topologyKey: String })

/** The namespace of both pods, and its labels if they could be read. */
export interface Home {
  readonly namespace: string
  readonly labels: Labels
}

const termsOf = ({ affinity }: PodSpec): ReadonlyArray<PodAffinityTerm> =>
  affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []

/** True if a term of a pod with these labels matches another pod of its namespace. */
const means = (
  { labelSelector, matchLabelKeys, mismatchLabelKeys, namespaces, namespaceSelector }: PodAffinityTerm,
  home: Home,
  own: Labels,
  other: Labels
): boolean => {
  const isHere =
    namespaces?.includes(home.namespace) === true ||
    ((namespaces ?? []).length === 0 && !namespaceSelector) ||
    matches(namespaceSelector, home.labels)
  const isSame = (key: string) => own?.[key] === undefined || own[key] === other?.[key]
  const isOther = (key: string) => own?.[key] === undefined || own[key] !== other?.[key]
  return (
    isHere &&
    matches(labelSelector, other) &&
    (matchLabelKeys ?? []).every(isSame) &&
    (mismatchLabelKeys ?? []).every(isOther)
  )
}

/** Those of the others, pods of the same namespace, that the template's pods must not run next to. */
export const repelledBy = (
  { metadata, spec }: PodTemplateSpec,
  home: Home,
  others: ReadonlyArray<Pod>
): ReadonlyArray<Repelling> => {
  const own = metadata?.labels
  const asked = termsOf(spec)
  return others.flatMap((pod) => {
    const node = pod.spec.nodeName
    const theirs = termsOf(pod.spec)
    if (!node || hasEnded(pod) || asked.length + theirs.length === 0) return []
    const { labels, name } = pod.metadata
    const terms = [
      ...asked.filter((term) => means(term, home, own, labels)),
      ...theirs.filter((term) => means(term, home, labels, own))
    ]
    return [...new Set(terms.map(({ topologyKey }) => topologyKey))].map((topologyKey) => ({
      pod: name,
      node,
      topologyKey
    }))
  })
}

/** The labels with one value that a selector asks for. */
const asked = ({ matchExpressions, matchLabels }: LabelSelector): ReadonlySet<string> =>
  new Set([
    ...Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`),
    ...(matchExpressions ?? []).flatMap(({ key, operator, values }) =>
      operator === "In" && values?.length === 1 ? [`${key}=${values[0] ?? ""}`] : []
    )
  ])

/** Whether a template's anti-affinity may be about pods that its workload's own selector does not find. */
export const mayRepelOthers = ({ spec }: PodTemplateSpec, selector: LabelSelector): boolean => {
  const own = [...asked(selector)]
  return termsOf(spec).some(({ labelSelector }) => {
    const pairs = asked(labelSelector ?? {})
    return !!labelSelector && own.some((pair) => !pairs.has(pair))
  })
}
