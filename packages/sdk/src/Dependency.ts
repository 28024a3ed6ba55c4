/**
 * Objects without which no new pod can be created or started, besides ConfigMaps and Secrets: by whom
 * they are named, and whether they are there.
 */
import * as Schema from "effect/Schema"
import { accountOf } from "./Reference.ts"
import { compareNames, type Member } from "./state/Member.ts"
import type { Lists } from "./state/Observation.ts"
import type { ObjectMeta } from "./kind/Meta.ts"
import type { Plural } from "./Kind.ts"

const { Literals, NullOr, String, Struct } = Schema

const Kinds = Literals([
  "ServiceAccount",
  "PriorityClass",
  "RuntimeClass",
  "PersistentVolumeClaim",
  "SecretProviderClass",
  "ClusterTrustBundle"
])

export const Dependency = Struct({
  kind: Kinds,
  name: String,
  /** Who names it, as `Kind/name`. */
  usedBy: Schema.Array(String),
  /** Null: it could not be read. */
  present: NullOr(Schema.Boolean)
})
export type Dependency = typeof Dependency.Type

/** The lists in which they are looked for. */
const plurals = {
  ServiceAccount: "serviceaccounts",
  PriorityClass: "priorityclasses",
  RuntimeClass: "runtimeclasses",
  PersistentVolumeClaim: "persistentvolumeclaims",
  SecretProviderClass: "secretproviderclasses",
  ClusterTrustBundle: "clustertrustbundles"
} as const satisfies Readonly<Record<Dependency["kind"], Plural>>

/** The resource in which a kind's objects are listed. */
export const pluralOf = (kind: Dependency["kind"]): string => plurals[kind]

/** The secrets store's driver mounts what an object of its own names. */
const secretsStore = "secrets-store.csi.k8s.io"

type Named = readonly [kind: Dependency["kind"], name: string]

/** The API makes this account in each namespace, and these classes in each cluster, and again when they are gone. */
const always = "default"
const alwaysThere: ReadonlySet<string> = new Set(["system-cluster-critical", "system-node-critical"])

const namedBy = ({ template }: Member): ReadonlyArray<Named> => {
  const { spec } = template
  const account = accountOf(template)
  return [
    ...(account === always ? [] : [["ServiceAccount", account] as const]),
    ...(spec.priorityClassName && !alwaysThere.has(spec.priorityClassName)
      ? [["PriorityClass", spec.priorityClassName] as const]
      : []),
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
export const dependencyPlurals = (members: ReadonlyArray<Member>): ReadonlySet<Plural> =>
  new Set(members.flatMap((member) => namedBy(member).map(([kind]) => plurals[kind])))

/** By kind and name. */
export const observeDependencies = (
  members: ReadonlyArray<Member>,
  lists: Pick<Lists, (typeof plurals)[keyof typeof plurals]>
): ReadonlyArray<Dependency> => {
  const found = new Map<string, { readonly named: Named; readonly usedBy: Set<string> }>()
  for (const member of members) {
    for (const named of namedBy(member)) {
      const entry = found.get(named.join("/")) ?? { named, usedBy: new Set() }
      entry.usedBy.add(member.key)
      found.set(named.join("/"), entry)
    }
  }
  return [...found.values()]
    .map(({ named: [kind, name], usedBy }): Dependency => {
      const list: ReadonlyArray<{ readonly metadata: ObjectMeta }> | null = lists[plurals[kind]]
      const present = list?.some(({ metadata }) => metadata.name === name) ?? null
      return { kind, name, usedBy: [...usedBy], present }
    })
    .toSorted((a, b) => compareNames(a.kind, b.kind) || compareNames(a.name, b.name))
}
