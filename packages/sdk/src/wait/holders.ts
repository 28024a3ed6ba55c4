/** What holds an object that is deleted, or would: its finalizers, each of which somebody takes off in time. */
import * as Predicate from "effect/Predicate"

/** Kubernetes takes these off by itself once no pod has the object mounted. */
const ofUse = new Set(["kubernetes.io/pvc-protection", "kubernetes.io/pv-protection"])

/** Those that stay on a claim until something that is made from its volume is done, and what that is. */
const ofSource: Readonly<Record<string, string>> = {
  "snapshot.storage.kubernetes.io/pvc-as-source-protection": "a VolumeSnapshot of it that is not ready",
  "provisioner.storage.kubernetes.io/cloning-protection": "a claim that is being cloned from it"
}

/** The finalizers of an object that somebody other than Kubernetes' own protection of use has put there. */
export const holdersOf = (object: object | null): ReadonlyArray<string> => {
  const metadata: unknown = Reflect.get(Object(object), "metadata")
  const finalizers: unknown = Reflect.get(Object(metadata), "finalizers")
  return Array.isArray(finalizers)
    ? finalizers.filter((one) => Predicate.isString(one)).filter((one) => !ofUse.has(one))
    : []
}

/** What is waited for until an object is gone. */
export const endOf = (holders: ReadonlyArray<string>): string =>
  holders.length === 0 ? "its deletion" : `its deletion, and for finalizer ${holders.join(", ")}`

/** What a claim is being read for, so that it would not go if it were deleted; null: nothing that is known. */
export const beingRead = (finalizers: ReadonlyArray<string>): string | null =>
  finalizers.map((one) => ofSource[one]).find((one) => one !== undefined) ?? null

/** What to do about finalizers that are known; null: none is. */
export const wayOut = (finalizers: ReadonlyArray<string>): string | null => {
  const what = beingRead(finalizers)
  return what === null ? null : `that is ${what}: wait for it to finish, or delete it`
}
