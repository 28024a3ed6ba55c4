/**
 * The state of an application: everything it is made of, as one plain value.
 *
 * `observe` is pure: it turns lists of objects into an AppState. `read` asks a cluster for
 * those lists: one list per kind, at most four rounds one after another, whatever the
 * number of pods and claims.
 *
 * Null always means "could not be read"; `unread` says what and why. An empty list means none.
 */
export { AppNotFound } from "./state/AppNotFound.ts"
export type { Cost } from "./state/cost.ts"
export { observe, observeAll } from "./state/observe.ts"
export {
  type Counted,
  read,
  readAll,
  readAllCounted,
  readCounted,
  type ReadOptions,
  survey,
  watch,
  type WatchOptions
} from "./state/read.ts"
export {
  AppState,
  Event,
  KeptConfig,
  KeptVolume,
  OperationSummary,
  SetAside,
  Unread
} from "./state/AppState.ts"
