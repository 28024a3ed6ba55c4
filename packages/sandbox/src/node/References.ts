/**
 * The Secrets and ConfigMaps that a pod cannot start without, and the kubelet's message if one of them is
 * missing.
 */
import { arrayAt, at, isObject, stringAt } from "../apimachinery/Json.ts"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import { configmaps, type Container, type Pod, secrets } from "../registry/kinds/core.ts"
import type { Store } from "../registry/Store.ts"

const types = { secret: secrets, configmap: configmaps } as const
type Kind = keyof typeof types

/** Those that may lack are marked so. */
const isOptional = (source: unknown): boolean => at(source, "optional") === true

const hasKey = (object: KubeObject, key: string): boolean =>
  [at(object, "data"), at(object, "binaryData")].some((data) => isObject(data) && Object.hasOwn(data, key))

class Looking {
  readonly #store: Store
  readonly #namespace: string

  constructor(store: Store, { metadata }: Pod) {
    this.#store = store
    this.#namespace = metadata.namespace ?? ""
  }

  find(kind: Kind, name: string): KubeObject | undefined {
    return this.#store.get(types[kind], this.#namespace, name)
  }

  /** Reason that a volume's source cannot be mounted: the object, or one of the selected keys, is missing. */
  source(kind: Kind, name: string, source: unknown): string | undefined {
    if (isOptional(source)) return undefined
    const object = this.find(kind, name)
    if (object === undefined) return `${kind} ${JSON.stringify(name)} not found`
    const key = arrayAt(source, "items")
      .map((item) => stringAt(item, "key") ?? "")
      .find((each) => !hasKey(object, each))
    if (key === undefined) return undefined
    return kind === "secret"
      ? `references non-existent secret key: ${key}`
      : `configmap references non-existent config key: ${key}`
  }

  volume(volume: unknown): string | undefined {
    const [secret, config, projected] = [
      at(volume, "secret"),
      at(volume, "configMap"),
      at(volume, "projected")
    ]
    if (secret !== undefined) return this.source("secret", stringAt(secret, "secretName") ?? "", secret)
    if (config !== undefined) return this.source("configmap", stringAt(config, "name") ?? "", config)
    const faults = arrayAt(projected, "sources").flatMap((source) => {
      const [one, other] = [at(source, "secret"), at(source, "configMap")]
      return [
        one === undefined ? undefined : this.source("secret", stringAt(one, "name") ?? "", one),
        other === undefined ? undefined : this.source("configmap", stringAt(other, "name") ?? "", other)
      ].filter((why) => why !== undefined)
    })
    return faults.length > 1 ? `[${faults.join(", ")}]` : faults[0]
  }

  key(kind: Kind, word: string, reference: unknown): string | undefined {
    if (reference === undefined || isOptional(reference)) return undefined
    const [name, key] = [stringAt(reference, "name") ?? "", stringAt(reference, "key") ?? ""]
    const object = this.find(kind, name)
    if (object === undefined) return `${kind} ${JSON.stringify(name)} not found`
    return hasKey(object, key) ? undefined : `couldn't find key ${key} in ${word} ${this.#namespace}/${name}`
  }

  all(kind: Kind, reference: unknown): string | undefined {
    if (reference === undefined || isOptional(reference)) return undefined
    const name = stringAt(reference, "name") ?? ""
    return this.find(kind, name) === undefined ? `${kind} ${JSON.stringify(name)} not found` : undefined
  }
}

/** A volume that cannot be mounted. */
export interface Unmounted {
  readonly volume: string
  readonly why: string
}

/** The pod's volumes that cannot be mounted; only those that a container mounts are looked at. */
export const unmounted = (store: Store, pod: Pod): ReadonlyArray<Unmounted> => {
  const looking = new Looking(store, pod)
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    const why = looking.volume(volume)
    if (why === undefined) return []
    const isMounted = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].some(({ volumeMounts }) =>
      volumeMounts?.some(({ name }) => name === volume.name)
    )
    return isMounted ? [{ volume: volume.name, why }] : []
  })
}

/** Reason that a container's environment cannot be built; undefined if it can. */
export const configFault = (store: Store, pod: Pod, container: Container): string | undefined => {
  if (container.env === undefined && container.envFrom === undefined) return undefined
  const looking = new Looking(store, pod)
  for (const source of container.envFrom ?? []) {
    const why =
      looking.all("configmap", at(source, "configMapRef")) ?? looking.all("secret", at(source, "secretRef"))
    if (why !== undefined) return why
  }
  for (const { valueFrom } of container.env ?? []) {
    const why =
      looking.key("configmap", "ConfigMap", at(valueFrom, "configMapKeyRef")) ??
      looking.key("secret", "Secret", at(valueFrom, "secretKeyRef"))
    if (why !== undefined) return why
  }
  return undefined
}
