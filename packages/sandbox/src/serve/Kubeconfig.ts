/** The kubeconfig of a served sandbox. It contains a token: only its owner can read it. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { lstat, mkdtemp, open, readFile, rm, rmdir } from "node:fs/promises"
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
  // With a file of somebody else's in it, it stays.
  (path) => Effect.ignore(Effect.tryPromise(() => rmdir(path)))
)

/** Writes it as a new file, or leaves none. */
const write = async (file: string, text: string): Promise<void> => {
  const opened = await open(file, "wx", 0o600)
  try {
    await opened.writeFile(text).finally(() => opened.close())
  } catch (error) {
    await rm(file, { force: true })
    throw error
  }
}

type Found = "unchanged" | "changed" | "gone"

/** What became of a file with this text. Not every file can be read to its end: a pipe has none. */
const found = async (file: string, text: string): Promise<Found> => {
  try {
    const status = await lstat(file)
    const isOurs = status.isFile() && status.size === Buffer.byteLength(text)
    return isOurs && (await readFile(file, "utf8")) === text ? "unchanged" : "changed"
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT" ? "gone" : "changed"
  }
}

/**
 * Writes it to `path`, or into a temporary folder, and deletes it with the scope. An existing file is never
 * overwritten, and one that was changed since is not deleted: it may be the kubeconfig of another cluster, as
 * programs that log in to one write to `$KUBECONFIG`. `kept` is called with such a file.
 */
export const kubeconfigFile = (
  text: string,
  path?: string,
  kept: (file: string) => void = () => {}
): Effect.Effect<string, KubeconfigFileError, Scope.Scope> =>
  Effect.gen(function* () {
    const file = path ?? join(yield* folder, "kubeconfig")
    yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => write(file, text),
        catch: (cause) => refused(file === "" ? '""' : file, cause, "name another file")
      }),
      () =>
        Effect.promise(async () => {
          const now = await found(file, text)
          if (now === "unchanged") await rm(file, { force: true })
          else if (now === "changed") kept(file)
        })
    )
    return file
  })
