/** The pods that use each claim. */
import type { Registry } from "../registry/Registry.ts"
import { type PersistentVolumeClaim, type Pod, pods, type PodVolume } from "../registry/kinds/core.ts"
import type { Store } from "../registry/Store.ts"

/** The claim of a pod's volume: the one that it names, or the one that is created for it. */
export const claimOf = (pod: Pod, volume: PodVolume | undefined): string | undefined =>
  volume?.persistentVolumeClaim?.claimName ??
  (volume?.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`)

export const claimsOf = (pod: Pod): ReadonlyArray<string> =>
  (pod.spec.volumes ?? []).flatMap((volume) => claimOf(pod, volume) ?? [])

/** Names of pods by `namespace/claim`, kept by the changes of the store. */
class ClaimUsers {
  readonly #names = new Map<string, Set<string>>()

  constructor(store: Store) {
    for (const pod of store.list(pods)) this.#note(pod, false)
    store.listen(({ type, kind, object }) => {
      if (type === pods) this.#note(object as Pod, kind === "DELETED")
    })
  }

  /** A pod's volumes never change. */
  #note(pod: Pod, gone: boolean): void {
    for (const claim of claimsOf(pod)) {
      const key = `${pod.metadata.namespace}/${claim}`
      const names = this.#names.get(key) ?? new Set()
      if (gone) names.delete(pod.metadata.name)
      else names.add(pod.metadata.name)
      if (names.size > 0) this.#names.set(key, names)
      else this.#names.delete(key)
    }
  }

  of(namespace: string | undefined, claim: string): ReadonlySet<string> {
    return this.#names.get(`${namespace}/${claim}`) ?? new Set()
  }
}

const indexes = new WeakMap<Store, ClaimUsers>()

/** Pods that name the claim, finished ones too. */
export const usersOf = (registry: Registry, { metadata }: PersistentVolumeClaim): ReadonlyArray<Pod> => {
  const { store } = registry
  let index = indexes.get(store)
  if (index === undefined) indexes.set(store, (index = new ClaimUsers(store)))
  return [...index.of(metadata.namespace, metadata.name)].flatMap((name) => {
    const pod = store.get(pods, metadata.namespace, name)
    return pod === undefined ? [] : [pod]
  })
}
