/** The names of the Secrets and ConfigMaps that hold a snapshot's record. */
const prefix = "kubectl-stateful.snapshot."

/** The name of its Secret and of its ConfigMap; further parts are numbered from 2. */
export const recordName = (set: string, part = 1): string => `${prefix}${set}${part === 1 ? "" : `.${part}`}`

/** The snapshot whose record begins in the Secret of this name; `null` if it is none. */
export const recordedSet = (name: string): string | null =>
  name.startsWith(prefix) ? name.slice(prefix.length) : null
