/** Plain data compared, whatever the order of its keys; and a short fingerprint of it, to be kept in a plan. */
import { createHash } from "node:crypto"

const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, item]) => [key, canonical(item)])
  )
}

/** True if both are the same data; a field that is undefined counts as absent. */
export const isSame = (left: unknown, right: unknown): boolean =>
  JSON.stringify(canonical(left)) === JSON.stringify(canonical(right))

/** 16 hex digits of a SHA-256 over the value's JSON with sorted keys. Never given a Secret's value. */
export const digest = (value: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify(canonical(value)) ?? "undefined")
    .digest("hex")
    .slice(0, 16)
