/**
 * Facts about the namespace of a restore in addition to the application: quotas, runtimes, and other users of
 * its claims.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { kinds } from "../Kind.ts"
import * as LimitRange from "../LimitRange.ts"
import * as Resource from "../Resource.ts"
import { listReadable as listQuotas } from "../Quota.ts"
import { usersOf } from "../step/users.ts"
import type { Ground } from "./ground.ts"

const unlessForbidden = <A>(look: Effect.Effect<A, ClusterError, Cluster>, otherwise: A) =>
  Effect.catchReason(look, "ClusterError", "Forbidden", () => Effect.succeed(otherwise))

/** `null` if it does not exist; also in a cluster that does not serve the kind. */
const runtimeClass = (name: string) =>
  Effect.catchReason(
    Resource.findObject({ api: kinds.runtimeclasses, name }),
    "ClusterError",
    "Unsupported",
    () => Effect.succeed(null)
  )

/**
 * RuntimeClasses that the namespace's StatefulSets name and that do not exist; the restore of one StatefulSet
 * reads that one.
 */
const noRuntimeIn = (namespace: string) =>
  Effect.gen(function* () {
    const { items } = yield* Resource.listReadable(kinds.statefulsets, { namespace })
    const found = yield* Effect.forEach(
      items,
      ({ metadata, spec }) => {
        const name = spec.template.spec.runtimeClassName
        return name
          ? Effect.map(runtimeClass(name), (one) => (one === null ? [[metadata.name, name] as const] : []))
          : Effect.succeed([])
      },
      { concurrency: 8 }
    )
    return Object.fromEntries(found.flat())
  })

/**
 * Workloads whose pod template names a claim. Pods are looked at by themselves, as are those of a Job, whose
 * template says nothing once it is complete; a ReplicaSet's is its Deployment's.
 */
const isOther = (user: string): boolean => !/^(Pod|Job|ReplicaSet)\//.test(user)

const sharedIn = (namespace: string) =>
  Effect.gen(function* () {
    const { items } = yield* Resource.listObjects(kinds.persistentvolumeclaims, { namespace })
    const names = items.map(({ metadata }) => metadata.name)
    const users = yield* usersOf(namespace, names)
    return Object.fromEntries(
      names.flatMap((name) => {
        const others = users.of(name).filter(isOther)
        return others.length === 0 ? [] : [[name, others] as const]
      })
    )
  })

export const groundOf = (namespace: string): Effect.Effect<Ground, ClusterError, Cluster> =>
  Effect.map(
    Effect.all(
      [
        listQuotas(namespace),
        LimitRange.list(namespace),
        unlessForbidden(noRuntimeIn(namespace), {}),
        unlessForbidden(sharedIn(namespace), {})
      ],
      { concurrency: 4 }
    ),
    ([quotas, limits, noRuntime, sharedWith]) => ({ quotas, limits, noRuntime, sharedWith })
  )
