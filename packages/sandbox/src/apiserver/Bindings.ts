/**
 * The rules that a user has by the Roles and ClusterRoles of the cluster, as Kubernetes' RBAC authorizer finds
 * them.
 */
import type { Rule, User } from "./Access.ts"
import { arrayAt, isObject, stringAt } from "../apimachinery/Json.ts"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import { clusterrolebindings, clusterroles, rolebindings, roles } from "../registry/kinds/index.ts"
import type { Store } from "../registry/Store.ts"

const serviceAccount = /^system:serviceaccount:([^:]+):([^:]+)$/

/** With the groups that a ServiceAccount is in by its name alone. */
const groupsOf = ({ name, groups = ["system:authenticated"] }: User): ReadonlyArray<string> => {
  const namespace = serviceAccount.exec(name)?.[1]
  return namespace === undefined
    ? groups
    : [...groups, "system:serviceaccounts", `system:serviceaccounts:${namespace}`]
}

const isSubject =
  (user: User, groups: ReadonlyArray<string>, home: string | undefined) =>
  (subject: unknown): boolean => {
    const [kind, name] = [stringAt(subject, "kind"), stringAt(subject, "name") ?? ""]
    if (kind === "User") return name === user.name
    if (kind === "Group") return groups.includes(name)
    const namespace = stringAt(subject, "namespace") ?? home ?? ""
    return kind === "ServiceAccount" && user.name === `system:serviceaccount:${namespace}:${name}`
  }

const textsAt = (value: unknown, key: string): ReadonlyArray<string> =>
  arrayAt(value, key).filter((one) => typeof one === "string")

const rulesOf = (role: KubeObject | undefined, namespace: string | undefined): ReadonlyArray<Rule> =>
  arrayAt(role, "rules")
    .filter(isObject)
    .map((rule) => {
      const resourceNames = textsAt(rule, "resourceNames")
      return {
        verbs: textsAt(rule, "verbs"),
        apiGroups: textsAt(rule, "apiGroups"),
        resources: textsAt(rule, "resources"),
        ...(resourceNames.length === 0 ? {} : { resourceNames }),
        ...(namespace === undefined ? {} : { namespaces: [namespace] })
      }
    })

/** The user with the rules that bindings give; without change if it may do everything. */
export const bound = (store: Store, user: User): User => {
  if (user.allow === undefined) return user
  const groups = groupsOf(user)
  const given = (type: ResourceType) =>
    store.list(type).flatMap((binding) => {
      const { namespace } = binding.metadata
      if (!arrayAt(binding, "subjects").some(isSubject(user, groups, namespace))) return []
      const name = stringAt(binding, "roleRef", "name") ?? ""
      const isCluster = stringAt(binding, "roleRef", "kind") === "ClusterRole"
      return rulesOf(
        isCluster ? store.get(clusterroles, undefined, name) : store.get(roles, namespace, name),
        namespace
      )
    })
  return { ...user, allow: [...user.allow, ...given(rolebindings), ...given(clusterrolebindings)] }
}
