/**
 * Access: the API's rules that a plan needs, asked before the first effect, and as a Role to grant.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "./Cluster.ts"
import { OperationError } from "./operation/OperationError.ts"
import { describeRule, type Rule } from "./operation/Plan.ts"
import * as Resource from "./Resource.ts"

const missing = (rules: ReadonlyArray<Rule>): Effect.Effect<ReadonlyArray<Rule>, ClusterError, Cluster> =>
  Effect.map(
    Effect.forEach(
      rules,
      (rule) =>
        Resource.reviewAccess({
          verb: rule.verb,
          group: rule.group,
          plural: rule.resource,
          ...(rule.subresource === null ? {} : { subresource: rule.subresource }),
          ...(rule.namespace === null ? {} : { namespace: rule.namespace })
        }),
      { concurrency: 16 }
    ),
    (reviews) => rules.filter((_, index) => reviews[index]?.allowed === false)
  )

/** Fails with every rule that is missing, by name. */
export const preflight = (
  rules: ReadonlyArray<Rule>
): Effect.Effect<void, ClusterError | OperationError, Cluster> =>
  Effect.flatMap(missing(rules), (absent) =>
    absent.length === 0
      ? Effect.void
      : Effect.fail(
          new OperationError({
            reason: { _tag: "Access", missing: absent },
            message: `not allowed: ${absent.map(describeRule).join(", ")}`,
            action: "ask for a Role with these rules; nothing was changed"
          })
        )
  )

/** RBAC rules that grant exactly this, grouped as one writes them by hand. */
export const grants = (rules: ReadonlyArray<Rule>) =>
  [
    ...Map.groupBy(rules, ({ group, resource, subresource }) => `${group}|${resource}|${subresource ?? ""}`)
  ].map(([key, members]) => {
    const [group = "", resource = "", subresource = ""] = key.split("|")
    return {
      apiGroups: [group],
      resources: [subresource === "" ? resource : `${resource}/${subresource}`],
      verbs: members.map((rule) => rule.verb)
    }
  })
