/** Roles as one writes them by hand: a comment says why a rule is there that is not always needed. */
import type { Grant, RoleOf } from "@kubectl-stateful/sdk/Access"
import { ended, type Printable, visible } from "./terminal.ts"
import { wrap } from "./text.ts"

/** Who is granted the Roles. */
export interface Subject {
  readonly kind: "ServiceAccount" | "Group"
  readonly name: string
  /** Of a ServiceAccount. */
  readonly namespace?: string
}

const columns = 80

const apiGroup = "rbac.authorization.k8s.io"

/** A flow list, in as many lines as it takes. */
const list = (key: string, items: ReadonlyArray<string>): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let current = `${key}: [`
  for (const [index, item] of items.entries()) {
    const last = index === items.length - 1
    const word = `${JSON.stringify(item)}${last ? "]" : ","}`
    const room = current.endsWith("[") ? 0 : 1
    if (index > 0 && current.length + room + word.length > columns) {
      lines.push(current)
      current = `    ${word}`
    } else current += room === 0 ? word : ` ${word}`
  }
  return [...lines, current]
}

const ruleLines = ({ apiGroups, resources, resourceNames, verbs }: Grant): ReadonlyArray<string> =>
  [
    list("- apiGroups", apiGroups),
    list("  resources", resources),
    ...(resourceNames === undefined ? [] : [list("  resourceNames", resourceNames)]),
    list("  verbs", verbs)
  ].flat()

const head = (kind: string, name: string, namespace: string | null): ReadonlyArray<string> => [
  `apiVersion: ${apiGroup}/v1`,
  `kind: ${kind}`,
  "metadata:",
  `  name: ${JSON.stringify(name)}`,
  ...(namespace === null ? [] : [`  namespace: ${JSON.stringify(namespace)}`])
]

const roleLines = ({ kind, name, namespace, rules }: RoleOf): ReadonlyArray<string> => [
  ...head(kind, name, namespace),
  "rules:",
  ...rules.flatMap(({ rule, comment }, index) => {
    const isNew = comment !== null && comment !== rules[index - 1]?.comment
    return [...(isNew ? wrap(comment, columns - 2).map((line) => `# ${line}`) : []), ...ruleLines(rule)]
  })
]

/** A path's segment, which a name has to be: what is none of it is written as `=2F`. */
const segment = (text: string): string =>
  text.replaceAll(/[/%=]/g, (one) => `=${one.charCodeAt(0).toString(16).toUpperCase()}`)

/** One of its own for each subject: applied for a second one, it takes nothing from the first. */
const bindingName = (role: string, { kind, name, namespace }: Subject): string =>
  `${role}:${segment(namespace ?? kind)}:${segment(name)}`

const bindingOf = ({ kind, name, namespace }: RoleOf, subject: Subject) => ({
  apiVersion: `${apiGroup}/v1`,
  kind: `${kind}Binding`,
  metadata: { name: bindingName(name, subject), ...(namespace === null ? {} : { namespace }) },
  roleRef: { apiGroup, kind, name },
  subjects: [subject.kind === "Group" ? { ...subject, apiGroup } : subject]
})

const bindingLines = (role: RoleOf, subject: Subject): ReadonlyArray<string> => {
  const { metadata, roleRef } = bindingOf(role, subject)
  const { kind, name, namespace } = subject
  return [
    ...head(`${role.kind}Binding`, metadata.name, role.namespace),
    "roleRef:",
    `  apiGroup: ${roleRef.apiGroup}`,
    `  kind: ${roleRef.kind}`,
    `  name: ${JSON.stringify(roleRef.name)}`,
    "subjects:",
    `- kind: ${kind}`,
    `  name: ${JSON.stringify(name)}`,
    namespace === undefined ? `  apiGroup: ${apiGroup}` : `  namespace: ${JSON.stringify(namespace)}`
  ]
}

/** YAML for `kubectl apply -f -`. */
export const rolesText = (roles: ReadonlyArray<RoleOf>, subjects: ReadonlyArray<Subject>): Printable =>
  ended(
    [
      ...roles.map(roleLines),
      ...roles.flatMap((role) => subjects.map((subject) => bindingLines(role, subject)))
    ]
      .flatMap((lines, index) => [...(index === 0 ? [] : ["---"]), ...lines])
      .map(visible)
  )

/** The same as one document for programs, without comments. */
export const rolesDocument = (roles: ReadonlyArray<RoleOf>, subjects: ReadonlyArray<Subject>) => ({
  apiVersion: "v1",
  kind: "List",
  items: [
    ...roles.map(({ kind, name, namespace, rules }) => ({
      apiVersion: `${apiGroup}/v1`,
      kind,
      metadata: { name, ...(namespace === null ? {} : { namespace }) },
      rules: rules.map(({ rule }) => rule)
    })),
    ...roles.flatMap((role) => subjects.map((subject) => bindingOf(role, subject)))
  ]
})
