/**
 * The applications that a command line selects: `NAME...`, `TYPE/NAME...`, `TYPE NAME...`, `-l SELECTOR` or
 * none.
 */
import { Usage } from "./usage.ts"

/** One application: a StatefulSet by its name, or workloads by their labels. */
export type AppTarget =
  | {
      readonly _tag: "Named"
      readonly name: string
      /** Absent: that of the command line. */
      readonly namespace?: string
    }
  | { readonly _tag: "Selected"; readonly selector: string }

/** Applications, or every StatefulSet of the namespace or the cluster. */
export type Target =
  | { readonly _tag: "Apps"; readonly apps: readonly [AppTarget, ...ReadonlyArray<AppTarget>] }
  | { readonly _tag: "All"; readonly allNamespaces: boolean }

/** The words on the command line. */
export interface Words {
  readonly words: ReadonlyArray<string>
  readonly selector?: string | undefined
  readonly allNamespaces?: boolean
}

/** kubectl's names of the type StatefulSet. */
export const setTypes = /^(statefulsets?|sts)(\.(v1\.)?apps)?$/i

/** kubectl's names of other kinds that users describe, so that such a type is not taken for a name. */
const otherTypes =
  /^(po|pods?|deploy(ments?)?|ds|daemonsets?|rs|replicasets?|svc|services?|pvc|persistentvolumeclaims?|jobs?|cronjobs?|cm|configmaps?|secrets?|no|nodes?|ns|namespaces?)(\.[a-z0-9.]+)?$/i

const wrongKind = (type: string, name: string): Usage =>
  new Usage(
    `"${type}/${name}" is not a StatefulSet`,
    "name a StatefulSet, or all of an application's workloads by their labels with -l"
  )

/** `TYPE/NAME` as its name. */
const nameIn = (word: string): string => {
  const [type = "", ...rest] = word.split("/")
  const name = rest.join("/")
  if (!setTypes.test(type)) throw wrongKind(type, name)
  return name
}

/** `a b`, `TYPE a b` or `TYPE/a TYPE/b`; without the type, nothing where only that was typed. */
const typedNames = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [first = "", ...rest] = words
  if (words.some((word) => word.includes("/"))) {
    const bare = words.find((word) => !word.includes("/"))
    if (bare !== undefined)
      throw new Usage(
        `${bare} has no type, and ${words.find((word) => word.includes("/"))} has one`,
        "write either all names as TYPE/NAME, or none"
      )
    return words.map(nameIn)
  }
  if (setTypes.test(first)) return rest
  if (rest[0] !== undefined && otherTypes.test(first)) throw wrongKind(first, rest[0])
  return words
}

/** Parses the words as kubectl does; throws a Usage if they are invalid. */
export const target = ({ words, selector, allNamespaces = false }: Words): Target => {
  const names = typedNames(words)
  if (names.includes("")) throw new Usage("the name is empty", "write it as TYPE/NAME or NAME")
  const [first, ...more] = [...new Set(names)].map((name) => ({ _tag: "Named", name }) as const)
  if (first !== undefined) {
    if (allNamespaces)
      throw new Usage("a resource cannot be retrieved by name across all namespaces", "use -n instead of -A")
    if (selector !== undefined)
      throw new Usage("name and selector cannot both be given", "leave out one of the two")
    return { _tag: "Apps", apps: [first, ...more] }
  }
  if (selector === undefined) return { _tag: "All", allNamespaces }
  if (allNamespaces)
    throw new Usage("-l selects one application, in one namespace", "use -n instead of -A with -l")
  return { _tag: "Apps", apps: [{ _tag: "Selected", selector }] }
}

/** The same for a command about one application; `example` is how it is called. */
export const appTarget = (typed: Words, example: string): AppTarget => {
  const found = target(typed)
  if (found._tag === "All") throw new Usage("resource name or -l SELECTOR is required", `e.g. ${example}`)
  const [app, ...more] = found.apps
  if (more.length > 0)
    throw new Usage(`${found.apps.length} names, but one application at a time`, `e.g. ${example}`)
  return app
}

/** The StatefulSets that are named, in their order. */
export const setNames = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const wanted = target({ words })
  const names =
    wanted._tag === "All" ? [] : wanted.apps.flatMap((app) => (app._tag === "Named" ? [app.name] : []))
  if (names.length === 0) throw new Usage("resource name is required", "name a StatefulSet, e.g. sts/db")
  return names
}

/** The one StatefulSet that is named; `example` is how the command is called. */
export const setName = (words: ReadonlyArray<string>, example: string): string => {
  const [name = "", ...more] = setNames(words)
  if (more.length > 0)
    throw new Usage(`${more.length + 1} names, but one StatefulSet at a time`, `e.g. ${example}`)
  return name
}
