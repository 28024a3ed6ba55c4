/** Consent that a restore of the configuration may need. */
export interface ConfigOptions {
  /** Also write objects that another tool or workload uses. Default false. */
  readonly forceConflicts?: boolean
  /** Also restore a pod template with more privileges than the live one. Default false. */
  readonly allowPrivileged?: boolean
}
