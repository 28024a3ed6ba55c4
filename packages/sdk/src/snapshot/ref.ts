/** A snapshot by its name, and its namespace. */
export interface SnapshotRef {
  readonly namespace: string
  readonly name: string
}
