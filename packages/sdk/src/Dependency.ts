/**
 * Objects without which no new pod can be created or started, besides ConfigMaps and Secrets of its
 * own: by whom they are named, and whether they are there.
 */
import * as Schema from "effect/Schema"
import type { Plural } from "./Kind.ts"
import { documented } from "./Documented.ts"

const { Literals, NullOr, String } = Schema

const Kinds = Literals([
  "ServiceAccount",
  "PriorityClass",
  "RuntimeClass",
  "PersistentVolumeClaim",
  "SecretProviderClass",
  "ClusterTrustBundle",
  "ResourceClaim",
  "ResourceClaimTemplate",
  // Of volumes: what their driver is called with.
  "Secret"
])

export interface Dependency {
  readonly kind: typeof Kinds.Type
  readonly name: string
  /** A volume's Secret's: mostly the driver's. Null: the app's own, or none. */
  readonly namespace: string | null
  /** Who names it, as `Kind/name`; with the field or parameter where it is a volume's Secret. */
  readonly usedBy: ReadonlyArray<string>
  /** Null: it could not be read. */
  readonly present: boolean | null
}
export const Dependency = documented<Dependency>({
  kind: Kinds,
  name: String,
  namespace: NullOr(String),
  usedBy: Schema.Array(String),
  present: NullOr(Schema.Boolean)
})

/** The lists in which they are looked for. */
export const plurals = {
  ServiceAccount: "serviceaccounts",
  PriorityClass: "priorityclasses",
  RuntimeClass: "runtimeclasses",
  PersistentVolumeClaim: "persistentvolumeclaims",
  SecretProviderClass: "secretproviderclasses",
  ClusterTrustBundle: "clustertrustbundles",
  ResourceClaim: "resourceclaims",
  ResourceClaimTemplate: "resourceclaimtemplates",
  Secret: "secrets"
} as const satisfies Readonly<Record<Dependency["kind"], Plural>>

/** The resource in which a kind's objects are listed. */
export const pluralOf = (kind: Dependency["kind"]): string => plurals[kind]
