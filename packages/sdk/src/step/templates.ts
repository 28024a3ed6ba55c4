/** The claims of a StatefulSet's templates: by name alone, as the controller finds them. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolumeClaim } from "../kind/Storage.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { after } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"

/** The claims of this set's templates among some, by name. */
export const ofTemplates = (
  set: StatefulSet,
  claims: ReadonlyArray<PersistentVolumeClaim>
): ReadonlyMap<string, PersistentVolumeClaim> => {
  const prefixes = (set.spec.volumeClaimTemplates ?? []).map(
    (template) => `${template.metadata.name}-${set.metadata.name}-`
  )
  return new Map(
    claims.flatMap((claim) =>
      prefixes.some((prefix) => after(prefix, claim.metadata.name) !== null)
        ? [[claim.metadata.name, claim] as const]
        : []
    )
  )
}

/** All claims of this set's templates, by name. */
export const claimsOf = (
  set: StatefulSet
): Effect.Effect<ReadonlyMap<string, PersistentVolumeClaim>, ClusterError, Cluster> =>
  (set.spec.volumeClaimTemplates ?? []).length === 0
    ? Effect.succeed(new Map())
    : Effect.map(
        Resource.list(kinds.persistentvolumeclaims, { namespace: set.metadata.namespace ?? "" }),
        ({ items }) => ofTemplates(set, items)
      )
