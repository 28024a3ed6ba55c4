/** Consent that a restore of the configuration may need. */
export interface ConfigOptions {
  /** Write also what another tool or workload has a claim on. Default false. */
  readonly forceConflicts?: boolean
  /** Put back also a pod template that reaches further than the live one. Default false. */
  readonly allowPrivileged?: boolean
}
