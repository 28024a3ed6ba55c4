/**
 * Objects without which no new pod can be created or started, other than its ConfigMaps and Secrets: what
 * names them, and whether they exist.
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
  /** The namespace of a volume's Secret: usually the driver's. `null` for the app's own, or none. */
  readonly namespace: string | null
  /** The objects that name it, as `Kind/name`; with the field or parameter for a volume's Secret. */
  readonly usedBy: ReadonlyArray<string>
  /** `null` if it could not be read. */
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
