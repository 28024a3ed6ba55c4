/** `-f FILE`: the StatefulSets that manifests name. */
import { createReadStream } from "node:fs"
import { stdin } from "node:process"
import { parseDocuments, textOf } from "@kubectl-stateful/sdk/Manifest"
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import { string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { type AppTarget, type Target, target } from "../command/target.ts"
import { Usage } from "../command/usage.ts"

export const filenameFlag = {
  filename: string({
    char: "f",
    summary: "File with the manifests of the StatefulSets, or - for standard input.",
    helpValue: "FILE"
  })
}

/** The maximum size of a manifest. */
const most = 16_000_000

const contentOf = async (file: string): Promise<string> => {
  const chunks: Array<Buffer> = []
  let size = 0
  try {
    for await (const chunk of file === "-" ? stdin : createReadStream(file)) {
      const bytes = Buffer.from(chunk)
      size += bytes.length
      if (size > most) throw new Usage(`${file} is larger than 16 MB`, "name a file with manifests")
      chunks.push(bytes)
    }
  } catch (error) {
    if (error instanceof Usage) throw error
    const code = Predicate.hasProperty(error, "code") ? String(error.code) : String(error)
    throw new Usage(`cannot read ${file}: ${code}`, "name a readable file, or - for standard input")
  }
  return textOf(Buffer.concat(chunks))
}

/** A List's items are documents of their own, as kubectl reads them, however deep lists are in lists. */
const objectsIn = (documents: ReadonlyArray<unknown>): ReadonlyArray<unknown> => {
  const objects: Array<unknown> = []
  const left = documents.toReversed()
  while (left.length > 0) {
    const document = left.pop()
    if (!Predicate.hasProperty(document, "items") || !Array.isArray(document.items)) objects.push(document)
    else for (const item of document.items.toReversed()) left.push(item)
  }
  return objects
}

/** Others have StatefulSets too: OpenKruise's is `apps.kruise.io/v1beta1`. */
const isStatefulSet = (object: unknown): object is object =>
  Predicate.hasProperty(object, "kind") &&
  object.kind === "StatefulSet" &&
  Predicate.hasProperty(object, "apiVersion") &&
  /^apps\/[^/]+$/.test(String(object.apiVersion))

const named = (
  object: unknown,
  namespace: string | undefined
): ReadonlyArray<AppTarget & { _tag: "Named" }> => {
  if (!isStatefulSet(object)) return []
  const { metadata } = { metadata: null, ...object }
  const text = (key: string): string | undefined => {
    const value: unknown = Predicate.isObject(metadata) ? Reflect.get(metadata, key) : undefined
    return typeof value === "string" && value !== "" ? value : undefined
  }
  const name = text("name")
  if (name === undefined) throw new Usage("a StatefulSet in the file has no name", "set its metadata.name")
  const own = text("namespace")
  if (own !== undefined && namespace !== undefined && own !== namespace)
    throw new Usage(
      `the namespace "${own}" of statefulset/${name} is not the given namespace "${namespace}"`,
      `use -n ${shellWord(own)}, or leave it out`
    )
  return [{ _tag: "Named", name, ...(own === undefined ? {} : { namespace: own }) }]
}

/** The StatefulSets of a file, in its order. */
export const setsIn = async (
  file: string,
  namespace: string | undefined
): Promise<readonly [AppTarget & { _tag: "Named" }, ...ReadonlyArray<AppTarget & { _tag: "Named" }>]> => {
  const documents = await Effect.runPromise(
    Effect.mapError(
      parseDocuments(await contentOf(file)),
      ({ message }) => new Usage(`${file}: ${message}`, "correct the file")
    )
  )
  const [first, ...more] = objectsIn(documents).flatMap((object) => named(object, namespace))
  if (first === undefined)
    throw new Usage(`${file} has no apps/v1 StatefulSet in it`, "name a file with a StatefulSet's manifest")
  return [first, ...more]
}

/** The flags that, in addition to the words, select applications. */
interface Flags {
  readonly filename?: string | undefined
  readonly namespace?: string | undefined
  readonly selector?: string | undefined
  readonly "all-namespaces": boolean
}

/** The applications that the words or a file name; throws a Usage if both do. */
export const targetOrFile = async (
  words: ReadonlyArray<string>,
  { filename, namespace, selector, "all-namespaces": allNamespaces }: Flags
): Promise<Target> => {
  if (filename === undefined) return target({ words, selector, allNamespaces })
  if (words.length > 0 || selector !== undefined || allNamespaces)
    throw new Usage("-f cannot be combined with names, -l or -A", "leave out one of the two")
  return { _tag: "Apps", apps: await setsIn(filename, namespace) }
}
