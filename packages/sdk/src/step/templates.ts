/** The claims of a StatefulSet's templates: by name, as the controller finds them. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolumeClaim } from "../kind/Storage.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { after } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"

/** The claims of this set's templates: others in the namespace need not be valid. */
export const claimsWanted = (set: StatefulSet): Resource.KindListOptions => {
  const prefixes = (set.spec.volumeClaimTemplates ?? []).map(
    (template) => `${template.metadata.name}-${set.metadata.name}-`
  )
  return {
    namespace: set.metadata.namespace ?? "",
    which: ({ name }) => prefixes.some((prefix) => after(prefix, name) !== null)
  }
}

export const byName = <A extends { readonly metadata: { readonly name: string } }>(
  all: ReadonlyArray<A>
): ReadonlyMap<string, A> => new Map(all.map((one) => [one.metadata.name, one]))

/** All claims of this set's templates, by name. */
export const claimsOf = (
  set: StatefulSet
): Effect.Effect<ReadonlyMap<string, PersistentVolumeClaim>, ClusterError, Cluster> =>
  (set.spec.volumeClaimTemplates ?? []).length === 0
    ? Effect.succeed(new Map())
    : Effect.map(Resource.list(kinds.persistentvolumeclaims, claimsWanted(set)), byName)
