/** kubectl's flags with kubectl's meaning: which cluster, and as whom. */
import { boolean, custom, integer, option, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import { Usage } from "../command/usage.ts"
import { durationFlag } from "./duration.ts"

/** A heading of its own in the help, after the command's own flags. */
const helpGroup = "GLOBAL"

/** `key=value`. */
const extraFlag = custom<readonly [string, string]>({
  parse: async (text) => {
    const at = text.indexOf("=")
    if (at < 1) throw new Usage(`invalid --as-user-extra "${text}"`, "use KEY=VALUE")
    return [text.slice(0, at), text.slice(at + 1)]
  }
})

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
  "as-user-extra": extraFlag({
    helpGroup,
    summary: "Extra field of the user to impersonate; may be repeated.",
    helpValue: "KEY=VALUE",
    multiple: true,
    multipleNonGreedy: true
  }),
  server: string({
    helpGroup,
    char: "s",
    summary: "Address and port of the API server; no kubeconfig is needed then.",
    helpValue: "URL"
  }),
  "certificate-authority": string({
    helpGroup,
    summary: "Path to the certificate file of the server's certificate authority.",
    helpValue: "FILE"
  }),
  "insecure-skip-tls-verify": boolean({
    helpGroup,
    summary: "Do not check the server's certificate. The connection is then insecure."
  }),
  "tls-server-name": string({
    helpGroup,
    summary: "Host name to expect in the server's certificate.",
    helpValue: "NAME"
  }),
  token: string({ helpGroup, summary: "Bearer token to authenticate with.", helpValue: "TOKEN" }),
  username: string({ helpGroup, summary: "User name for basic authentication.", helpValue: "NAME" }),
  password: string({ helpGroup, summary: "Password for basic authentication.", helpValue: "PASSWORD" }),
  "client-certificate": string({
    helpGroup,
    summary: "Path to a client certificate file to authenticate with.",
    helpValue: "FILE"
  }),
  "client-key": string({
    helpGroup,
    summary: "Path to the client certificate's key file.",
    helpValue: "FILE"
  }),
  "disable-compression": boolean({ helpGroup, summary: "Do not ask the server for compressed responses." }),
  "cache-dir": string({
    helpGroup,
    summary: "Accepted for compatibility; no responses are cached on disk.",
    helpValue: "FOLDER"
  }),
  "request-timeout": durationFlag({
    helpGroup,
    summary: "Timeout for a single server request, e.g. 30s; 0 means no timeout.",
    helpValue: "DURATION"
  }),
  color: option({
    helpGroup,
    summary: "When to use colors: auto (only on a terminal), always or never.",
    options: ["auto", "always", "never"] as const,
    default: "auto"
  })(),
  v: integer({
    helpGroup,
    char: "v",
    summary: "Verbosity: 1 and above prints the number of requests and round trips to stderr.",
    helpValue: "LEVEL",
    default: 0
  })
}

type Flags = InferredFlags<typeof clusterFlags>

/**
 * The flags that select a cluster. Partial, because a command can use one of the names for something else.
 */
export type ClusterFlags = Partial<Omit<Flags, "v" | "color">>

/** The values of the flags that every command has. */
export type CommonFlags = ClusterFlags & Pick<Flags, "v">

/** Those that choose among clusters that exist. */
const choosing = Object.keys(clusterFlags).filter((name) => name !== "v" && name !== "color")

/** The flags of a command that chooses no cluster; `clusterFlag` says which of the others was given. */
export const withoutClusterFlags = <A extends object>(flags: A): A => ({
  ...Object.fromEntries(
    Object.entries(clusterFlags)
      .filter(([name]) => choosing.includes(name))
      .map(([name, flag]) => [name, { ...flag, hidden: true }])
  ),
  ...flags
})

/** The first flag given that chooses a cluster, but for these. */
export const clusterFlag = (given: object, own: ReadonlyArray<string>): string | undefined =>
  choosing.find((name) => {
    const value: unknown = Reflect.get(given, name)
    return !own.includes(name) && value !== undefined && value !== false
  })
