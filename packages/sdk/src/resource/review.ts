/**
 * May I? Asked of the server, before the first effect.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { type Cluster, ClusterError } from "../Cluster.ts"
import { roundTrip } from "./roundTrip.ts"

/** One rule, as RBAC knows it. */
export interface AccessRule {
  readonly verb: string
  readonly group: string
  readonly plural: string
  readonly subresource?: string
  /** Absent: in all namespaces, or a kind of the whole cluster. */
  readonly namespace?: string
  readonly name?: string
}

/** The server's answer. `reason` is its own words, if any. */
export interface AccessReview {
  readonly rule: AccessRule
  readonly allowed: boolean
  readonly reason: string | null
}

/** A SelfSubjectAccessReview. Changes nothing, so it is repeated as reads are. */
export const reviewAccess = Effect.fnUntraced(function* (
  rule: AccessRule
): Effect.fn.Return<AccessReview, ClusterError, Cluster> {
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
  const body = yield* roundTrip({
    method: "POST",
    path,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: {
        resourceAttributes: {
          verb: rule.verb,
          group: rule.group,
          resource: rule.plural,
          ...(rule.subresource === undefined ? {} : { subresource: rule.subresource }),
          ...(rule.namespace === undefined ? {} : { namespace: rule.namespace }),
          ...(rule.name === undefined ? {} : { name: rule.name })
        }
      }
    })
  })
  const status = Predicate.hasProperty(body, "status") ? body.status : null
  if (!Predicate.hasProperty(status, "allowed") || typeof status.allowed !== "boolean") {
    return yield* new ClusterError({
      reason: { _tag: "Unreadable" },
      message: `POST ${path}: the answer is no access review`
    })
  }
  const reason = Predicate.hasProperty(status, "reason") ? status.reason : null
  return {
    rule,
    allowed: status.allowed,
    reason: typeof reason === "string" && reason !== "" ? reason : null
  }
})

/** True if this user can do all of these to a cluster-scoped resource. */
export const mayAll = (
  verbs: ReadonlyArray<string>,
  resource: Pick<AccessRule, "group" | "plural">
): Effect.Effect<boolean, ClusterError, Cluster> =>
  Effect.map(
    Effect.forEach(verbs, (verb) => reviewAccess({ verb, ...resource }), { concurrency: verbs.length }),
    (reviews) => reviews.every(({ allowed }) => allowed)
  )
