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

/** True if the volume was there, without a claim, before the controller gave it to one. */
export const wasFree = ({ metadata }: Pick<PersistentVolume, "metadata">): boolean =>
  metadata.annotations?.[foundByController] !== undefined

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
  { spec }: PersistentVolumeClaim,
  volume: PersistentVolume
): string | null => {
  const source = spec.dataSourceRef ?? spec.dataSource
  if (source?.kind !== "VolumeSnapshot" || source.name !== snapshot) {
    return `claim ${as} was to be filled from volumesnapshot ${snapshot}, and says ${source ? `${source.kind} ${source.name}` : "nothing"}: an admission webhook may have changed it`
  }
  if (wasFree(volume)) return strangers(as, volume.metadata.name)
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

/**
 * Fails while a volume is free that the controller would give to one of these claims: it would be mounted,
 * and a profile's commands would write to it, before that is seen. Without permission to list volumes, and
 * for the default class, it is seen only then.
 */
export const assertNoneFree = (claims: ReadonlyArray<Wanted>): Effect.Effect<void, Failure, Cluster> =>
  Effect.gen(function* () {
    const volumes = yield* Resource.list(kinds.persistentvolumes).pipe(
      Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed([]))
    )
    for (const claim of claims) {
      const free = volumes.find(isFreeFor(claim))
      if (free !== undefined) {
        return yield* because(
          "Changed",
          `volume ${free.metadata.name} is free and of StorageClass ${claim.storageClass}: claim ${claim.as} would get it, and not what is in its snapshot`,
          "delete that volume, or reserve it by its claimRef; then resume"
        )
      }
    }
  })
