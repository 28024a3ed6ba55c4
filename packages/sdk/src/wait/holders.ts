/** The finalizers that keep a deleted object, or would: each is removed by its controller in time. */
import * as Predicate from "effect/Predicate"

/** Kubernetes takes these off by itself once no pod has the object mounted. */
const ofUse = new Set(["kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"])

/** Finalizers that stay on a claim while its volume is being copied, and the kind of the copy. */
const ofSource: Readonly<Record<string, string>> = {
  "snapshot.storage.kubernetes.io/pvc-as-source-protection": "a VolumeSnapshot of it that is not ready",
  "provisioner.storage.kubernetes.io/cloning-protection": "a claim that is being cloned from it"
}

/** The finalizers of an object other than Kubernetes' own in-use protection. */
export const holdersOf = (object: object | null): ReadonlyArray<string> => {
  const metadata: unknown = Reflect.get(Object(object), "metadata")
  const finalizers: unknown = Reflect.get(Object(metadata), "finalizers")
  return Array.isArray(finalizers)
    ? finalizers.filter((one) => Predicate.isString(one)).filter((one) => !ofUse.has(one))
    : []
}

/** The event that the deletion of an object waits for. */
export const endOf = (holders: ReadonlyArray<string>): string =>
  holders.length === 0 ? "its deletion" : `its deletion, and for finalizer ${holders.join(", ")}`

/** The reader of a claim that would delay its deletion; `null` if none is known. */
export const beingRead = (finalizers: ReadonlyArray<string>): string | null =>
  finalizers.map((one) => ofSource[one]).find((one) => one !== undefined) ?? null

/** The remedy for known finalizers; `null` if none is known. */
export const wayOut = (finalizers: ReadonlyArray<string>): string | null => {
  const what = beingRead(finalizers)
  return what === null ? null : `that is ${what}: wait for it to finish, or delete it`
}
