/**
 * Access: the API's rules that a plan needs, asked before the first effect, and those that a verb needs, as
 * Roles to grant.
 */
import * as Effect from "effect/Effect"
import { type Need, parse, type Place } from "./access/need.ts"
import { without } from "./access/optional.ts"
import { recorded } from "./access/recorded.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import { OperationError } from "./operation/OperationError.ts"
import { describeRule, type Guard, type GuardKind, type Rule } from "./operation/Plan.ts"
import * as Resource from "./Resource.ts"

/** The verbs that a Role can allow of an object by its name. */
const byName: ReadonlySet<string> = new Set(["get", "patch", "delete"])

const workloads: Readonly<Partial<Record<GuardKind, string>>> = {
  StatefulSet: "statefulsets",
  Deployment: "deployments"
}

/** A workload that a plan owns. */
type Owned = Pick<Guard, "kind" | "namespace" | "name">

/** The workloads that a rule is about; none for one that is about others too. */
const namesOf = (
  { verb, group, resource, subresource, namespace }: Rule,
  owned: ReadonlyArray<Owned>
): ReadonlyArray<string> =>
  group === "apps" && subresource === null && byName.has(verb)
    ? owned
        .filter((each) => workloads[each.kind] === resource && each.namespace === namespace)
        .map(({ name }) => name)
    : []

const isAllowed = Effect.fnUntraced(function* (
  rule: Rule,
  owned: ReadonlyArray<Owned>
): Effect.fn.Return<boolean, ClusterError, Cluster> {
  const review = (name: { readonly name?: string }) =>
    Effect.map(
      Resource.reviewAccess({
        verb: rule.verb,
        group: rule.group,
        plural: rule.resource,
        ...(rule.subresource === null ? {} : { subresource: rule.subresource }),
        ...(rule.namespace === null ? {} : { namespace: rule.namespace }),
        ...name
      }),
      ({ allowed }) => allowed
    )
  if (yield* review({})) return true
  // A Role with resourceNames allows it of these, and of no other.
  const names = namesOf(rule, owned)
  const reviews = yield* Effect.forEach(names, (name) => review({ name }))
  return names.length > 0 && !reviews.includes(false)
})

/** Fails with every rule that is missing, by name. A Role may allow what is asked of the workloads that are owned alone. */
export const preflight = (
  rules: ReadonlyArray<Rule>,
  owned: ReadonlyArray<Owned> = []
): Effect.Effect<void, ClusterError | OperationError, Cluster> =>
  Effect.gen(function* () {
    const reviews = yield* Effect.forEach(rules, (rule) => isAllowed(rule, owned), { concurrency: 16 })
    const absent = rules.filter((_, index) => reviews[index] === false)
    if (absent.length === 0) return
    const rest = "nothing was changed"
    return yield* new OperationError({
      reason: { _tag: "Access", missing: absent },
      message: `not allowed: ${absent.map(describeRule).join(", ")}`,
      action: `ask for a Role with these rules; ${rest}`,
      permission: { rest }
    })
  })

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

/** A command that asks something of the API server. */
export type Verb = keyof typeof recorded

/** What each of them asks for. */
export const needsOf = (verb: Verb): ReadonlyArray<Need> => recorded[verb].map(parse)

/** Every such command, in alphabetical order. */
export const verbs = (Object.keys(recorded) as ReadonlyArray<Verb>).toSorted()

/** True if a verb uses the resource and goes on without it. */
export const isOptional = (verb: Verb, resource: string): boolean =>
  needsOf(verb).some((need) => need.resource === resource && need.optional === true)

/** One rule of a Role. */
export interface Grant {
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
  readonly resourceNames?: ReadonlyArray<string>
}

/** A rule with its comment; `null` if it is always needed. */
export interface Commented {
  readonly rule: Grant
  readonly comment: string | null
}

/** A Role of one namespace, or a ClusterRole. */
export interface RoleOf {
  readonly kind: "Role" | "ClusterRole"
  readonly name: string
  /** `null` for a ClusterRole. */
  readonly namespace: string | null
  readonly rules: ReadonlyArray<Commented>
}

export interface RolesOptions {
  /** Default: all. */
  readonly verbs?: ReadonlyArray<Verb>
  readonly namespace: string
  /** The namespace that `restore --to-namespace` restores into. Default: none. */
  readonly target?: string | undefined
  /** One ClusterRole for all namespaces, as `-A` needs it. Default false. */
  readonly allNamespaces?: boolean
  /** Without the rules that a verb goes on without. Default false. */
  readonly requiredOnly?: boolean
}

type Home = "namespace" | "target" | "cluster"

/** The Role that a need is in; `null` for none. */
const homeOf = (
  verb: Verb,
  place: Place,
  { namespace, target, allNamespaces = false }: RolesOptions
): Home | null => {
  if (place === "cluster" || allNamespaces) return "cluster"
  if (place === "app") return "namespace"
  // The namespace of a drill has no name before it is made.
  if (verb === "drill") return "cluster"
  return target === undefined ? null : target === namespace ? "namespace" : "target"
}

/** The need as far as these options ask for it; `null` if they do not: of a flag that they rule out. */
const askedOf = (need: Need, { target, allNamespaces = false }: RolesOptions): Need | null => {
  const isAsked = (flag: string): boolean =>
    allNamespaces || (flag !== "with -A" && (flag !== "with --to-namespace" || target !== undefined))
  const when = need.when?.filter(isAsked)
  return when === undefined ? need : when.length === 0 ? null : { ...need, when }
}

const commentOf = (needs: ReadonlyArray<readonly [Verb, Need]>, isOne: boolean): string | null => {
  const required = needs.filter(([, need]) => need.optional !== true)
  const flags = (of: typeof needs) =>
    of
      .flatMap(([verb, { when }]) =>
        when === undefined ? [isOne ? "" : verb] : when.map((one) => (isOne ? one : `${verb} ${one}`))
      )
      .join(", ")
  if (required.length > 0) {
    const isAlways = required.some(([, { when }]) => when === undefined)
    return isAlways ? null : `Only ${flags(required)}.`
  }
  const [[verb, { resource }] = ["", { resource: "" }]] = needs
  const why = without(verb, resource) ?? ""
  const isAlways = needs.some(([, { when }]) => when === undefined)
  return `Optional${isAlways ? "" : `, ${flags(needs)}`}. Without it, ${why}.`
}

/** Rules that differ only in their resources, as one. */
const merged = (rules: ReadonlyArray<Commented>): ReadonlyArray<Commented> =>
  [
    ...Map.groupBy(rules, ({ rule: { apiGroups, verbs: may, resourceNames }, comment }) =>
      JSON.stringify([apiGroups, may, resourceNames, comment])
    ).values()
  ].flatMap(([first, ...more]) =>
    first === undefined
      ? []
      : [
          {
            ...first,
            rule: { ...first.rule, resources: [first, ...more].flatMap(({ rule }) => rule.resources) }
          }
        ]
  )

const verbOrder: ReadonlyArray<string> = ["get", "list", "watch", "create", "patch", "update", "delete"]

const rulesOf = (needs: ReadonlyArray<readonly [Verb, Need]>, isOne: boolean): ReadonlyArray<Commented> => {
  const each = needs.flatMap(([verb, need]) =>
    need.verbs.map((one) => ({
      of: [verb, need] as const,
      one,
      key: `${need.group} ${need.resource} ${one} ${need.names?.join() ?? ""}`
    }))
  )
  const single = [...Map.groupBy(each, ({ key }) => key).values()].flatMap((same) => {
    const [first] = same
    if (first === undefined) return []
    const [, { group, resource, names }] = first.of
    const comment = commentOf(
      same.map(({ of }) => of),
      isOne
    )
    return [{ group, resource, names, verb: first.one, comment }]
  })
  const byResource = Map.groupBy(single, ({ group, resource, names, comment }) =>
    JSON.stringify([group, resource, names, comment])
  )
  const rules = [...byResource.values()].flatMap((same): ReadonlyArray<Commented> => {
    const [first] = same
    if (first === undefined) return []
    const { group, resource, names, comment } = first
    const all = same.map(({ verb }) => verb).toSorted((a, b) => verbOrder.indexOf(a) - verbOrder.indexOf(b))
    return [
      {
        comment,
        rule: {
          apiGroups: [group],
          resources: [resource],
          verbs: all,
          ...(names === undefined ? {} : { resourceNames: names })
        }
      }
    ]
  })
  const rank = ({ comment }: Commented) => (comment === null ? 0 : comment.startsWith("Only") ? 1 : 2)
  return merged(rules).toSorted((left, right) => rank(left) - rank(right))
}

/**
 * The least Roles that these verbs need: one of the namespace, one of the namespace of a copy, and a
 * ClusterRole, as far as there is a rule for each.
 *
 * **Caveats**: RBAC cannot limit `list`, `watch` and `create` to names, so the rules are of all objects of the
 * namespace. Secrets of CSI drivers in other namespaces are in no Role.
 *
 * **Example**: `Access.roles({ verbs: ["describe"], namespace: "shop" })`
 */
export const roles = (options: RolesOptions): ReadonlyArray<RoleOf> => {
  const { verbs: wanted = verbs, namespace, target, requiredOnly = false, allNamespaces = false } = options
  const all = wanted.flatMap((verb) =>
    needsOf(verb).flatMap((each) => {
      const need = askedOf(each, options)
      return need === null || (requiredOnly && need.optional === true) ? [] : [[verb, need] as const]
    })
  )
  const names = wanted.length === verbs.length ? [] : [...wanted].toSorted()
  // Applying a Role replaces the one of the same name, so each name says what the Role grants.
  const name = ["kubectl-stateful", ...names].join("-")
  const only = requiredOnly ? "-required-only" : ""
  const copies = target === undefined ? "" : target === namespace ? "-copies-within" : "-copies-elsewhere"
  const of = (home: Home) =>
    rulesOf(
      all.filter(([verb, { in: place }]) => homeOf(verb, place, options) === home),
      wanted.length === 1
    )
  const role = (home: "namespace" | "target", place: string): RoleOf => ({
    kind: "Role",
    name: `${name}${home === "target" ? "-copies" : copies}${only}`,
    namespace: place,
    rules: of(home)
  })
  const cluster: RoleOf = {
    kind: "ClusterRole",
    name: `${name}${allNamespaces ? "-all-namespaces" : ""}${target === undefined ? "" : "-copies"}${only}`,
    namespace: null,
    rules: of("cluster")
  }
  return [
    role("namespace", namespace),
    ...(target === undefined || target === namespace ? [] : [role("target", target)]),
    cluster
  ].filter(({ rules }) => rules.length > 0)
}
