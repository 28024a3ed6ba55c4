/**
 * ConfigMaps and Secrets that an app's pods refer to: their users, whether they exist, and whether they can
 * change.
 *
 * Only metadata is asked for; a Secret's value never reaches this machine.
 */
import * as Schema from "effect/Schema"
import type { ContainerSpec, PodSpec, VolumeSpec } from "./kind/Pod.ts"
import { documented } from "./Documented.ts"

const { Boolean, Literals, Natural, NullOr, String } = Schema

export interface Reference {
  readonly kind: "ConfigMap" | "Secret"
  readonly name: string
  /**
   * The objects that refer to it, and how: `StatefulSet/db volume conf`, `ServiceAccount/db
   * imagePullSecrets`.
   */
  readonly usedBy: ReadonlyArray<string>
  /**
   * False when every reference to it is optional, a volume that no container mounts, or a pod's of an older
   * revision, whose successor is made of the template.
   */
  readonly required: boolean
  /** True if it exists. `null` if it could not be read. */
  readonly present: boolean | null
  /** `null` if the metadata does not show it. */
  readonly immutable: boolean | null
  readonly resourceVersion: string | null
  /** Key names, only with key checking; null otherwise. */
  readonly keys: ReadonlyArray<string> | null
  /** Keys that a pod asks for and the object lacks; only with key checking, null otherwise. */
  readonly missingKeys: ReadonlyArray<string> | null
  /** The size of its data in bytes, only with key checking; `null` otherwise. */
  readonly bytes: number | null
}
export const Reference = documented<Reference>({
  kind: Literals(["ConfigMap", "Secret"]),
  name: String,
  usedBy: Schema.Array(String),
  required: Boolean,
  present: NullOr(Boolean),
  immutable: NullOr(Boolean),
  resourceVersion: NullOr(String),
  keys: NullOr(Schema.Array(String)),
  missingKeys: NullOr(Schema.Array(String)),
  bytes: NullOr(Natural)
})

/** The facts that key checking keeps of one object: never a value. */
export interface KeyFact {
  readonly keys: ReadonlyArray<string>
  readonly bytes: number
  readonly immutable: boolean
}

/** Key facts by the object's name; `null` if it was requested by name and does not exist. */
export interface KeyFacts {
  readonly ConfigMap: ReadonlyMap<string, KeyFact | null>
  readonly Secret: ReadonlyMap<string, KeyFact | null>
}

/** One place that names a ConfigMap or a Secret. */
export interface Mention {
  readonly kind: "ConfigMap" | "Secret"
  readonly name: string
  /** `volume conf`, `env postgres`, `imagePullSecrets`. */
  readonly how: string
  readonly optional: boolean
  /** Keys that must be there. */
  readonly keys: ReadonlyArray<string>
}

type Source = { readonly optional?: boolean | null | undefined } | null | undefined

export const mention = (
  kind: Mention["kind"],
  name: string | null | undefined,
  how: string,
  source: Source,
  keys: ReadonlyArray<string> = []
): ReadonlyArray<Mention> => {
  const optional = source?.optional === true
  return name ? [{ kind, name, how, optional, keys: optional ? [] : keys }] : []
}

const keysOf = (items: ReadonlyArray<{ readonly key: string }> | null | undefined) =>
  (items ?? []).map(({ key }) => key)

const ofSources = (volume: VolumeSpec): ReadonlyArray<Mention> => {
  const how = `volume ${volume.name}`
  const { configMap, secret, projected } = volume
  return [
    ...mention("ConfigMap", configMap?.name, how, configMap, keysOf(configMap?.items)),
    ...mention("Secret", secret?.secretName, how, secret, keysOf(secret?.items)),
    ...(projected?.sources ?? []).flatMap((source) => [
      ...mention("ConfigMap", source.configMap?.name, how, source.configMap, keysOf(source.configMap?.items)),
      ...mention("Secret", source.secret?.name, how, source.secret, keysOf(source.secret?.items))
    ]),
    ...mention("Secret", volume.csi?.nodePublishSecretRef?.name, how, null),
    ...mention("Secret", volume.azureFile?.secretName, how, null),
    ...mention("Secret", volume.cephfs?.secretRef?.name, how, null),
    ...mention("Secret", volume.rbd?.secretRef?.name, how, null),
    ...mention("Secret", volume.iscsi?.secretRef?.name, how, null),
    ...mention("Secret", volume.flexVolume?.secretRef?.name, how, null)
  ]
}

/** The kubelet sets up what some container mounts: a pod starts without what its other volumes name. */
const ofVolume = (volume: VolumeSpec, mounted: ReadonlySet<string>): ReadonlyArray<Mention> =>
  mounted.has(volume.name)
    ? ofSources(volume)
    : ofSources(volume).map((one) => ({ ...one, optional: true, keys: [] }))

const ofContainer = (container: ContainerSpec): ReadonlyArray<Mention> => [
  ...(container.env ?? []).flatMap(({ valueFrom }) => {
    const how = `env ${container.name}`
    const { configMapKeyRef: config, secretKeyRef: secret } = valueFrom ?? {}
    return [
      ...mention("ConfigMap", config?.name, how, config, config ? [config.key] : []),
      ...mention("Secret", secret?.name, how, secret, secret ? [secret.key] : [])
    ]
  }),
  ...(container.envFrom ?? []).flatMap(({ configMapRef, secretRef }) => {
    const how = `envFrom ${container.name}`
    return [
      ...mention("ConfigMap", configMapRef?.name, how, configMapRef),
      ...mention("Secret", secretRef?.name, how, secretRef)
    ]
  })
]

/** Every ConfigMap and Secret that a pod's spec names, in the order of the spec. */
export const mentionsOf = (spec: PodSpec): ReadonlyArray<Mention> => {
  const containers = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]
  const mounted = new Set(
    containers.flatMap(({ volumeMounts }) => (volumeMounts ?? []).map(({ name }) => name))
  )
  return [
    ...(spec.volumes ?? [])
      // Put into every pod by the API server, with a ConfigMap that is in every namespace.
      .filter(({ name }) => !name.startsWith("kube-api-access-"))
      .flatMap((volume) => ofVolume(volume, mounted)),
    ...containers.flatMap(ofContainer),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }) => mention("Secret", name, "imagePullSecrets", null))
  ]
}
