/** The names of the Secrets and ConfigMaps that hold a snapshot's record. */
/** The name of its Secret and of its ConfigMap; further parts are numbered from 2. */
export const recordName = (set: string, part = 1): string =>
  `kubectl-stateful.snapshot.${set}${part === 1 ? "" : `.${part}`}`
