/** `kubectl stateful rbac`: prints the least Roles that commands need, for an administrator to apply. */
import * as Access from "@kubectl-stateful/sdk/Access"
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { roles as peersRoles } from "@kubectl-stateful/sdk/Discovery"
import { string as word } from "@oclif/core/args"
import * as Effect from "effect/Effect"
import { KubectlCommand } from "../command/KubectlCommand.ts"
import type { Screen } from "../command/screen.ts"
import { setNames } from "../command/target.ts"
import { Usage } from "../command/usage.ts"
import { given } from "../flags/given.ts"
import { isVerb, type RbacFlags, rbacFlags, subjectsOf, verbsOf } from "../flags/rbac.ts"
import { documentText } from "../print/document.ts"
import { rolesDocument, rolesText } from "../print/roles.ts"
import { printed } from "../print/terminal.ts"

/** The Role of a client that only discovers peers, of one StatefulSet if it is named. */
const ofPeers = (screen: Screen, set: string | null, flags: RbacFlags) =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const by = flags.endpointslices ? "endpointslices" : "pods"
    const documents = peersRoles({ namespace, set, by, nodes: flags.nodes })
    if (flags.output === "json") {
      const list = { apiVersion: "v1", kind: "List", items: documents }
      screen.out(yield* documentText(documents.length === 1 ? documents[0] : list, "json"))
      return
    }
    for (const [index, document] of documents.entries()) {
      if (index > 0) screen.out(printed`---\n`)
      screen.out(yield* documentText(document, "yaml"))
    }
  })

export class Rbac extends KubectlCommand {
  static override summary = "Print the least Roles that commands need, or that a pod needs to discover peers."
  static override usage = ["rbac [COMMAND...] [flags]", "rbac peers [[TYPE/]NAME] [flags]"]
  static override description =
    "Changes nothing: an administrator pipes the output into kubectl apply -f -. Without a command, prints what all commands need together. resume and abort need the Role of the command that started the operation. A comment in the output marks each rule that only some flags need, and each optional rule, with what is not known without it. Without --serviceaccount or --group, bind the Roles with kubectl create rolebinding."
  static override strict = false
  static override examples = [
    "<%= config.bin %> rbac describe snapshot -n shop | kubectl apply -f -",
    "<%= config.bin %> rbac snapshot snapshots --serviceaccount shop:nightly -n shop",
    "<%= config.bin %> rbac scale --required-only",
    "<%= config.bin %> rbac peers db --endpointslices"
  ]
  static override args = {
    verb: word({
      description: "A command, or several (default: all); or peers, followed by the name of a StatefulSet.",
      ignoreStdin: true
    })
  }
  static override flags = rbacFlags

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Rbac)
    const words = argv.map(String)
    const { screen } = this
    const [first, ...rest] = words
    const subjects = subjectsOf(flags)
    // kubectl would create such a Role in the namespace that it is set to.
    for (const name of ["namespace", "to-namespace"] as const)
      if (flags[name] === "") throw new Usage(`--${name} is empty`, "name a namespace")
    const asked = [flags["all-namespaces"], flags["required-only"], flags["to-namespace"] !== undefined]
    const isOfCommands = rest.some(isVerb) || subjects.length > 0 || asked.includes(true)
    if (first === "peers" && !isOfCommands) {
      const [set = null, ...others] = rest.length === 0 ? [] : setNames(rest)
      if (others.length > 0) throw new Usage("a Role is for one StatefulSet, or for all", "name one, or none")
      return this.perform(flags, ofPeers(screen, set, flags))
    }
    const options = {
      ...(words.length === 0 ? {} : { verbs: verbsOf(words) }),
      ...given({ target: flags["to-namespace"] }),
      allNamespaces: flags["all-namespaces"],
      requiredOnly: flags["required-only"]
    }
    await this.perform(
      flags,
      Effect.gen(function* () {
        const { namespace } = (yield* Cluster).origin
        const roles = Access.roles({ ...options, namespace })
        screen.out(
          flags.output === "json"
            ? yield* documentText(rolesDocument(roles, subjects), "json")
            : rolesText(roles, subjects)
        )
      })
    )
  }
}
