import { basename } from "node:path"
import { assert, describe, it } from "vitest"
import { files, type Import, importsOf } from "./sources.ts"

const sdk = "packages/sdk/src/"
const plugin = "packages/kubectl-stateful/"
const sources = [...files(sdk), ...files(`${plugin}src`)].filter((path) => path.endsWith(".ts"))
const imports = sources.flatMap(importsOf)

const verbs = ["Scale", "Snapshot", "Restore", "Discovery", "Routing"]
const entries = ["index", "promise", "Verbs", "Router"]

/** Lower may not import higher. */
const layer = (path: string): number => {
  const name = basename(path, ".ts")
  if (path.startsWith(plugin)) return 6
  if (path.startsWith(`${sdk}kubernetes/`) || path.startsWith(`${sdk}sandbox/`)) return 6
  if (entries.includes(name)) return 5
  if (name === "Cluster") return 0
  if (path.startsWith(`${sdk}resource/`) || path.startsWith(`${sdk}kind/`)) return 1
  if (verbs.some((verb) => name.startsWith(verb))) return 4
  if (path.startsWith(`${sdk}step/`) || path.startsWith(`${sdk}wait/`)) return 3
  if (["Resource", "Kind", "App", "Manifest", "ShellWord"].includes(name)) return 1
  return 2
}

const offenders = (rule: (edge: Import) => boolean) =>
  imports.filter(rule).map((edge) => `${edge.from} -> ${edge.specifier}`)

describe("imports point one way", () => {
  it("there are sources to look at", () => {
    assert.isAbove(sources.length, 10)
    assert.isAbove(imports.length, 20)
  })

  it("commands -> entry points -> verbs -> steps, waits -> State, Operation -> Resource -> Cluster", () => {
    assert.deepEqual(
      offenders(
        (edge) =>
          edge.target !== null &&
          edge.target.startsWith(sdk) &&
          !edge.target.startsWith(`${sdk}kubernetes/`) &&
          layer(edge.target) > layer(edge.from)
      ),
      []
    )
  })

  it("verbs do not import each other", () => {
    const verbOf = (path: string) =>
      new RegExp(`^${sdk}(?:(?!sandbox|kind)\\w+/)?(${verbs.join("|")})`).exec(path)?.[1]
    assert.deepEqual(
      offenders((edge) => {
        const [from, to] = [verbOf(edge.from), edge.target === null ? undefined : verbOf(edge.target)]
        return from !== undefined && to !== undefined && from !== to
      }),
      []
    )
  })

  it("no verb and no model knows the live cluster or the sandbox", () => {
    const outside = (path: string) =>
      path.startsWith(`${sdk}kubernetes/`) || path.startsWith(`${sdk}sandbox/`)
    assert.deepEqual(
      offenders(
        (edge) =>
          edge.from.startsWith(sdk) &&
          !outside(edge.from) &&
          edge.target !== null &&
          outside(edge.target) &&
          !entries.includes(basename(edge.from, ".ts"))
      ),
      []
    )
  })

  it("client-node is imported only by the live cluster", () => {
    assert.deepEqual(
      offenders(
        (edge) =>
          edge.specifier.startsWith("@kubernetes/client-node") &&
          !edge.typeOnly &&
          !edge.from.startsWith(`${sdk}kubernetes/`)
      ),
      []
    )
  })

  it("yaml is imported only by Manifest.ts", () => {
    assert.deepEqual(
      offenders((edge) => edge.specifier === "yaml" && edge.from !== `${sdk}Manifest.ts`),
      []
    )
  })

  it("age-encryption is imported only by SnapshotFile.ts", () => {
    const only = `${sdk}snapshot/SnapshotFile.ts`
    assert.deepEqual(
      offenders((edge) => edge.specifier === "age-encryption" && edge.from !== only),
      []
    )
  })

  it("oclif is imported only by the plugin", () => {
    assert.deepEqual(
      offenders((edge) => edge.specifier.startsWith("@oclif/") && !edge.from.startsWith(plugin)),
      []
    )
  })

  it("effect is imported by module path, never as a barrel", () => {
    assert.deepEqual(
      offenders((edge) => edge.specifier === "effect"),
      []
    )
  })
})
