/**
 * Whose a claim and its volume are: what an operation may write to, and why it may not.
 *
 * A claim's `volumeName` is a wish that anybody who creates claims may state, a volume's `claimRef` with its
 * uid is the fact.
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

/** Whose claims they are. `set` null: it is gone, so its templates are not known. */
export interface Owner {
  readonly kind: Fence["kind"]
  readonly namespace: string
  readonly name: string
  readonly set: Holder | null
  /** The operation's id. */
  readonly operation: string
}

/** The operation in whose name a claim was set aside from this StatefulSet, or filled for it; null: it has no such name. */
export const asideIn = (app: string, claim: string): string | null => {
  const [, from = "", operation = null] = /^(.+?)(?:-new|-seed)?-([0-9a-f]{8})$/.exec(claim) ?? []
  const ordinal = from.slice(from.lastIndexOf("-") + 1)
  const isSlot = parse(ordinal) !== null && from.endsWith(`-${app}-${ordinal}`)
  return isSlot ? operation : null
}

/**
 * Whether a claim was set aside from this StatefulSet, or filled for it: by label and by name. A label
 * alone is on whatever claim somebody puts it, and no claim gets another name.
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

/** Whether a claim is one of this application's: as its templates name it, or set aside from it. */
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

/** Why the claim does not stay; null: it is there, and nobody deletes it. */
export const going = (own: Bound, claim: PersistentVolumeClaim | null): string | null => {
  if (claim === null) return `claim ${own.claim} was deleted`
  if (claim.metadata.uid !== own.uid)
    return `claim ${own.claim} was deleted, and another was made of its name`
  if (claim.metadata.deletionTimestamp) return `claim ${own.claim} is being deleted`
  return null
}

/** The same of a claim that whenScaled Delete takes, as the controller marks it: once that pod is gone. */
const goingWithPod = (own: Bound, claim: PersistentVolumeClaim | null): string | null => {
  const pod = claim?.metadata.ownerReferences?.find(({ kind }) => kind === "Pod")
  return pod === undefined ? null : `claim ${own.claim} is deleted with pod ${pod.name}`
}

/** Why the claim does not hold its volume any more, as the claim tells it; null: it does. */
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
 * Whether claim and volume name each other, whatever their phases say: the volume controller sees what
 * was moved only with its next round, 15 seconds apart.
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

/** Whose the volume is where it is not that claim's, whatever its phase says; null: it is that claim's. */
export const anothers = (namespace: string, own: Bound, { spec }: PersistentVolume): string | null => {
  const { claimRef } = spec
  if (claimRef?.uid === own.uid && claimRef.name === own.claim && claimRef.namespace === namespace)
    return null
  const other = claimRef ? `belongs to claim ${claimRef.namespace}/${claimRef.name}` : "belongs to no claim"
  return `volume ${own.volume} ${other}`
}

/** Why the volume is not that claim's, as the volume tells it; null: it is. */
const elsewhere = (owner: Owner, own: Bound, volume: PersistentVolume | null): string | null => {
  if (volume === null) return `volume ${own.volume} is gone`
  const phase = volume.status?.phase ?? "Pending"
  return (
    anothers(owner.namespace, own, volume) ?? (phase === "Bound" ? null : `volume ${own.volume} is ${phase}`)
  )
}

/** Why an operation may not write to this volume; null: claim and volume are Bound both ways, and the application's. */
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
  return isMarked || isClaimOf(owner, claim) ? null : `claim ${own.claim} is none of ${owner.name}'s`
}

export const ownerOf = (at: Pick<StepContext, "fence">, set: Holder | null): Owner => ({
  kind: at.fence.kind,
  namespace: at.fence.namespace,
  name: at.fence.name,
  set,
  operation: operationOf(at.fence.token)
})

/** The run that has set the volume to Retain, where its policy from before is still to be put back. */
export const markOf = (volume: Pick<PersistentVolume, "metadata"> | null): string | null =>
  volume?.metadata.annotations?.[reclaimPolicyBeforeAnnotation] === undefined
    ? null
    : (volume.metadata.annotations[operationLabel] ?? null)

/** Whether this operation has set the volume to Retain, and its policy from before is still to be put back. */
export const isMarkedBy = (operation: string, volume: Pick<PersistentVolume, "metadata"> | null): boolean => {
  const mark = markOf(volume)
  return mark !== null && operationOf(mark) === operation
}
