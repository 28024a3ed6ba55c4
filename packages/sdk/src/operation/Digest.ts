/** A short fingerprint of plain data, to see whether facts or a hook are still the ones that were planned with. */
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

/** 16 hex digits of a SHA-256 over the value's JSON with sorted keys. Never given a Secret's value. */
export const digest = (value: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify(canonical(value)) ?? "undefined")
    .digest("hex")
    .slice(0, 16)
