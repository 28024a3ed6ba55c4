import { basename, dirname } from "node:path"
import { assert, describe, it } from "vitest"
import { files, type Import, importsOf, read } from "./sources.ts"

const sdk = "packages/sdk/src/"
const parts = files(sdk)
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
  .map((path) => path.slice(sdk.length))

const isConcept = (path: string) => /^[A-Z]/.test(basename(path))

/** Both are entries of their own; so is the index of a folder. */
const isEntry = (path: string) => ["index.ts", "promise.ts"].includes(basename(path))

const folderOf = (path: string): string => (path.includes("/") ? (path.split("/")[0] ?? "") : "")

/** Parts that the folders of all verbs share; no program outside may use one. */
const shared: ReadonlySet<string> = new Set(["step", "wait"])

/** `scale/` is used by Scale.ts, `restore/` by Restore.ts, RestoreClone.ts and their like. */
const isFaceOf = (folder: string, path: string): boolean =>
  !path.includes("/") && path.toLowerCase().startsWith(folder)

const targetOf = ({ target, specifier }: Import): string | null =>
  target?.startsWith(sdk) === true
    ? target.slice(sdk.length)
    : specifier.startsWith("@kubectl-stateful/sdk/")
      ? `${specifier.slice("@kubectl-stateful/sdk/".length).replace(/^kubernetes$/, "kubernetes/index")}.ts`
      : null

const imports = files("packages")
  .filter((path) => /\/src\/.*\.ts$/.test(path))
  .flatMap(importsOf)

/** What `exports` of a package gives for a path, as Node resolves it: an exact key, else the longest pattern. */
const published = (exported: Readonly<Record<string, unknown>>, path: string): boolean => {
  if (path in exported) return exported[path] !== null
  const patterns = Object.keys(exported)
    .filter((key) => key.endsWith("*") && path.startsWith(key.slice(0, -1)))
    .toSorted((a, b) => b.length - a.length)
  return patterns[0] !== undefined && exported[patterns[0]] !== null
}

describe("a file's name says who may use it", () => {
  it("a capital name is a concept with a public path, and no other file has one", () => {
    const { exports } = JSON.parse(read("packages/sdk/package.json"))
    assert.deepEqual(
      parts.filter(
        (path) => !isEntry(path) && published(exports, `./${path.slice(0, -3)}`) !== isConcept(path)
      ),
      []
    )
  })

  it("a lower-case name is a part that only its own folder uses, and the file that has the folder's name", () => {
    assert.isAbove(imports.length, 1000)
    assert.deepEqual(
      imports.flatMap((edge) => {
        const target = targetOf(edge)
        if (target === null || isConcept(target) || isEntry(target)) return []
        const folder = folderOf(target)
        const from = edge.from.startsWith(sdk) ? edge.from.slice(sdk.length) : null
        const may =
          from !== null && (folderOf(from) === folder || isFaceOf(folder, from) || shared.has(folder))
        return may ? [] : [`${edge.from} -> ${target}`]
      }),
      []
    )
  })

  it("no part repeats its folder's name", () => {
    assert.deepEqual(
      parts.filter((path) => {
        const folder = basename(dirname(path)).toLowerCase()
        return (
          path.includes("/") &&
          !isConcept(path) &&
          basename(path).toLowerCase().startsWith(folder) &&
          !isEntry(path)
        )
      }),
      []
    )
  })

  it("the index has every concept of the root but the leaves that others are made of", () => {
    const leaves = new Set([
      "AntiAffinity",
      "Digest",
      "Elapsed",
      "Documented",
      "GoDuration",
      "HostPort",
      "ImageName",
      "LastWords",
      "LimitRange",
      "MissingVolume",
      "Members",
      "NameOrder",
      "NearName",
      "Obstacle",
      "ObjectName",
      "Plural",
      "RandomId",
      "PodUrl",
      "QuiesceCalls",
      "QuiesceScript",
      "RecordName",
      "Scheduling",
      "ShellWord",
      "Taint",
      "Writes"
    ])
    const index = read(`${sdk}index.ts`)
    assert.deepEqual(
      parts.filter(
        (path) =>
          !path.includes("/") &&
          isConcept(path) &&
          !leaves.has(path.slice(0, -3)) &&
          !index.includes(`export * as ${path.slice(0, -3)} from "./${path}"`)
      ),
      []
    )
  })
})
