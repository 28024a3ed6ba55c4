/**
 * kubeconfig as kubectl reads it: its merge, and its entries.
 *
 * Source: kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { readFile } from "node:fs/promises"
import * as Path from "node:path"
import { ClusterError } from "../Cluster.ts"
import { shellWord } from "../ShellWord.ts"

/** kubectl's flags that choose a cluster, each with kubectl's meaning. */
export interface KubeconfigOptions {
  /** Only this file, which must exist; `$KUBECONFIG` is then ignored. */
  readonly kubeconfig?: string
  readonly context?: string
  readonly cluster?: string
  readonly user?: string
  readonly namespace?: string
  /** Impersonation: `--as`, `--as-uid`, `--as-group`. */
  readonly as?: string
  readonly asUid?: string
  readonly asGroups?: ReadonlyArray<string>
  /** Impersonation: `--as-user-extra`, the values of each key. */
  readonly asUserExtra?: Readonly<Record<string, ReadonlyArray<string>>>
  /** The API server's URL. With it no kubeconfig is needed. */
  readonly server?: string
  /** A file with the certificates that may sign the server's. */
  readonly certificateAuthority?: string
  /** Accept any certificate from the server, so that anyone on the way can read and change what is sent. */
  readonly insecureSkipTlsVerify?: boolean
  /** The host name that the server's certificate must have. Default: that of the URL. */
  readonly tlsServerName?: string
  readonly disableCompression?: boolean
  /** A bearer token. It takes the place of the kubeconfig user's own ways to authenticate, as the next four do. */
  readonly token?: string
  readonly username?: string
  readonly password?: string
  /** Files in PEM. */
  readonly clientCertificate?: string
  readonly clientKey?: string
  /** Default: the environment of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

export type Entry = Readonly<Record<string, unknown>>

/** One file, its paths made absolute. */
export interface Kubeconfig {
  readonly clusters: ReadonlyMap<string, Entry>
  readonly users: ReadonlyMap<string, Entry>
  readonly contexts: ReadonlyMap<string, Entry>
  readonly currentContext: string | null
}

/** The connection to the server. Files are named, not read. */
export interface ClusterEntry {
  readonly server: string
  readonly authority: Bytes | null
  readonly insecure: boolean
  readonly serverName: string | null
  readonly proxyUrl: string | null
  readonly compression: boolean
  /** The extension that exec plugins get; undefined for none. */
  readonly execConfig?: unknown
}

/** Bytes in the kubeconfig itself or in a file of their own. The former take precedence. */
export type Bytes =
  | { readonly _tag: "Data"; readonly base64: string }
  | { readonly _tag: "File"; readonly path: string }

/** A command that prints an `ExecCredential`. */
export interface ExecPlugin {
  readonly apiVersion: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: ReadonlyArray<readonly [string, string]>
  readonly installHint: string | null
  readonly provideClusterInfo: boolean
  readonly interactiveMode: string
}

/** A credential as a source gives it. `expires`: in milliseconds since 1970; null: never. */
export interface Given {
  readonly token: string | null
  readonly certificate: { readonly cert: string | Buffer; readonly key: string | Buffer } | null
  readonly expires: number | null
  /** By lower-case names. Default: what comes of the token. */
  readonly headers?: Readonly<Record<string, string>>
}

/** The user. */
export interface UserEntry {
  readonly certificate: Bytes | null
  readonly key: Bytes | null
  readonly token: string | null
  readonly tokenFile: string | null
  readonly basic: { readonly username: string; readonly password: string } | null
  readonly exec: ExecPlugin | null
  readonly authProvider: { readonly name: string; readonly config: Entry } | null
  /** A credential that is none of a kubeconfig's: its program gets it. Default: there is none. */
  readonly asked?: Effect.Effect<Given, ClusterError>
  readonly impersonate: {
    readonly user: string
    readonly uid: string | null
    readonly groups: ReadonlyArray<string>
    readonly extra: ReadonlyArray<readonly [string, ReadonlyArray<string>]>
  } | null
}

/** The result of a kubeconfig and the flags. */
export interface Access {
  readonly context: string | null
  readonly namespace: string
  readonly clusterName: string | null
  readonly userName: string | null
  readonly cluster: ClusterEntry
  readonly user: UserEntry
}

const oneLine = (text: string): string => text.replaceAll(/\p{Cc}+/gu, " ")

/** The kubeconfig is invalid, and no request was sent. A name with a line break still gives one line. */
export const configFault = (message: string, action: string): ClusterError =>
  new ClusterError({ reason: { _tag: "Config" }, message: oneLine(message), action: oneLine(action) })

/** A command on the file that was read; $KUBECONFIG is the shell's own. */
export const kubectlConfig = ({ kubeconfig = "" }: KubeconfigOptions, what: string): string =>
  `kubectl config ${what}${kubeconfig === "" ? "" : ` --kubeconfig ${shellWord(kubeconfig)}`}`

const wrongType = (what: string, wanted: string): ClusterError =>
  configFault(`kubeconfig: ${what} is not ${wanted}`, "correct it in the kubeconfig")

// Values are named by their place, never shown: a misplaced token would be.
export const reader = (entry: Entry, place: string) => {
  const text = (key: string): string | null => {
    const value = entry[key] ?? null
    if (value === null || value === "") return null
    if (typeof value !== "string") throw wrongType(`${place}.${key}`, "a text")
    return value
  }
  const flag = (key: string): boolean => {
    const value = entry[key] ?? false
    if (typeof value !== "boolean") throw wrongType(`${place}.${key}`, "true or false")
    return value
  }
  const list = (key: string): ReadonlyArray<unknown> => {
    const value = entry[key] ?? []
    if (!Array.isArray(value)) throw wrongType(`${place}.${key}`, "a list")
    return value
  }
  const texts = (key: string): ReadonlyArray<string> =>
    list(key).map((value) => {
      if (typeof value !== "string") throw wrongType(`${place}.${key}`, "a list of texts")
      return value
    })
  const record = (key: string): Entry | null => {
    const value = entry[key] ?? null
    if (value === null) return null
    if (!isEntry(value)) throw wrongType(`${place}.${key}`, "a mapping")
    return value
  }
  const bytes = (data: string, file: string): Bytes | null => {
    const base64 = text(data)
    const path = text(file)
    if (base64 !== null) return { _tag: "Data", base64 }
    return path === null ? null : { _tag: "File", path }
  }
  return { text, flag, list, texts, record, bytes }
}

export const isEntry = (value: unknown): value is Entry => Predicate.isObject(value) && !Array.isArray(value)

const pathKeys = {
  cluster: ["certificate-authority"],
  user: ["client-certificate", "client-key", "tokenFile"],
  context: []
}

/** Relative paths are relative to their file; a plugin's command only if it has a separator, else $PATH finds it. */
const absolute = (kind: keyof typeof pathKeys, entry: Entry, folder: string): Entry => {
  const result: Record<string, unknown> = { ...entry }
  for (const key of pathKeys[kind]) {
    const value = result[key]
    if (typeof value === "string" && value !== "") result[key] = Path.resolve(folder, value)
  }
  const exec = result["exec"]
  if (kind === "user" && isEntry(exec) && typeof exec["command"] === "string") {
    const command = exec["command"]
    if (command.includes(Path.sep)) result["exec"] = { ...exec, command: Path.resolve(folder, command) }
  }
  return result
}

const named = (root: Entry, plural: string, kind: keyof typeof pathKeys, file: string) => {
  const folder = Path.dirname(Path.resolve(file))
  const entries = new Map<string, Entry>()
  for (const item of reader(root, "kubeconfig").list(plural)) {
    if (!isEntry(item)) throw wrongType(`an item of ${plural}`, "a mapping")
    const name = reader(item, plural).text("name")
    if (name === null) continue
    // Of two files the first that names a thing wins. Within one, which of two is meant is anybody's guess.
    if (entries.has(name)) {
      throw configFault(
        `error loading config file "${file}": it has two ${plural} named "${name}"`,
        "rename one of them, or list the files that they came from in $KUBECONFIG"
      )
    }
    entries.set(name, absolute(kind, reader(item, `${plural} ${name}`).record(kind) ?? {}, folder))
  }
  return entries
}

/** One parsed document as a kubeconfig; null (an empty file) is an empty one. `file` gives relative paths a place. */
export const fromDocument = (document: unknown, file: string): Effect.Effect<Kubeconfig, ClusterError> =>
  attempt(() => {
    if (document !== null && !isEntry(document)) throw wrongType(file, "a kubeconfig")
    const root = document ?? {}
    return {
      clusters: named(root, "clusters", "cluster", file),
      users: named(root, "users", "user", file),
      contexts: named(root, "contexts", "context", file),
      currentContext: reader(root, "kubeconfig").text("current-context")
    }
  })

/** Runs a reader of plain data, which throws its fault. */
export const attempt = <A>(read: () => A): Effect.Effect<A, ClusterError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(read())
    } catch (error) {
      return error instanceof ClusterError ? Effect.fail(error) : Effect.die(error)
    }
  })

/** The first file that names a thing wins the whole of it: nothing of a later one is mixed in. */
export const merge = (files: ReadonlyArray<Kubeconfig>): Kubeconfig => {
  const first = (pick: (file: Kubeconfig) => ReadonlyMap<string, Entry>) =>
    new Map(files.toReversed().flatMap((file) => [...pick(file)]))
  return {
    clusters: first((file) => file.clusters),
    users: first((file) => file.users),
    contexts: first((file) => file.contexts),
    currentContext: files.find((file) => file.currentContext !== null)?.currentContext ?? null
  }
}

/** kubectl takes a bare host and port for https where TLS is set up, and else for http. */
const withScheme = (server: string, isSecure: boolean): string =>
  server.includes("://") ? server : `${isSecure ? "https" : "http"}://${server}`

/** The name of the extension of a cluster that is for exec plugins. */
const forPlugins = "client.authentication.k8s.io/exec"

export const clusterEntry = (entry: Entry, name: string, options: KubeconfigOptions): ClusterEntry => {
  const { text, flag, list, bytes } = reader(entry, `cluster ${name}`)
  const server = text("server")
  if (server === null) {
    throw configFault(
      `cluster "${name}" has no server`,
      `set it: ${kubectlConfig(options, `set-cluster ${shellWord(name)} --server=URL`)}`
    )
  }
  const authority = bytes("certificate-authority-data", "certificate-authority")
  const insecure = flag("insecure-skip-tls-verify")
  if (insecure && authority !== null) {
    throw configFault(
      `cluster "${name}": a certificate authority together with insecure-skip-tls-verify is not allowed`,
      "remove one of the two"
    )
  }
  return {
    server: withScheme(server, authority !== null || insecure),
    authority,
    insecure,
    serverName: text("tls-server-name"),
    proxyUrl: text("proxy-url"),
    compression: !flag("disable-compression"),
    execConfig: list("extensions")
      .filter(isEntry)
      .find((each) => each["name"] === forPlugins)?.["extension"]
  }
}

const execPlugin = (entry: Entry, user: string): ExecPlugin => {
  const { text, texts, flag, list } = reader(entry, `user ${user}.exec`)
  const command = text("command")
  if (command === null) {
    throw configFault(`user "${user}": exec names no command`, "correct the user in the kubeconfig")
  }
  return {
    command,
    apiVersion: text("apiVersion") ?? "client.authentication.k8s.io/v1",
    args: texts("args"),
    env: list("env").map((item) => {
      const { text } = reader(isEntry(item) ? item : {}, `user ${user}.exec.env`)
      return [text("name") ?? "", text("value") ?? ""] as const
    }),
    installHint: text("installHint"),
    provideClusterInfo: flag("provideClusterInfo"),
    interactiveMode: text("interactiveMode") ?? "IfAvailable"
  }
}

export const userEntry = (entry: Entry, name: string, options: KubeconfigOptions): UserEntry => {
  const { text, record, bytes } = reader(entry, `user ${name}`)
  const certificate = bytes("client-certificate-data", "client-certificate")
  const key = bytes("client-key-data", "client-key")
  if ((certificate === null) !== (key === null)) {
    const missing = certificate === null ? "client-certificate" : "client-key"
    throw configFault(`user "${name}" has no ${missing}`, "a client certificate needs a client key")
  }
  const exec = record("exec")
  const provider = record("auth-provider")
  const username = text("username")
  return {
    certificate,
    key,
    token: text("token"),
    tokenFile: text("tokenFile"),
    basic: username === null ? null : { username, password: text("password") ?? "" },
    exec: exec === null ? null : execPlugin(exec, name),
    authProvider:
      provider === null
        ? null
        : {
            name: reader(provider, `user ${name}.auth-provider`).text("name") ?? "",
            config: reader(provider, `user ${name}.auth-provider`).record("config") ?? {}
          },
    impersonate: impersonate(entry, name, options)
  }
}

/** Whom to act as: the flags' word, else the user entry's. */
const impersonate = (entry: Entry, name: string, options: KubeconfigOptions): UserEntry["impersonate"] => {
  const { text, texts, record } = reader(entry, `user ${name}`)
  const user = options.as ?? text("as")
  const uid = options.asUid ?? text("as-uid")
  const groups = options.asGroups ?? texts("as-groups")
  const extra = options.asUserExtra ?? record("as-user-extra") ?? {}
  if (user === null) {
    if (uid === null && groups.length === 0 && Object.keys(extra).length === 0) return null
    throw configFault("impersonating a group or uid needs a user", "add --as")
  }
  const place = `user ${name}.as-user-extra`
  return { user, uid, groups, extra: Object.keys(extra).map((key) => [key, reader(extra, place).texts(key)]) }
}

/** No file at all. */
export const emptyKubeconfig: Kubeconfig = {
  clusters: new Map(),
  users: new Map(),
  contexts: new Map(),
  currentContext: null
}

/** The bytes of a certificate, a key or an authority. `what` names it in the error. */
export const readBytes = (bytes: Bytes, what: string): Effect.Effect<Buffer, ClusterError> =>
  bytes._tag === "Data"
    ? Effect.sync(() => Buffer.from(bytes.base64, "base64"))
    : Effect.tryPromise({
        try: () => readFile(bytes.path),
        catch: (error) =>
          configFault(
            `${what} ${bytes.path} cannot be read: ${Predicate.hasProperty(error, "code") ? String(error.code) : "unreadable"}`,
            "correct the path in the kubeconfig"
          )
      })
