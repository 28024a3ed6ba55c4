/** The repository's own sources, as the house rules read them. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join, normalize, relative } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

/** Tracked and new files below a folder, by path from the root. */
export const files = (...folders: ReadonlyArray<string>): ReadonlyArray<string> =>
  execFileSync("git", ["ls-files", "-co", "--exclude-standard", "--", ...folders], {
    cwd: root,
    encoding: "utf8"
  })
    .split("\n")
    .filter((path) => path !== "")

export const read = (path: string): string => readFileSync(join(root, path), "utf8")

export interface Import {
  readonly from: string
  /** As written. */
  readonly specifier: string
  /** A path from the root for a relative import, else null. */
  readonly target: string | null
  /** True: erased before anything runs. */
  readonly typeOnly: boolean
}

const statement =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?"([^"]+)"|import\(\s*"([^"]+)"\s*\)/g

/** Every static and dynamic import of a file. */
export const importsOf = (path: string): ReadonlyArray<Import> =>
  [...read(path).matchAll(statement)].map((match) => {
    const specifier = match[2] ?? match[3] ?? ""
    return {
      from: path,
      specifier,
      target: specifier.startsWith(".")
        ? relative(root, join(root, normalize(join(dirname(path), specifier))))
        : null,
      typeOnly: match[1] !== undefined
    }
  })

/** The source without comments, so that a rule does not trip over prose. */
export const code = (path: string): string =>
  read(path)
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/(^|\s)\/\/.*$/gm, "$1")
