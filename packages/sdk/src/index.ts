/**
 * The SDK's Effect face: one namespace for each concept.
 *
 * Each is also an entry of its own (`@kubectl-stateful/sdk/State`), which loads less.
 */
export * as App from "./App.ts"
export * as Checklist from "./Checklist.ts"
export * as Cluster from "./Cluster.ts"
export * as Journal from "./operation/Journal.ts"
export * as Loss from "./Loss.ts"
export * as Manifest from "./Manifest.ts"
export * as Operation from "./Operation.ts"
export * as Resource from "./Resource.ts"
export * as Scale from "./Scale.ts"
export * as State from "./State.ts"
