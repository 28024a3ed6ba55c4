/**
 * kubectl's flags with kubectl's meaning, declared once for every command.
 */
import { boolean, custom, integer, option, string } from "@oclif/core/flags"
import { milliseconds } from "./duration.ts"

const durationFlag = custom<number>({ parse: async (text) => milliseconds(text) })

/** A heading of its own in the help, after the command's own flags. */
const helpGroup = "KUBECTL"

/** Which cluster, and as whom: for every command. */
export const clusterFlags = {
  namespace: string({
    char: "n",
    summary: "The namespace to look in; default: the context's.",
    helpValue: "NAME"
  }),
  context: string({ helpGroup, summary: "The kubeconfig context to use.", helpValue: "NAME" }),
  kubeconfig: string({ helpGroup, summary: "Path to the kubeconfig file to use.", helpValue: "FILE" }),
  cluster: string({ helpGroup, summary: "The kubeconfig cluster to use.", helpValue: "NAME" }),
  user: string({ helpGroup, summary: "The kubeconfig user to use.", helpValue: "NAME" }),
  as: string({ helpGroup, summary: "User to impersonate.", helpValue: "USER" }),
  "as-group": string({
    helpGroup,
    summary: "Group to impersonate; may be repeated.",
    helpValue: "GROUP",
    multiple: true,
    multipleNonGreedy: true
  }),
  "as-uid": string({ helpGroup, summary: "UID to impersonate.", helpValue: "UID" }),
  "request-timeout": durationFlag({
    helpGroup,
    summary: "How long one request may take, e.g. 30s; 0 waits as long as the server does.",
    helpValue: "DURATION"
  }),
  v: integer({
    helpGroup,
    char: "v",
    summary: "From 1 on, say on stderr how many requests were made in how many rounds.",
    helpValue: "LEVEL",
    default: 0
  })
}

/** For commands that read many applications. */
export const selectionFlags = {
  "all-namespaces": boolean({ char: "A", summary: "Look in all namespaces." }),
  selector: string({
    char: "l",
    summary: "Label selector: all workloads that it finds are one application.",
    helpValue: "SELECTOR"
  })
}

export const outputs = ["json", "yaml", "wide", "name"] as const

/** For commands that print objects. */
export const outputFlag = {
  output: option({
    char: "o",
    summary: "Output format.",
    options: outputs
  })()
}

export const watchFlag = {
  watch: boolean({ char: "w", summary: "After printing, print again on each change." })
}
