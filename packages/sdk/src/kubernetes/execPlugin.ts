/**
 * Credentials from a command (`users[].exec`): run without a shell, kept until
 * they expire, never logged.
 *
 * Source: kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { spawn } from "node:child_process"
import { isatty } from "node:tty"
import type { ClusterError } from "../Cluster.ts"
import { type ClusterEntry, configFault, type ExecPlugin } from "./kubeconfig.ts"

/** The credential from a plugin. It stays in memory. */
export interface ExecCredential {
  readonly token: string | null
  readonly certificate: { readonly cert: string; readonly key: string } | null
  /** Epoch milliseconds; null lasts until a 401. */
  readonly expires: number | null
}

const maxOutput = 1024 * 1024

/** The information for the plugin about the cluster and about this client. */
const execInfo = (
  plugin: ExecPlugin,
  cluster: ClusterEntry,
  interactive: boolean,
  authority: Buffer | null
) => ({
  apiVersion: plugin.apiVersion,
  kind: "ExecCredential",
  spec: {
    interactive,
    ...(plugin.provideClusterInfo
      ? {
          cluster: {
            server: cluster.server,
            ...(cluster.serverName === null ? {} : { "tls-server-name": cluster.serverName }),
            ...(cluster.insecure ? { "insecure-skip-tls-verify": true } : {}),
            ...(authority === null ? {} : { "certificate-authority-data": authority.toString("base64") }),
            ...(cluster.proxyUrl === null ? {} : { "proxy-url": cluster.proxyUrl }),
            ...(cluster.compression ? {} : { "disable-compression": true }),
            ...(cluster.execConfig === undefined ? {} : { config: cluster.execConfig })
          }
        }
      : {})
  }
})

const text = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null)

const decode = (plugin: ExecPlugin, output: string): Effect.Effect<ExecCredential, ClusterError> => {
  const fault = (what: string) =>
    Effect.fail(
      configFault(`exec plugin ${plugin.command}: ${what}`, "run the plugin by hand to see what it prints")
    )
  // The output is a credential: no part of it is in a message.
  let parsed: unknown
  try {
    parsed = JSON.parse(output)
  } catch {
    return fault("its output is not JSON")
  }
  if (!Predicate.hasProperty(parsed, "kind") || parsed.kind !== "ExecCredential") {
    return fault("its output is not an ExecCredential")
  }
  if (!Predicate.hasProperty(parsed, "apiVersion") || parsed.apiVersion !== plugin.apiVersion) {
    return fault(`it answered in another version than ${plugin.apiVersion}`)
  }
  const status: Readonly<Record<string, unknown>> =
    Predicate.hasProperty(parsed, "status") && Predicate.isObject(parsed.status) ? parsed.status : {}
  const token = text(status["token"])
  const cert = text(status["clientCertificateData"])
  const key = text(status["clientKeyData"])
  if ((cert === null) !== (key === null))
    return fault("it gave a certificate without its key, or the reverse")
  if (token === null && cert === null) return fault("it gave neither a token nor a certificate")
  const expires = Date.parse(text(status["expirationTimestamp"]) ?? "")
  return Effect.succeed({
    token,
    certificate: cert === null || key === null ? null : { cert, key },
    expires: Number.isNaN(expires) ? null : expires
  })
}

/** Runs the plugin once. Interrupting ends its process. */
export const runExecPlugin = (
  plugin: ExecPlugin,
  cluster: ClusterEntry,
  authority: Buffer | null,
  environment: Readonly<Record<string, string | undefined>>
): Effect.Effect<ExecCredential, ClusterError> => {
  const terminal = isatty(0)
  if (plugin.interactiveMode === "Always" && !terminal) {
    return Effect.fail(
      configFault(
        `exec plugin ${plugin.command} needs a terminal, and standard input is none`,
        "run this in a terminal"
      )
    )
  }
  const interactive = terminal && plugin.interactiveMode !== "Never"
  return Effect.callback<string, ClusterError>((resume) => {
    const child = spawn(plugin.command, [...plugin.args], {
      shell: false,
      stdio: [interactive ? "inherit" : "ignore", "pipe", "inherit"],
      env: {
        ...environment,
        ...Object.fromEntries(plugin.env),
        KUBERNETES_EXEC_INFO: JSON.stringify(execInfo(plugin, cluster, interactive, authority))
      }
    })
    let output = ""
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk
      if (output.length > maxOutput) child.kill()
    })
    child.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "ENOENT" ? "executable not found" : `cannot be run: ${error.code ?? "unknown"}`
      resume(
        Effect.fail(
          configFault(
            `exec plugin ${plugin.command}: ${why}`,
            plugin.installHint?.replaceAll(/\s+/g, " ").trim() ??
              "install it, or correct the user's exec.command in the kubeconfig"
          )
        )
      )
    })
    child.once("close", (code, signal) => {
      resume(
        code === 0
          ? Effect.succeed(output)
          : Effect.fail(
              configFault(
                `exec plugin ${plugin.command} failed with ${code === null ? `signal ${signal}` : `exit code ${code}`}`,
                "its own error is above; run it by hand to see more"
              )
            )
      )
    })
    return Effect.sync(() => {
      child.kill()
    })
  }).pipe(Effect.flatMap((output) => decode(plugin, output)))
}
