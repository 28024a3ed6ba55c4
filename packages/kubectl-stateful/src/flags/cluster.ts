/** kubectl's flags with kubectl's meaning: which cluster, and as whom. */
import { integer, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { durationFlag } from "./duration.ts"

/** A heading of its own in the help, after the command's own flags. */
const helpGroup = "GLOBAL"

/** For every command. */
export const clusterFlags = {
  namespace: string({
    char: "n",
    summary: "Namespace (default: the current context's).",
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
    summary: "Timeout for a single server request, e.g. 30s; 0 means no timeout.",
    helpValue: "DURATION"
  }),
  v: integer({
    helpGroup,
    char: "v",
    summary: "Verbosity: 1 and above prints the number of requests and rounds to stderr.",
    helpValue: "LEVEL",
    default: 0
  })
}

type Flags = InferredFlags<typeof clusterFlags>

/**
 * The flags that select a cluster. Partial, because a command can use one of the names for something else.
 */
export type ClusterFlags = Partial<Omit<Flags, "v">>

/** The values of the flags that every command has. */
export type CommonFlags = ClusterFlags & Pick<Flags, "v">
