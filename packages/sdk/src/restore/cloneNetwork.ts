/**
 * Existing objects that would select a copy's pods, or allow them to connect to the pods they were copied
 * from: pure, over manifests as the API has them.
 */
import * as LabelSelector from "../LabelSelector.ts"
import { podName, range } from "../Ordinal.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- objects as the API has them, of any shape
type Json = any
type Labels = Readonly<Record<string, string>>

/** The labels of each pod that the controller will make. */
export const memberLabels = (
  name: string,
  labels: Labels,
  { start, count }: { readonly start: number; readonly count: number }
): ReadonlyArray<Labels> =>
  range(start, Math.max(1, Math.min(count, 100))).map((ordinal) => ({
    ...labels,
    "statefulset.kubernetes.io/pod-name": podName(name, ordinal),
    "apps.kubernetes.io/pod-index": `${ordinal}`
  }))

/** Services that would send to these pods, and budgets that would count them. */
export const takers = (
  pods: ReadonlyArray<Labels>,
  { services, budgets }: { readonly services: ReadonlyArray<Json>; readonly budgets: ReadonlyArray<Json> }
): ReadonlyArray<string> => [
  ...services.flatMap(({ metadata, spec }) => {
    const selector = spec?.selector ?? {}
    const isTaker =
      Object.keys(selector).length > 0 && pods.some((labels) => LabelSelector.hasAll(selector, labels))
    return isTaker ? [`service "${metadata.name}"`] : []
  }),
  ...budgets.flatMap(({ metadata, spec }) =>
    pods.some((labels) => LabelSelector.matches(spec?.selector, labels))
      ? [`poddisruptionbudget "${metadata.name}"`]
      : []
  )
]

/** The pods that the copy is to be kept from. */
export interface Source {
  readonly namespace: string
  readonly namespaceLabels: Labels
  readonly labels: ReadonlyArray<Labels>
  readonly addresses: ReadonlyArray<string>
}

/** An IPv4 address as a number; `null` if it is invalid. */
const bits = (address: string): number | null => {
  const parts = address.split(".").map(Number)
  const isAddress =
    parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256)
  return isAddress ? parts.reduce((sum, part) => sum * 256 + part, 0) : null
}

/**
 * True if an address is in a block; an address that cannot be compared counts as inside if it is of the same
 * family.
 */
const isIn = (cidr: string, address: string): boolean => {
  const [base = "", length = "32"] = cidr.split("/")
  const [left, right] = [bits(base), bits(address)]
  if (left === null || right === null) return left === null && right === null
  const size = 2 ** (32 - Number(length))
  return Math.floor(left / size) === Math.floor(right / size)
}

const meets = (peer: Json, policyNamespace: string, source: Source): boolean => {
  if (peer.ipBlock != null) {
    const { cidr, except = [] } = peer.ipBlock
    return source.addresses.some(
      (address) => isIn(cidr, address) && !except.some((one: string) => isIn(one, address))
    )
  }
  const isNear =
    peer.namespaceSelector == null
      ? policyNamespace === source.namespace
      : LabelSelector.matches(peer.namespaceSelector, source.namespaceLabels)
  const isMeant =
    peer.podSelector == null ||
    source.labels.some((labels) => LabelSelector.matches(peer.podSelector, labels))
  return isNear && isMeant
}

/** NetworkPolicies that allow these pods to talk to their source, or it to them: policies only ever add. */
export const bridges = (
  pods: ReadonlyArray<Labels>,
  policies: ReadonlyArray<Json>,
  source: Source
): ReadonlyArray<string> =>
  policies.flatMap(({ metadata, spec }) => {
    if (!pods.some((labels) => LabelSelector.matches(spec?.podSelector ?? {}, labels))) return []
    const allows = (rules: Json, field: string): boolean =>
      (rules ?? []).some((rule: Json) => {
        const peers = rule[field] ?? []
        return peers.length === 0 || peers.some((peer: Json) => meets(peer, metadata.namespace, source))
      })
    return allows(spec.ingress, "from") || allows(spec.egress, "to")
      ? [`networkpolicy "${metadata.name}"`]
      : []
  })
