/**
 * The state of an application: everything it consists of, as one plain value.
 *
 * `observe` is pure: it turns lists of objects into an AppState. `read` asks a cluster for those lists: one
 * list per kind, at most four rounds one after another, whatever the number of pods and claims.
 *
 * `null` always means that it could not be read; `unread` says what and why. An empty list means that there
 * is none.
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
  watchAll,
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
