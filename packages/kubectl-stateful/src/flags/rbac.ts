/** The flags of `rbac`. */
import * as Access from "@kubectl-stateful/sdk/Access"
import { nearNames } from "@kubectl-stateful/sdk/NearName"
import { boolean, custom, option, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { Usage } from "../command/usage.ts"
import type { Subject } from "../print/roles.ts"
import { allNamespacesFlag } from "./application.ts"

const subjectFlag = custom<Subject>({
  helpValue: "NAMESPACE:NAME",
  parse: async (text) => {
    const [namespace = "", name = "", ...rest] = text.split(":")
    if (namespace === "" || name === "" || rest.length > 0)
      throw new Usage(`invalid --serviceaccount "${text}"`, "write it as NAMESPACE:NAME")
    return { kind: "ServiceAccount", name, namespace }
  }
})

export const rbacFlags = {
  ...allNamespacesFlag,
  "all-namespaces": boolean({
    ...allNamespacesFlag["all-namespaces"],
    summary: "One ClusterRole for all namespaces, as commands with -A need it."
  }),
  "to-namespace": string({
    summary: "Also print the Role for the namespace of a copy, as restore --to-namespace needs it.",
    helpValue: "NAME"
  }),
  "required-only": boolean({
    summary: "Leave out the optional rules: what the commands go on without."
  }),
  serviceaccount: subjectFlag({
    summary: "Also print bindings for this ServiceAccount; may be repeated.",
    multiple: true,
    multipleNonGreedy: true
  }),
  group: string({
    summary: "Also print bindings for this group; may be repeated.",
    helpValue: "NAME",
    multiple: true,
    multipleNonGreedy: true
  }),
  endpointslices: boolean({
    summary: "For peers: grant access to EndpointSlices instead of pods (less detail, slower updates)."
  }),
  nodes: boolean({
    summary:
      "For peers: also print a ClusterRole to read nodes, so that a lost node can be reported as the reason why a pod is not ready."
  }),
  output: option({ char: "o", summary: "Output format.", options: ["yaml", "json"] as const })()
}

export type RbacFlags = InferredFlags<typeof rbacFlags>

/** Who is granted the Roles. */
export const subjectsOf = ({ serviceaccount = [], group = [] }: RbacFlags): ReadonlyArray<Subject> => [
  ...serviceaccount,
  ...group.map((name): Subject => ({ kind: "Group", name }))
]

/** True if it is a command that has a Role. */
export const isVerb = (text: string): text is Access.Verb => Access.verbs.some((verb) => verb === text)

/** The commands that are named; throws a Usage for another word. */
export const verbsOf = (words: ReadonlyArray<string>): ReadonlyArray<Access.Verb> =>
  [...new Set(words)].map((text) => {
    if (isVerb(text)) return text
    if (text === "resume" || text === "abort")
      throw new Usage(
        `${text} needs the Role of the command that started the operation`,
        "name that command, or none for a Role for all of them"
      )
    const [near] = nearNames(text.slice(0, 64), Access.verbs)
    throw new Usage(
      `no command "${text}" needs a Role`,
      near === undefined ? `use one or more of ${Access.verbs.join(", ")}` : `did you mean ${near}?`
    )
  })
