/**
 * A cluster inside the SDK, for tests, examples and simulations: the part of an API
 * server and of its controllers that a stateful application leans on, in memory, on
 * the Effect clock. What it does not do, it refuses.
 */
export * as Fault from "./Fault.ts"
export { inject, type Record as FaultRecord } from "./FaultyCluster.ts"
export { resourceType } from "./ResourceType.ts"
export type { Rule, User } from "./Access.ts"
export type { Webhook } from "./Admission.ts"
export type { NodeLifecycleOptions } from "./controller/NodeLifecycle.ts"
export type { Cause as NodeLossCause } from "./controller/NodeLoss.ts"
export type { PaceOptions } from "./controller/Pace.ts"
export type { Rival } from "./controller/Rivals.ts"
export type { Command, Host, Program, Programs } from "./Program.ts"
export { make, type Options, Sandbox, type Shape } from "./Sandbox.ts"
export type { StorageCall, StorageOptions } from "./Storage.ts"
export type { Provisioning } from "./controller/Provisioner.ts"
export { NoSpace, Volume, type WriteOptions } from "./Volume.ts"
