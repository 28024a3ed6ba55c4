/**
 * The objects that refer to claims, ConfigMaps and Secrets: pods in any phase, since one that ended may
 * have written and still uses the claim, and the templates of Jobs and other workloads, whose next pod
 * would mount it.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { isEnd, PodSpec } from "../kind/Pod.ts"
import { mentionsOf } from "../Reference.ts"
import { kinds, reading } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { fieldAt, itemsAt } from "../resource/KubeObject.ts"

/** The path of the pod spec in each kind. */
const templates: ReadonlyArray<readonly [api: Resource.ApiResource, path: ReadonlyArray<string>]> = [
  [kinds.pods, ["spec"]],
  [Resource.jobs, ["spec", "template", "spec"]],
  [Resource.cronJobs, ["spec", "jobTemplate", "spec", "template", "spec"]],
  [kinds.deployments, ["spec", "template", "spec"]],
  [kinds.replicasets, ["spec", "template", "spec"]],
  [kinds.statefulsets, ["spec", "template", "spec"]],
  [kinds.daemonsets, ["spec", "template", "spec"]]
]

/** The claims that a pod spec names. */
const claimsIn = (spec: unknown): ReadonlyArray<string> =>
  itemsAt(spec, "volumes").flatMap((volume) => {
    const name = fieldAt(volume, "persistentVolumeClaim", "claimName")
    return typeof name === "string" ? [name] : []
  })

const usersIn = (namespace: string, [api, path]: (typeof templates)[number], claims: ReadonlySet<string>) =>
  Effect.map(Resource.listObjects(api, { namespace }), ({ items }) =>
    items.flatMap((item) =>
      claimsIn(fieldAt(item, ...path))
        .filter((claim) => claims.has(claim))
        .map((claim) => ({ claim, user: `${api.kind}/${item.metadata.name}` }))
    )
  )

export interface Users {
  /** The users of each claim, as `Kind/name`. */
  readonly of: (claim: string) => ReadonlyArray<string>
  /** Resources that could not be listed, so that their use is unknown. */
  readonly unknown: ReadonlyArray<string>
}

/** The users of these claims. Kinds without permission to list them, or that are not served, are named. */
export const usersOf = (
  namespace: string,
  claims: ReadonlyArray<string>
): Effect.Effect<Users, ClusterError, Cluster> => {
  const wanted = new Set(claims)
  return Effect.map(
    Effect.forEach(
      templates,
      (kind) =>
        usersIn(namespace, kind, wanted).pipe(
          Effect.map((users) => ({ users, unknown: [] as ReadonlyArray<string> })),
          Effect.catchIf(
            ({ reason }) => reason._tag === "Forbidden" || reason._tag === "NotFound",
            ({ reason }) =>
              Effect.succeed({
                users: [],
                // A kind that is not served has no objects.
                unknown: reason._tag === "Forbidden" ? [Resource.qualifiedName(kind[0])] : []
              })
          )
        ),
      { concurrency: templates.length }
    ),
    (found) => {
      const users = Map.groupBy(
        found.flatMap((each) => each.users),
        ({ claim }) => claim
      )
      return {
        of: (claim) => [...new Set((users.get(claim) ?? []).map(({ user }) => user))],
        unknown: found.flatMap((each) => each.unknown)
      }
    }
  )
}

/** Fails if it cannot be parsed: then the objects that it names are unknown. */
const specOf = (api: Resource.ApiResource, item: Resource.KubeObject, path: ReadonlyArray<string>) =>
  Resource.accept(reading(api, PodSpec), { ...Object(fieldAt(item, ...path)), metadata: item.metadata })

/**
 * The workloads and pods of a namespace that name each ConfigMap and Secret, as `Kind/name`, except those
 * that are `own`. Kinds without permission to list them are left out.
 */
export const mentionedIn = (
  namespace: string,
  own: (object: Resource.KubeObject) => boolean
): Effect.Effect<ReadonlyMap<string, ReadonlyArray<string>>, ClusterError, Cluster> =>
  Effect.map(
    Effect.forEach(
      templates,
      ([api, path]) =>
        Resource.listObjects(api, { namespace }).pipe(
          Effect.flatMap(({ items }) =>
            Effect.forEach(
              items.filter((item) => !own(item)),
              (item) =>
                Effect.map(specOf(api, item, path), (spec) =>
                  mentionsOf(spec).map(({ kind, name }) => ({
                    of: `${kind}/${name}`,
                    user: `${api.kind}/${item.metadata.name}`
                  }))
                )
            )
          ),
          Effect.map((all) => all.flat()),
          Effect.catchIf(
            ({ reason }) => reason._tag === "Forbidden" || reason._tag === "NotFound",
            () => Effect.succeed([])
          )
        ),
      { concurrency: templates.length }
    ),
    (found) => {
      const users = Map.groupBy(found.flat(), ({ of }) => of)
      return new Map([...users].map(([of, all]) => [of, [...new Set(all.map(({ user }) => user))]]))
    }
  )

/** Pods that mount the claim, by name, whatever their phase. */
export const podsUsing = (
  namespace: string,
  claim: string
): Effect.Effect<ReadonlyArray<string>, ClusterError, Cluster> =>
  Effect.map(usersIn(namespace, [kinds.pods, ["spec"]], new Set([claim])), (users) => [
    ...new Set(users.map(({ user }) => user.slice("Pod/".length)))
  ])

/** True if a pod may have its claims mounted: it has a node, and has not ended. */
const isMounting = (pod: unknown): boolean =>
  Boolean(fieldAt(pod, "spec", "nodeName")) && !isEnd(String(fieldAt(pod, "status", "phase")))

/** The pods that have claims mounted, by claim; `whatever` is as in `mountedIn`. */
export const mountsIn = (
  pods: ReadonlyArray<Resource.KubeObject>,
  whatever = false
): Readonly<Record<string, ReadonlyArray<string>>> => {
  const found: Record<string, Array<string>> = {}
  for (const pod of pods) {
    if (!whatever && !isMounting(pod)) continue
    for (const claim of claimsIn(fieldAt(pod, "spec"))) (found[claim] ??= []).push(pod.metadata.name)
  }
  return found
}

/**
 * The pods that have claims mounted, by claim. `whatever` includes pods that have ended or wait for a node,
 * for which a claim cannot be moved either. Empty without permission to list pods.
 */
export const mountedIn = (
  namespace: string,
  whatever = false
): Effect.Effect<Readonly<Record<string, ReadonlyArray<string>>>, ClusterError, Cluster> =>
  Resource.listObjects(kinds.pods, { namespace }).pipe(
    Effect.map(({ items }) => mountsIn(items, whatever)),
    Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed({}))
  )
