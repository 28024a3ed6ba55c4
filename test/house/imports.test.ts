import { basename, dirname } from "node:path"
import { assert, describe, it } from "vitest"
import { files, type Import, importsOf } from "./sources.ts"

const sdk = "packages/sdk/src/"
const sandbox = "packages/sandbox/src/"
const plugin = "packages/kubectl-stateful/"
const sources = files(sdk, sandbox, `${plugin}src`).filter((path) => path.endsWith(".ts"))
const imports = sources.flatMap(importsOf)

const verbs = ["Scale", "Snapshot", "Restore", "Discovery", "Routing"]
const entries = ["index", "promise", "Verbs", "Router"]

/** `restore/clonePlan.ts` and `RestoreClone.ts` are both of Restore. */
const verbOf = (path: string): string | undefined => {
  const [head = ""] = path.startsWith(sdk) ? path.slice(sdk.length).split("/") : []
  return verbs.find((verb) => head === verb.toLowerCase() || (head.startsWith(verb) && head.endsWith(".ts")))
}

/** What verbs are made of, and knows none of them. */
const leaves = [
  "App",
  "Digest",
  "Elapsed",
  "GoDuration",
  "Kind",
  "Labels",
  "Manifest",
  "NameOrder",
  "ObjectName",
  "Plural",
  "RandomId",
  "Resource",
  "ShellWord"
]

/** Lower may not import higher. */
const layer = (path: string): number => {
  const name = basename(path, ".ts")
  if (path.startsWith(plugin)) return 6
  if (path.startsWith(`${sdk}kubernetes/`)) return 6
  if (entries.includes(name) || path.startsWith(`${sdk}promise/`)) return 5
  if (name === "Cluster") return 0
  if (path.startsWith(`${sdk}resource/`) || path.startsWith(`${sdk}kind/`)) return 1
  if (verbOf(path) !== undefined) return 4
  if (path.startsWith(`${sdk}step/`) || path.startsWith(`${sdk}wait/`)) return 3
  if (!path.slice(sdk.length).includes("/") && leaves.includes(name)) return 1
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
    assert.deepEqual(
      offenders((edge) => {
        const [from, to] = [verbOf(edge.from), edge.target === null ? undefined : verbOf(edge.target)]
        return from !== undefined && to !== undefined && from !== to
      }),
      []
    )
  })

  it("no verb and no model knows the live cluster", () => {
    const outside = (path: string) => path.startsWith(`${sdk}kubernetes/`)
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

  it("packages know each other by name alone: plugin -> sandbox -> SDK", () => {
    const home = (path: string) => /^packages\/[^/]+\//.exec(path)?.[0]
    assert.deepEqual(
      offenders(
        (edge) =>
          (edge.target !== null && home(edge.target) !== home(edge.from)) ||
          (edge.from.startsWith(sdk) && edge.specifier.startsWith("@kubectl-stateful/")) ||
          (edge.from.startsWith(sandbox) && edge.specifier.startsWith("kubectl-stateful"))
      ),
      []
    )
  })

  it("the sandbox is a model of its own: of the SDK it has the port, its Promises, and what a pod or a user is given", () => {
    const needed = imports
      .filter((edge) => edge.from.startsWith(sandbox) && edge.specifier.startsWith("@kubectl-stateful/"))
      .map((edge) => edge.specifier.replace("@kubectl-stateful/sdk/", ""))
    assert.deepEqual([...new Set(needed)].toSorted(), [
      "Cluster",
      "Hook",
      "Manifest",
      "QuiesceScript",
      "promise",
      "resource/Status"
    ])
  })

  it("in the sandbox: apimachinery -> registry -> API server, controllers, nodes -> Sandbox -> what serves it", () => {
    const floor: Readonly<Record<string, number>> = {
      apimachinery: 0,
      storage: 0,
      registry: 1,
      apiserver: 2,
      controller: 2,
      node: 2,
      ledger: 3,
      ".": 3,
      scenario: 4,
      serve: 4
    }
    const folder = (path: string) => dirname(path.slice(sandbox.length)).split("/")[0] ?? "."
    const entry = (path: string) => ["index", "promise", "Kind"].includes(basename(path, ".ts"))
    assert.deepEqual(
      offenders(({ from, target }) => {
        if (!from.startsWith(sandbox) || target === null || entry(from)) return false
        const [here, there] = [folder(from), folder(target)]
        const [above, below] = [floor[here], floor[there]]
        if (above === undefined || below === undefined) return true
        // A controller and a kubelet change the cluster through its registry, and no handler of requests knows them.
        return (
          below > above ||
          (there === "apiserver" && ["controller", "node"].includes(here)) ||
          (here === "apiserver" && ["controller", "node"].includes(there))
        )
      }),
      []
    )
  })

  it("client-node is imported only by the live cluster, and for the names of fields", () => {
    assert.deepEqual(
      offenders(
        (edge) =>
          edge.specifier.startsWith("@kubernetes/client-node") &&
          !edge.typeOnly &&
          !edge.from.startsWith(`${sdk}kubernetes/`) &&
          edge.from !== `${sandbox}apiserver/Models.ts`
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

  it("age-encryption is imported only where a file is sealed", () => {
    const only = `${sdk}snapshot/file.ts`
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
