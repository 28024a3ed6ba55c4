/** The applications that a command line selects: `NAME`, `TYPE/NAME`, `TYPE NAME`, `-l SELECTOR` or none. */
import { Usage } from "./usage.ts"

/** One StatefulSet, one application by labels, or every StatefulSet of the namespace or the cluster. */
export type Target =
  | { readonly _tag: "Named"; readonly name: string }
  | { readonly _tag: "Selected"; readonly selector: string }
  | { readonly _tag: "All"; readonly allNamespaces: boolean }

/** The words on the command line. */
export interface Words {
  readonly first?: string | undefined
  readonly second?: string | undefined
  readonly selector?: string | undefined
  readonly allNamespaces: boolean
}

const types = /^(statefulsets?|sts)(\.(v1\.)?apps)?$/i

/** kubectl's names of other kinds that people describe, so that a type alone is not taken for a name. */
const otherTypes =
  /^(po|pods?|deploy(ments?)?|ds|daemonsets?|rs|replicasets?|svc|services?|pvc|persistentvolumeclaims?|jobs?|cronjobs?|cm|configmaps?|secrets?|no|nodes?|ns|namespaces?)(\.[a-z0-9.]+)?$/i

const wrongKind = (type: string, name: string): Usage =>
  new Usage(
    `"${type}/${name}" is not a StatefulSet`,
    "name a StatefulSet, or all of an application's workloads by their labels with -l"
  )

const named = (name: string, words: Words): Target => {
  if (words.allNamespaces) {
    throw new Usage("a resource cannot be retrieved by name across all namespaces", "use -n instead of -A")
  }
  if (words.selector !== undefined) {
    throw new Usage("name and selector cannot both be given", "leave out one of the two")
  }
  if (name === "") throw new Usage("the name is empty", "write it as TYPE/NAME or NAME")
  return { _tag: "Named", name }
}

/** Parses the words as kubectl does; throws a Usage if they are invalid. */
export const target = (words: Words): Target => {
  const { first, second } = words
  if (first === undefined || (second === undefined && types.test(first))) {
    if (words.selector === undefined) {
      return { _tag: "All", allNamespaces: words.allNamespaces }
    }
    if (words.allNamespaces) {
      throw new Usage("-l selects one application, in one namespace", "use -n instead of -A with -l")
    }
    return { _tag: "Selected", selector: words.selector }
  }
  if (first.includes("/")) {
    const [type = "", ...rest] = first.split("/")
    const name = rest.join("/")
    if (second !== undefined) {
      throw new Usage(`too many names: ${second}`, "describe one application at a time, or all with none")
    }
    if (!types.test(type)) throw wrongKind(type, name)
    return named(name, words)
  }
  if (second !== undefined) {
    if (types.test(first)) return named(second, words)
    if (otherTypes.test(first)) throw wrongKind(first, second)
    throw new Usage(`too many names: ${second}`, "describe one application at a time, or all with none")
  }
  return named(first, words)
}

/** One StatefulSet, or several as `TYPE/NAME` in their order. */
export const setNames = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const several = words.length > 1 && words.every((word) => word.includes("/"))
  const groups = several ? words.map((word) => [word]) : [words]
  return groups.map(([first, second, ...more]) => {
    if (more.length > 0) throw new Usage(`too many names: ${more.join(" ")}`, "write each as TYPE/NAME")
    const wanted = target({ first, second, allNamespaces: false })
    if (wanted._tag !== "Named")
      throw new Usage("resource name is required", "name a StatefulSet, e.g. sts/db")
    return wanted.name
  })
}
