/**
 * Copies of the app's data outside its storage, as far as objects of backup tools show them.
 */
import type { Claim } from "../../Claim.ts"
import type { Observation, Lists } from "../observation.ts"
import type { Copy } from "../../Protection.ts"
import type { Backup, ReplicationSource } from "../../kind/Snapshot.ts"

const coversNamespace = ({ spec }: Backup, namespace: string): boolean => {
  const included = spec.includedNamespaces ?? []
  return (
    (included.length === 0 || included.includes("*") || included.includes(namespace)) &&
    !(spec.excludedNamespaces ?? []).includes(namespace)
  )
}

/**
 * A completed Velero backup that moved data: without `snapshotMoveData` or file system backup it
 * holds references to snapshots on the same storage (Velero docs, CSI snapshot data movement).
 */
const ofBackup = (backup: Backup, namespace: string): ReadonlyArray<Copy> => {
  const { metadata, spec, status } = backup
  const moved = spec.snapshotMoveData === true || spec.defaultVolumesToFsBackup === true
  if (!moved || status?.phase !== "Completed" || !coversNamespace(backup, namespace)) return []
  return [
    {
      name: `Backup/${metadata.name}`,
      claim: null,
      taken: status.startTimestamp ?? null,
      location: spec.storageLocation ? `BackupStorageLocation/${spec.storageLocation}` : null
    }
  ]
}

const ofReplication = (source: ReplicationSource, claims: ReadonlySet<string>): ReadonlyArray<Copy> => {
  const { metadata, spec, status } = source
  if (!spec.sourcePVC || !claims.has(spec.sourcePVC) || !status?.lastSyncTime) return []
  const secret = spec.restic?.repository ?? spec.rclone?.rcloneConfig
  return [
    {
      name: `ReplicationSource/${metadata.name}`,
      claim: spec.sourcePVC,
      taken: status.lastSyncTime,
      location: secret ? `Secret/${secret}` : (spec.rsyncTLS?.address ?? null)
    }
  ]
}

/**
 * `null` if a known backup tool is installed and its objects could not be read, or discovery could not. Empty
 * if there are none; other tools leave no objects that we know.
 */
export const observeCopies = (
  namespace: string,
  claims: ReadonlyArray<Claim>,
  { backups, replicationsources }: Pick<Lists, "backups" | "replicationsources">,
  apis: Observation["apis"]
): ReadonlyArray<Copy> | null => {
  if (apis === null) return null
  if (Object.hasOwn(apis, "velero.io") && backups === null) return null
  if (Object.hasOwn(apis, "volsync.backube") && replicationsources === null) return null
  const names = new Set(claims.map(({ name }) => name))
  return [
    ...(backups ?? []).flatMap((backup) => ofBackup(backup, namespace)),
    ...(replicationsources ?? []).flatMap((source) => ofReplication(source, names))
  ]
}
