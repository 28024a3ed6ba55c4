/**
 * Whether a volume was made for its claim, and from what.
 *
 * The volume controller gives a free volume of a claim's class to any claim that it is large enough for,
 * whatever that is to be filled from: then it contains what somebody else has left on it.
 */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import * as Quantity from "../Quantity.ts"
import * as Resource from "../Resource.ts"
import type { PersistentVolume, PersistentVolumeClaim } from "../kind/Storage.ts"
import { because } from "../operation/OperationError.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { readClaim, readVolume } from "./volume.ts"

/** The controller's own: a provisioner writes the claim into the volume that it makes for it. */
const foundByController = "pv.kubernetes.io/bound-by-controller"

/** Characters of a claim's uid in the name of its volume: external-provisioner may be told to shorten it. */
const uidLength = 8

const plain = (text: string): string => text.replaceAll("-", "")

/** Provisioners name a volume after the uid of the claim that it is for. */
const isNamedFor = (uid: string | undefined, volume: string): boolean =>
  uid !== undefined &&
  plain(uid).length >= uidLength &&
  plain(volume).includes(plain(uid).slice(0, uidLength))

type Named = Pick<PersistentVolume | PersistentVolumeClaim, "metadata">

/**
 * True if a provisioner made the volume for this claim. False if it was there before: the controller has given
 * it to the claim, or somebody has reserved it for a claim of that name. A claim that takes the place of
 * another one is newer than its volume: `uids` are those of claims that it was made for.
 */
export const isMadeFor = (claim: Named, volume: Named, uids: ReadonlyArray<string | null> = []): boolean => {
  const [made, asked] = [volume, claim].map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ""))
  return (
    volume.metadata.annotations?.[foundByController] === undefined &&
    ([claim.metadata.uid, ...uids].some((uid) => isNamedFor(uid ?? undefined, volume.metadata.name)) ||
      (made !== undefined && asked !== undefined && made >= asked))
  )
}

/** `claim data-db-0 has volume pv-1, which was not made for it`. */
export const strangers = (claim: string, volume: string): string =>
  `claim ${claim} has volume ${volume}, which was not made for it`

/** A claim, the volume snapshot that it is filled from, and that one's driver. */
interface Filled {
  readonly as: string
  readonly snapshot: string
  readonly driver: string
}

/** Reason that a claim is not filled from its volume snapshot; `null` if it is. */
export const notFilled = (
  { as, snapshot, driver }: Filled,
  claim: PersistentVolumeClaim,
  volume: PersistentVolume
): string | null => {
  const { spec } = claim
  const source = spec.dataSourceRef ?? spec.dataSource
  if (source?.kind !== "VolumeSnapshot" || source.name !== snapshot) {
    return `claim ${as} was to be filled from volumesnapshot ${snapshot}, and says ${source ? `${source.kind} ${source.name}` : "nothing"}: an admission webhook may have changed it`
  }
  if (!isMadeFor(claim, volume)) return strangers(as, volume.metadata.name)
  const { csi, hostPath, local, nfs } = volume.spec
  // A provisioner that knows no snapshots makes an empty volume.
  const other = csi?.driver ?? ((hostPath ?? local ?? nfs) ? "none" : driver)
  return other === driver
    ? null
    : `volume ${volume.metadata.name} of claim ${as} has driver ${other}, and its snapshot ${driver}`
}

/** Fails if a bound claim is not filled from its volume snapshot. */
export const assertFilled = (at: StepContext, claim: Filled): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const found = yield* readClaim(at.fence.namespace, claim.as)
    const volume = found?.spec.volumeName ? yield* readVolume(found.spec.volumeName) : null
    const why = found === null || volume === null ? null : notFilled(claim, found, volume)
    if (why !== null) {
      return yield* because(
        "Changed",
        `not restored: ${why}`,
        "the application was not changed; abort, and correct that first"
      )
    }
  })

/** Fields of a claim by which the controller looks for a volume. */
interface Wanted {
  readonly as: string
  readonly storageClass: string | null
  readonly size: string
}

const isFreeFor =
  ({ storageClass, size }: Wanted) =>
  ({ spec, status }: PersistentVolume): boolean =>
    status?.phase === "Available" &&
    !spec.claimRef?.name &&
    storageClass !== null &&
    spec.storageClassName === storageClass &&
    Quantity.compare(`${spec.capacity?.["storage"] ?? "0"}`, size) !== -1

const isReservedFor =
  (namespace: string, { as }: Wanted) =>
  ({ spec, status }: PersistentVolume): boolean =>
    status?.phase === "Available" && spec.claimRef?.name === as && spec.claimRef.namespace === namespace

/**
 * Fails while a volume is free that the controller would give to one of these claims: it would be mounted,
 * and a profile's commands would write to it, before that is seen. Without permission to list volumes, and
 * for the default class, it is seen only then.
 */
export const assertNoneFree = (
  namespace: string,
  claims: ReadonlyArray<Wanted>
): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const volumes = yield* Resource.list(kinds.persistentvolumes).pipe(
      Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed([]))
    )
    for (const claim of claims) {
      const reserved = volumes.find(isReservedFor(namespace, claim))
      if (reserved !== undefined) {
        return yield* because(
          "Changed",
          `volume ${reserved.metadata.name} is reserved for claim ${claim.as} by its claimRef: the claim would get it, and not what is in its snapshot`,
          "remove that claimRef and delete the volume, or reserve it for another claim; then resume"
        )
      }
      const free = volumes.find(isFreeFor(claim))
      if (free !== undefined) {
        return yield* because(
          "Changed",
          `volume ${free.metadata.name} is free and of StorageClass ${claim.storageClass}: claim ${claim.as} would get it, and not what is in its snapshot`,
          "delete that volume, or reserve it for another claim by its claimRef; then resume"
        )
      }
    }
  })
