/** The kubeconfig of a served sandbox. It contains a token: only its owner can read it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { printYaml } from "@kubectl-stateful/sdk/Manifest"
import type { Served } from "./Server.ts"

/** The context's name, and its user's for the administrator. */
const name = "sandbox"

/** One context for each user, the administrator's current. */
export const kubeconfig = (served: Served, namespace: string): Effect.Effect<string> => {
  const named = served.logins.map(({ user, token }, index) => ({
    name: index === 0 ? name : `${name}-${user.name}`,
    token
  }))
  return printYaml({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name,
        cluster: {
          server: served.url,
          "certificate-authority-data": Buffer.from(served.certificate).toString("base64")
        }
      }
    ],
    users: named.map((login) => ({ name: login.name, user: { token: login.token } })),
    contexts: named.map((login) => ({
      name: login.name,
      context: { cluster: name, user: login.name, namespace }
    })),
    "current-context": name
  })
}

/** The file cannot be written. */
export class KubeconfigFileError extends Schema.TaggedError<KubeconfigFileError>()("KubeconfigFileError", {
  message: Schema.String,
  action: Schema.String
}) {}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "its folder is not there",
  ENOTDIR: "its folder is a file",
  EISDIR: "it is a folder",
  EACCES: "it may not be written there",
  EPERM: "it may not be written there",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full"
}

const refused = (file: string, cause: unknown, action: string): KubeconfigFileError => {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : ""
  return code === "EEXIST"
    ? new KubeconfigFileError({ message: `${file} exists`, action: "name a new file, or remove it" })
    : new KubeconfigFileError({
        message: `${file} cannot be written: ${reasons[code] ?? String(cause)}`,
        action
      })
}

const folder: Effect.Effect<string, KubeconfigFileError, Scope.Scope> = Effect.acquireRelease(
  Effect.tryPromise({
    try: () => mkdtemp(join(tmpdir(), "kubectl-stateful-sandbox-")),
    catch: (cause) =>
      refused(
        join(tmpdir(), "kubectl-stateful-sandbox"),
        cause,
        "name a file with --kubeconfig, or set TMPDIR"
      )
  }),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/**
 * Writes it to `path`, or into a temporary folder, and deletes it with the scope. An existing file is never
 * overwritten: it may be the kubeconfig of another cluster.
 */
export const kubeconfigFile = (
  text: string,
  path?: string
): Effect.Effect<string, KubeconfigFileError, Scope.Scope> =>
  Effect.gen(function* () {
    const file = path ?? join(yield* folder, "kubeconfig")
    yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => writeFile(file, text, { mode: 0o600, flag: "wx" }),
        catch: (cause) => refused(file === "" ? '""' : file, cause, "name another file")
      }),
      () => Effect.promise(() => rm(file, { force: true }))
    )
    return file
  })
