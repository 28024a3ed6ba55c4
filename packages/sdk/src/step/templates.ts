/** The claims of a StatefulSet's templates: by name alone, as the controller finds them. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import type { PersistentVolumeClaim } from "../kind/Storage.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { after } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"

/** The claims of this set's templates among some, by name. */
export const ofTemplates = (
  set: StatefulSet,
  items: Iterable<Resource.KubeObject>
): ReadonlyMap<string, PersistentVolumeClaim> => {
  const prefixes = (set.spec.volumeClaimTemplates ?? []).map(
    (template) => `${template.metadata.name}-${set.metadata.name}-`
  )
  const found = new Map<string, PersistentVolumeClaim>()
  for (const item of items) {
    if (!prefixes.some((prefix) => after(prefix, item.metadata.name) !== null)) continue
    const accepted = kinds.persistentvolumeclaims.accept(item)
    if (Result.isSuccess(accepted)) found.set(item.metadata.name, accepted.success)
  }
  return found
}

/** All claims of this set's templates, by name. */
export const claimsOf = (
  set: StatefulSet
): Effect.Effect<ReadonlyMap<string, PersistentVolumeClaim>, ClusterError, Cluster> =>
  (set.spec.volumeClaimTemplates ?? []).length === 0
    ? Effect.succeed(new Map())
    : Effect.map(
        Resource.list(Resource.persistentVolumeClaims, { namespace: set.metadata.namespace ?? "" }),
        ({ items }) => ofTemplates(set, items)
      )
