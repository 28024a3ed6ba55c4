/**
 * Taints and tolerations, in kubectl's spelling: `dedicated=db:NoSchedule`.
 */
import type { Taint } from "./kind/Node.ts"
import type { Toleration } from "./kind/Pod.ts"

export const formatTaint = ({ key, value, effect }: Taint): string =>
  `${key}${value ? `=${value}` : ""}:${effect}`

/**
 * `key=value:Effect`, `key:Effect` for any value, `*` for any key or any effect, ` for 300s` if it is
 * limited.
 */
export const formatToleration = ({ key, operator, value, effect, tolerationSeconds }: Toleration): string => {
  const what = key ? (operator === "Exists" ? key : `${key}=${value ?? ""}`) : "*"
  const limit = typeof tolerationSeconds === "number" ? ` for ${tolerationSeconds}s` : ""
  return `${what}:${effect || "*"}${limit}`
}

const split = (text: string) => {
  const [spec = ""] = text.split(" ", 1)
  const colon = spec.lastIndexOf(":")
  const [key = "", ...value] = spec.slice(0, colon).split("=")
  return { key, value: value.length === 0 ? null : value.join("="), effect: spec.slice(colon + 1) }
}

/** True if one of the tolerations allows a pod on a node with the taint, both in the form above. */
export const tolerates = (tolerations: ReadonlyArray<string>, taint: string): boolean => {
  const { key, value, effect } = split(taint)
  return tolerations.some((text) => {
    const toleration = split(text)
    return (
      (toleration.effect === "*" || toleration.effect === effect) &&
      (toleration.key === "*" || toleration.key === key) &&
      (toleration.value === null || toleration.value === (value ?? ""))
    )
  })
}

/** True if a new pod with these tolerations may be placed on a node with these taints. */
export const admits = (taints: ReadonlyArray<string>, tolerations: ReadonlyArray<string>): boolean =>
  taints.every((taint) => taint.endsWith(":PreferNoSchedule") || tolerates(tolerations, taint))
