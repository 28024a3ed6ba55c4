/**
 * The owner of a claim and its volume: what an operation may write to, and why it may not.
 *
 * A claim's `volumeName` is a wish that anybody who creates claims may state, a volume's `claimRef` with
 * its uid is the fact.
 */
import type { PersistentVolume, PersistentVolumeClaim } from "../kind/Storage.ts"
import type { Fence } from "../operation/Fence.ts"
import { appLabel, operationLabel, reclaimPolicyBeforeAnnotation, setAsideLabel } from "../Labels.ts"
import type { StepContext } from "../operation/StepContext.ts"
import { operationOf } from "../operation/Token.ts"
import { after, parse } from "../Ordinal.ts"
import { type Holder, namedBy } from "./holder.ts"

/** A claim by name and uid, and the volume that is to be its own. */
export interface Bound {
  readonly claim: string
  readonly uid: string
  readonly volume: string
}

/** The owner of the claims. `set` is `null` if it was deleted, so that its templates are unknown. */
export interface Owner {
  readonly kind: Fence["kind"]
  readonly namespace: string
  readonly name: string
  readonly set: Holder | null
  /** The operation's id. */
  readonly operation: string
}

/**
 * The operation that set a claim aside from this StatefulSet, or filled it; `null` if its name does not say
 * so.
 */
export const asideIn = (app: string, claim: string): string | null => {
  const [, from = "", operation = null] = /^(.+?)(?:-new|-seed)?-([0-9a-f]{8})$/.exec(claim) ?? []
  const ordinal = from.slice(from.lastIndexOf("-") + 1)
  const isSlot = parse(ordinal) !== null && from.endsWith(`-${app}-${ordinal}`)
  return isSlot ? operation : null
}

/**
 * True if a claim was set aside from this StatefulSet, or filled for it: by label and by name. A label
 * alone can be set on any claim; a name cannot be changed.
 */
export const isAsideOf = (app: string, { metadata }: PersistentVolumeClaim): boolean =>
  metadata.labels?.[setAsideLabel] === app && asideIn(app, metadata.name) !== null

/** The same of a Deployment, whose claims are those that its pod template names. */
export const isAsideOfNamed = (
  app: string,
  named: { readonly has: (claim: string) => boolean },
  { metadata }: PersistentVolumeClaim
): boolean => {
  const [, from = ""] = /^(.+)-[0-9a-f]{8}$/.exec(metadata.name) ?? []
  return metadata.labels?.[setAsideLabel] === app && (named.has(from) || named.has(from.replace(/-new$/, "")))
}

/** True if a claim is one of this application's: named by its templates, or set aside from it. */
const isClaimOf = ({ kind, name, set }: Owner, claim: PersistentVolumeClaim): boolean => {
  if (kind === "Deployment") {
    const named = set === null ? new Map() : namedBy(set)
    return named.has(claim.metadata.name) || isAsideOfNamed(name, named, claim)
  }
  return isClaimOfSet({ name, set }, claim)
}

const isClaimOfSet = ({ name, set }: Pick<Owner, "name" | "set">, claim: PersistentVolumeClaim): boolean =>
  isAsideOf(name, claim) ||
  (set?.spec.volumeClaimTemplates ?? []).some(
    (template) => after(`${template.metadata.name}-${name}-`, claim.metadata.name) !== null
  )

/** Reason that the claim does not stay; `null` if it exists and is not being deleted. */
export const going = (own: Bound, claim: PersistentVolumeClaim | null): string | null => {
  if (claim === null) return `claim ${own.claim} was deleted`
  if (claim.metadata.uid !== own.uid) return `claim ${own.claim} was deleted and recreated`
  if (claim.metadata.deletionTimestamp) return `claim ${own.claim} is being deleted`
  return null
}

/** The same of a claim that whenScaled Delete takes, as the controller marks it: once that pod is gone. */
const goingWithPod = (own: Bound, claim: PersistentVolumeClaim | null): string | null => {
  const pod = claim?.metadata.ownerReferences?.find(({ kind }) => kind === "Pod")
  return pod === undefined ? null : `claim ${own.claim} is deleted with pod ${pod.name}`
}

/** Reason that the claim no longer has its volume, from the claim's side; `null` if it has. */
export const lost = (
  own: Bound,
  claim: PersistentVolumeClaim | null,
  /** Its volume is to be protected, which a claim that is about to go needs most. */
  protects = false
): string | null => {
  const why = going(own, claim) ?? (protects ? null : goingWithPod(own, claim))
  if (why !== null || claim === null) return why
  if (claim.spec.volumeName !== own.volume) return `claim ${own.claim} no longer has volume ${own.volume}`
  const phase = claim.status?.phase ?? "Pending"
  return phase === "Bound" ? null : `claim ${own.claim} is ${phase}`
}

/**
 * True if claim and volume refer to each other, whatever their phases: the volume controller sees a move
 * only in its next resync, every 15 seconds.
 */
export const isReserved = (
  own: Bound,
  claim: PersistentVolumeClaim | null,
  volume: PersistentVolume | null
): boolean =>
  going(own, claim) === null &&
  goingWithPod(own, claim) === null &&
  claim?.spec.volumeName === own.volume &&
  volume?.spec.claimRef?.uid === own.uid

/** The claim that the volume belongs to instead, whatever its phase; `null` if it belongs to this one. */
export const anothers = (namespace: string, own: Bound, { spec }: PersistentVolume): string | null => {
  const { claimRef } = spec
  if (claimRef?.uid === own.uid && claimRef.name === own.claim && claimRef.namespace === namespace)
    return null
  const other = claimRef ? `belongs to claim ${claimRef.namespace}/${claimRef.name}` : "belongs to no claim"
  return `volume ${own.volume} ${other}`
}

/** Reason that the volume does not belong to that claim, from the volume's side; `null` if it does. */
const elsewhere = (owner: Owner, own: Bound, volume: PersistentVolume | null): string | null => {
  if (volume === null) return `volume ${own.volume} is gone`
  const phase = volume.status?.phase ?? "Pending"
  return (
    anothers(owner.namespace, own, volume) ?? (phase === "Bound" ? null : `volume ${own.volume} is ${phase}`)
  )
}

/**
 * Reason that an operation must not write to this volume; `null` if claim and volume are Bound to each
 * other, and the application's.
 */
export const foreign = (
  owner: Owner,
  own: Bound,
  claim: PersistentVolumeClaim | null,
  volume: PersistentVolume | null,
  protects = false
): string | null => {
  const why = lost(own, claim, protects) ?? elsewhere(owner, own, volume)
  if (why !== null || claim === null) return why
  const isMarked =
    // A pod template can be changed, and name no claim any more.
    (owner.set === null || owner.kind === "Deployment") &&
    volume?.metadata.annotations?.[appLabel] === owner.name &&
    isMarkedBy(owner.operation, volume)
  return isMarked || isClaimOf(owner, claim) ? null : `claim ${own.claim} does not belong to ${owner.name}`
}

export const ownerOf = (at: Pick<StepContext, "fence">, set: Holder | null): Owner => ({
  kind: at.fence.kind,
  namespace: at.fence.namespace,
  name: at.fence.name,
  set,
  operation: operationOf(at.fence.token)
})

/** The run that has set the volume to Retain, if its previous policy is still to be restored. */
export const markOf = (volume: Pick<PersistentVolume, "metadata"> | null): string | null =>
  volume?.metadata.annotations?.[reclaimPolicyBeforeAnnotation] === undefined
    ? null
    : (volume.metadata.annotations[operationLabel] ?? null)

/** True if this operation has set the volume to Retain, and its previous policy is still to be restored. */
export const isMarkedBy = (operation: string, volume: Pick<PersistentVolume, "metadata"> | null): boolean => {
  const mark = markOf(volume)
  return mark !== null && operationOf(mark) === operation
}
