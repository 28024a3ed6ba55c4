/** The names that Kubernetes accepts for objects. */

/** The most characters that a name may have. */
export const longestName = 253

/** True for a DNS-1123 label: without dots, and of at most 63 characters. */
export const isLabel = (text: string, longest = 63): boolean =>
  text.length <= longest && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text)

/** True for a DNS-1123 subdomain, as most kinds have it: lower-case letters, digits, dashes and dots. */
export const isObjectName = (text: string): boolean =>
  text.length <= longestName && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)
