/**
 * Objects without which no new pod can be created or started, besides ConfigMaps and Secrets of its
 * own: by whom they are named, and whether they are there.
 */
import * as Schema from "effect/Schema"
import type { Plural } from "./Kind.ts"

const { Literals, NullOr, String, Struct } = Schema

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

export const Dependency = Struct({
  kind: Kinds,
  name: String,
  /** A volume's Secret's: mostly the driver's. Null: the app's own, or none. */
  namespace: NullOr(String),
  /** Who names it, as `Kind/name`; with the field or parameter where it is a volume's Secret. */
  usedBy: Schema.Array(String),
  /** Null: it could not be read. */
  present: NullOr(Schema.Boolean)
})
export type Dependency = typeof Dependency.Type

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
