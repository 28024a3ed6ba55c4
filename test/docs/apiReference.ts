/** `docs/reference/api.md`: the concepts of the packages, from the comments at the top of their modules. */
import { dirname, join, normalize } from "node:path"
import { read } from "../house/sources.ts"
import { cell, page, table } from "./markdown.ts"

/** The first paragraph of the comment at the top of a module. */
export const purposeOf = (path: string): string =>
  (/^\/\*\*([\s\S]*?)\*\//.exec(read(path))?.[1] ?? "")
    .replaceAll(/^\s*\*[ \t]?/gm, "")
    .trim()
    .split(/\n\s*\n/)[0]
    ?.replaceAll(/\s+/g, " ") ?? ""

/** What a module exports by name, types left out. */
export const exportsOf = (path: string): ReadonlyArray<string> => {
  const text = read(path)
  const own = [...text.matchAll(/^export (?:abstract )?(?:const|function|class) (\w+)/gm)]
  const passedOn = [...text.matchAll(/^export \{([^}]*)\} from/gm)].flatMap(([, names = ""]) => [
    ...names.matchAll(/(?:^|,)\s*(?!type )(?:\w+ as )?(\w+)/g)
  ])
  return [...new Set([...own, ...passedOn].map(([, name = ""]) => name))]
}

const index = "packages/sdk/src/index.ts"

/** Each concept of the SDK: its name, and its module. */
export const concepts: ReadonlyArray<{ readonly name: string; readonly path: string }> = [
  ...read(index).matchAll(/^export \* as (\w+) from "(.+?)"$/gm)
].map(([, name = "", from = ""]) => ({ name, path: normalize(join(dirname(index), from)) }))

const named = (names: ReadonlyArray<string>): string => names.map((name) => `\`${name}\``).join(", ")

/** The page. */
export const apiReference = (): string =>
  page("API", [
    'The concepts of `@kubectl-stateful/sdk`. Each is a namespace of the main entry (`import { State } from "@kubectl-stateful/sdk"`) and an entry of its own by the path of its module (`@kubectl-stateful/sdk/State`, `@kubectl-stateful/sdk/operation/Journal`), which loads less. Your editor shows types and comments.',
    "Programs with Promises use one entry, `@kubectl-stateful/sdk/promise`: [guide](../sdk-promise.md). The live cluster is `@kubectl-stateful/sdk/kubernetes`.",
    table(
      ["Concept", "What it is", "Functions and values"],
      concepts.map(({ name, path }) => [
        `[\`${name}\`](../../${path})`,
        cell(purposeOf(path)),
        named(exportsOf(path))
      ])
    ),
    "The entries of `@kubectl-stateful/sandbox` are listed in [its README](../../packages/sandbox/README.md#use-it)."
  ])
