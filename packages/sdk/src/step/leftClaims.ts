/**
 * The claims that an abort leaves of members that were added: it deletes none that a pod may have written to, and
 * names them with the command that does.
 */
import type { PersistentVolumeClaim } from "../kind/Storage.ts"
import { shellWord } from "../ShellWord.ts"

/** With whenScaled Delete the controller makes a pod that it deletes the owner of its claim. */
export const isGoing = ({ metadata }: PersistentVolumeClaim): boolean =>
  Boolean(metadata.deletionTimestamp) || (metadata.ownerReferences ?? []).some(({ kind }) => kind === "Pod")

/** The controller writes here whom it asks for a volume. Where a free one is there, it asks nobody. */
const askedProvisioner = "volume.kubernetes.io/storage-provisioner"

/** True if the claim was given a volume that was there before: what is on that is somebody's. */
export const isGiven = ({ metadata, spec }: PersistentVolumeClaim): boolean =>
  Boolean(spec.volumeName) && metadata.annotations?.[askedProvisioner] === undefined

/** A note for each of those: its deletion could delete the volume. */
export const givenNotes = (claims: ReadonlyArray<PersistentVolumeClaim>): ReadonlyArray<string> =>
  claims.map(
    ({ metadata, spec }) =>
      `${metadata.name} kept: volume ${spec.volumeName ?? ""} was not made for it, and could be deleted with it; check what is on it`
  )

/** A note for those that have a volume, and one for those that have none; `why` comes before the reason. */
export const leftNotes = (
  namespace: string,
  claims: ReadonlyArray<PersistentVolumeClaim>,
  why = ""
): ReadonlyArray<string> => {
  const note = (of: ReadonlyArray<PersistentVolumeClaim>, reason: string) => {
    const names = of.map(({ metadata }) => metadata.name)
    const them = names.length === 1 ? "it" : "them"
    const command = `kubectl delete pvc ${names.map(shellWord).join(" ")} -n ${shellWord(namespace)}`
    return names.length === 0
      ? []
      : [`${names.join(", ")} kept: ${why}${reason} ${them}; \`${command}\` deletes ${them} for good`]
  }
  return [
    ...note(
      claims.filter(({ spec }) => spec.volumeName),
      "a pod may have written to"
    ),
    ...note(
      claims.filter(({ spec }) => !spec.volumeName),
      "no volume was created for"
    )
  ]
}
