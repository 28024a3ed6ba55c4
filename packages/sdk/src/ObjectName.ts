/** The names that Kubernetes accepts for objects. */
import { digest } from "./Digest.ts"

/** The most characters that a name may have. */
export const longestName = 253

/** True for a DNS-1123 label: without dots, and of at most 63 characters. */
export const isLabel = (text: string, longest = 63): boolean =>
  text.length <= longest && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text)

/** A name as a label's value, which has at most 63 characters, and ends with a letter or a digit. */
export const labelValue = (name: string): string => name.slice(0, 63).replace(/[^a-z0-9]+$/, "")

/** True for a DNS-1123 subdomain, as most kinds have it: lower-case letters, digits, dashes and dots. */
export const isObjectName = (text: string): boolean =>
  text.length <= longestName && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)

/**
 * The name of an object that is made beside another: that one's, and an ending. A name that would be too long is
 * cut, and gets a digest of the whole: two that differ only at their ends stay two.
 */
export const nameBeside = (name: string, ending = ""): string => {
  if (name.length + ending.length <= longestName) return `${name}${ending}`
  const end = `-${digest(name)}${ending}`
  const head = name.slice(0, longestName - end.length)
  // A part between dots does not begin with a dash.
  return `${head.endsWith(".") ? head.slice(0, -1) : head}${end}`
}
