/** The files that kubectl would read, of which one kubeconfig is made; and what is said where none of them is there. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { readFile } from "node:fs/promises"
import { homedir } from "node:os"
import * as Path from "node:path"
import type { ClusterError } from "../Cluster.ts"
import { parseYaml, textOf } from "../Manifest.ts"
import { configFault, fromDocument, type Kubeconfig, type KubeconfigOptions, merge } from "./kubeconfig.ts"

/** The files that $KUBECONFIG lists, each once. */
const listedIn = ({ environment = process.env }: KubeconfigOptions): ReadonlyArray<string> => [
  ...new Set((environment["KUBECONFIG"] ?? "").split(Path.delimiter).filter((file) => file !== ""))
]

/** The way out where files do not exist: a ~ within quotes, or behind `=`, arrives as it was typed. */
const wayOut = (files: ReadonlyArray<string>, otherwise: string): string =>
  files.some((file) => file.startsWith("~"))
    ? "write $HOME in place of ~, which the shell left as it is"
    : otherwise

/** None of the files that kubectl would read is there. */
export const noneFound = (options: KubeconfigOptions): ClusterError => {
  const listed = listedIn(options)
  return listed.length === 0
    ? configFault(
        "no kubeconfig found",
        "set $KUBECONFIG, name one with --kubeconfig, or put one at ~/.kube/config"
      )
    : configFault(
        `no kubeconfig found: $KUBECONFIG names ${listed.join(" and ")}, which ${listed.length === 1 ? "does" : "do"} not exist`,
        wayOut(listed, "correct $KUBECONFIG, or name a file with --kubeconfig")
      )
}

const readOne = Effect.fnUntraced(function* (
  file: string,
  mustExist: boolean
): Effect.fn.Return<Kubeconfig | null, ClusterError> {
  const text = yield* Effect.tryPromise({
    try: async () => textOf(await readFile(file)),
    catch: (error) => (Predicate.hasProperty(error, "code") ? String(error.code) : "unreadable")
  }).pipe(
    Effect.catch((code) =>
      code === "ENOENT" && !mustExist
        ? Effect.succeed(null)
        : Effect.fail(
            configFault(
              code === "ENOENT"
                ? `kubeconfig ${file}: no such file or directory`
                : `kubeconfig ${file} cannot be read: ${code}`,
              wayOut([file], "name a readable file with --kubeconfig or $KUBECONFIG")
            )
          )
    )
  )
  if (text === null) return null
  const document = yield* parseYaml(text, { asKubectl: true }).pipe(
    Effect.mapError((error) =>
      configFault(`error loading config file "${file}": ${error.message}`, "correct the file")
    )
  )
  return yield* fromDocument(document, file)
})

/** `~/.kube/config`; none for a user who has no home, as one whom no account stands for. */
const usual = (environment: Readonly<Record<string, string | undefined>>): ReadonlyArray<string> => {
  try {
    return [Path.join(environment["HOME"] ?? homedir(), ".kube", "config")]
  } catch {
    return []
  }
}

/**
 * The kubeconfig that kubectl would use, merged; `null` if there is none (then kubectl checks whether it runs
 * inside a cluster).
 */
export const load = Effect.fnUntraced(function* (
  options: KubeconfigOptions
): Effect.fn.Return<Kubeconfig | null, ClusterError> {
  if (options.kubeconfig !== undefined && options.kubeconfig !== "") {
    return yield* readOne(options.kubeconfig, true)
  }
  const environment = options.environment ?? process.env
  const listed = listedIn(options)
  const files = listed.length > 0 ? listed : usual(environment)
  const read = yield* Effect.forEach(files, (file) => readOne(file, false))
  const found = read.filter((file) => file !== null)
  return found.length === 0 ? null : merge(found)
})
