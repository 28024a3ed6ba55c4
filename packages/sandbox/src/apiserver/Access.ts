/** Access control: rules as in a Role, per user, for 403s and access reviews. */
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import { forbidden, type Refusal } from "../apimachinery/Status.ts"

/** As a rule of a Role, with the namespaces that it applies to; absent means all. `*` matches any. */
export interface Rule {
  readonly verbs: ReadonlyArray<string>
  readonly apiGroups: ReadonlyArray<string>
  /** `pods`, `pods/exec`, `*`. */
  readonly resources: ReadonlyArray<string>
  readonly resourceNames?: ReadonlyArray<string>
  readonly namespaces?: ReadonlyArray<string>
}

export interface User {
  readonly name: string
  readonly groups?: ReadonlyArray<string>
  /** In addition to the Roles that are bound to it in the cluster. Absent: everything. */
  readonly allow?: ReadonlyArray<Rule>
  /** Wins over `allow`. */
  readonly deny?: ReadonlyArray<Rule>
}

export const admin: User = { name: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] }

export interface Attempt {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
}

const covers = (rule: Rule, attempt: Attempt): boolean => {
  const resource =
    attempt.subresource === undefined ? attempt.resource : `${attempt.resource}/${attempt.subresource}`
  return (
    (rule.verbs.includes("*") || rule.verbs.includes(attempt.verb)) &&
    (rule.apiGroups.includes("*") || rule.apiGroups.includes(attempt.group)) &&
    (rule.resources.includes("*") ||
      rule.resources.includes(resource) ||
      (attempt.subresource !== undefined && rule.resources.includes(`*/${attempt.subresource}`))) &&
    (rule.resourceNames === undefined ||
      rule.resourceNames.length === 0 ||
      (attempt.name !== undefined && rule.resourceNames.includes(attempt.name))) &&
    (rule.namespaces === undefined ||
      (attempt.namespace !== undefined && rule.namespaces.includes(attempt.namespace)))
  )
}

export const isAllowed = (user: User, attempt: Attempt): boolean =>
  user.deny?.some((rule) => covers(rule, attempt)) !== true &&
  (user.allow === undefined || user.allow.some((rule) => covers(rule, attempt)))

/** The server's 403, in its words. */
export const denial = (user: User, type: ResourceType, attempt: Attempt): Refusal => {
  const resource =
    attempt.subresource === undefined ? attempt.resource : `${attempt.resource}/${attempt.subresource}`
  const scope =
    attempt.namespace === undefined || attempt.namespace === ""
      ? "at the cluster scope"
      : `in the namespace ${JSON.stringify(attempt.namespace)}`
  return forbidden(
    type,
    attempt.name ?? "",
    `User ${JSON.stringify(user.name)} cannot ${attempt.verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(attempt.group)} ${scope}`
  )
}

/** The rules that `kubectl auth can-i --list` returns for one namespace. */
export const rulesIn = (user: User, namespace: string): ReadonlyArray<Omit<Rule, "namespaces">> =>
  (user.allow ?? [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }])
    .filter((rule: Rule) => rule.namespaces === undefined || rule.namespaces.includes(namespace))
    .map(({ verbs, apiGroups, resources, resourceNames }) => ({
      verbs,
      apiGroups,
      resources,
      ...(resourceNames === undefined ? {} : { resourceNames })
    }))
