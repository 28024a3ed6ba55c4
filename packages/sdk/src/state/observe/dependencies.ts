/** Objects without which no pod starts, out of templates and volumes. */
import type { Claim } from "../../Claim.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { compareNames } from "../../NameOrder.ts"
import type { Lists, Observation } from "../observation.ts"
import { secretsOfClass, secretsOfVolume, type VolumeSecret } from "./volumeSecret.ts"
import type { ObjectMeta } from "../../kind/Meta.ts"
import type { Plural } from "../../Kind.ts"
import { type Dependency, plurals } from "../../Dependency.ts"
import { accountOf } from "../../kind/Pod.ts"

/** The secrets store's driver mounts what an object of its own names. */
const secretsStore = "secrets-store.csi.k8s.io"

type Named = readonly [kind: Dependency["kind"], name: string]

/** The API makes this account in each namespace, and these classes in each cluster, and again after they were deleted. */
const always = "default"
const alwaysThere: ReadonlySet<string> = new Set(["system-cluster-critical", "system-node-critical"])

const namedBy = ({ template }: AppWorkload): ReadonlyArray<Named> => {
  const { spec } = template
  const account = accountOf(template)
  return [
    ...(account === always ? [] : [["ServiceAccount", account] as const]),
    ...(spec.priorityClassName && !alwaysThere.has(spec.priorityClassName)
      ? [["PriorityClass", spec.priorityClassName] as const]
      : []),
    ...(spec.resourceClaims ?? []).flatMap(
      ({ resourceClaimName: claim, resourceClaimTemplateName: made }): ReadonlyArray<Named> =>
        claim ? [["ResourceClaim", claim]] : made ? [["ResourceClaimTemplate", made]] : []
    ),
    ...(spec.runtimeClassName ? [["RuntimeClass", spec.runtimeClassName] as const] : []),
    ...(spec.volumes ?? []).flatMap(
      ({ csi, persistentVolumeClaim: claim, projected }): ReadonlyArray<Named> => {
        const provider = csi?.driver === secretsStore ? csi.volumeAttributes?.["secretProviderClass"] : null
        return [
          ...(claim ? [["PersistentVolumeClaim", claim.claimName] as const] : []),
          ...(provider ? [["SecretProviderClass", provider] as const] : []),
          ...(projected?.sources ?? []).flatMap(({ clusterTrustBundle: bundle }) =>
            bundle?.name && bundle.optional !== true ? [["ClusterTrustBundle", bundle.name] as const] : []
          )
        ]
      }
    )
  ]
}

/** The lists that the members' templates need looked at. */
export const dependencyPlurals = (appWorkloads: ReadonlyArray<AppWorkload>): ReadonlySet<Plural> =>
  new Set(appWorkloads.flatMap((appWorkload) => namedBy(appWorkload).map(([kind]) => plurals[kind])))

/** The objects related to the app's claims, and where they are found. */
export interface Volumes {
  readonly namespace: string
  readonly claims: ReadonlyArray<Claim>
  /** The classes of its claims, and of those to come. */
  readonly classes: ReadonlySet<string>
  readonly secretsElsewhere: Observation["secretsElsewhere"]
}

/** Each with who names it. A replica more is not a Secret more, so that it is its workload that does. */
const volumeSecrets = (
  { namespace, claims, classes }: Volumes,
  { persistentvolumes, storageclasses }: Pick<Lists, "persistentvolumes" | "storageclasses">
): ReadonlyArray<VolumeSecret & { readonly by: string }> => {
  const users = new Map(
    claims.flatMap(({ leftover, name, volume, workload }) =>
      leftover || volume === null || volume.heldBy === "other"
        ? []
        : [[volume.name, workload ?? `PersistentVolumeClaim/${name}`] as const]
    )
  )
  return [
    ...(persistentvolumes ?? []).flatMap((volume) => {
      const by = users.get(volume.metadata.name)
      return by === undefined ? [] : secretsOfVolume(volume).map((one) => ({ ...one, by }))
    }),
    ...(storageclasses ?? []).flatMap((one) =>
      classes.has(one.metadata.name)
        ? secretsOfClass(one, namespace).map((secret) => ({
            ...secret,
            by: `StorageClass/${one.metadata.name}`
          }))
        : []
    )
  ]
}

/** By kind, namespace and name. */
export const observeDependencies = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  volumes: Volumes,
  lists: Pick<Lists, (typeof plurals)[keyof typeof plurals] | "persistentvolumes" | "storageclasses">
): ReadonlyArray<Dependency> => {
  interface Found {
    readonly named: Named
    readonly namespace: string | null
    readonly usedBy: Set<string>
  }
  const found = new Map<string, Found>()
  const add = (named: Named, namespace: string | null, by: string) => {
    const key = [...named, namespace].join("/")
    const entry = found.get(key) ?? { named, namespace, usedBy: new Set() }
    entry.usedBy.add(by)
    found.set(key, entry)
  }
  for (const appWorkload of appWorkloads)
    for (const named of namedBy(appWorkload)) add(named, null, appWorkload.key)
  for (const { namespace, name, how, by } of volumeSecrets(volumes, lists))
    add(["Secret", name], namespace, `${by} ${how}`)
  const isThere = ({ named: [kind, name], namespace }: Found): boolean | null => {
    if (namespace !== null && namespace !== volumes.namespace)
      return volumes.secretsElsewhere?.[namespace]?.has(name) ?? null
    const list: ReadonlyArray<{ readonly metadata: ObjectMeta }> | null = lists[plurals[kind]]
    return list?.some(({ metadata }) => metadata.name === name) ?? null
  }
  return [...found.values()]
    .map((one): Dependency => {
      const {
        named: [kind, name],
        namespace,
        usedBy
      } = one
      return { kind, name, namespace, usedBy: [...usedBy], present: isThere(one) }
    })
    .toSorted(
      (a, b) =>
        compareNames(a.kind, b.kind) ||
        compareNames(a.namespace ?? "", b.namespace ?? "") ||
        compareNames(a.name, b.name)
    )
}
