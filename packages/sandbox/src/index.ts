/**
 * An in-memory cluster, for tests, examples and simulations: the part of an API server and of its controllers
 * that a stateful application depends on, on the Effect clock. Unsupported features are refused.
 */
export * as Fault from "./Fault.ts"
export { inject, type Record as FaultRecord } from "./FaultyCluster.ts"
export { type ResourceType, resourceType } from "./apimachinery/ResourceType.ts"
export type { Draft, KubeObject } from "./apimachinery/KubeObject.ts"
export type { Rule, User } from "./apiserver/Access.ts"
export type { Webhook } from "./registry/Admission.ts"
export type { NodeLifecycleOptions } from "./controller/NodeLifecycle.ts"
export type { Cause as NodeLossCause } from "./node/NodeLoss.ts"
export type { PaceOptions } from "./controller/Pace.ts"
export type { Rival } from "./controller/Rivals.ts"
export type { NodeOptions } from "./node/Nodes.ts"
export type { Command, Host, Program, Programs } from "./node/Program.ts"
export { make, type Options, Sandbox, type Shape } from "./Sandbox.ts"
export type { StorageCall, StorageOptions } from "./storage/Storage.ts"
export type { Provisioning } from "./controller/Provisioner.ts"
export { NoSpace, Volume, type WriteOptions } from "./storage/Volume.ts"
