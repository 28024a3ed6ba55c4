/** Each command that the checklist advises is run: what it was found for is gone, and nothing else changed. */
import { execFileSync } from "node:child_process"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { type Situation, situations } from "./suite/remedies.ts"
import { bed, isBed, namespace } from "./suite/commands.ts"
import { bundled } from "./suite/plugin.ts"
import { play, playLost, server, type Server, until, well } from "./suite/effects.ts"

const space = namespace("remedies-suite")
const outOfService = "node.kubernetes.io/out-of-service"
const places = ["topology.kubectl-stateful.dev/rack", "topology.kubernetes.io/zone"]

/** Set up before the first test. */
let on: Server
/** Where its nodes are, as labels that are put back. */
let labels: ReadonlyArray<readonly [node: string, label: string]> = []

const allReady = () =>
  until(
    "all pods are ready",
    async () => {
      const ready = ["get", "pods", ...on.n, "-o", "jsonpath={.items[*].status.containerStatuses[*].ready}"]
      return (await on.kubectl(ready)) === "true true true true" ? true : null
    },
    120
  )

const plays = (all: ReadonlyArray<Situation>) => {
  for (const situation of all) {
    it(`by ${situation.rule} (${situation.shape}) does what it says, and nothing else`, async () => {
      const changed = await play(on, situation)
      assert.isNotEmpty(changed)
      assert.deepEqual(
        changed.filter((key) => !situation.changes.test(key)),
        []
      )
    })
  }
}

beforeAll(async () => {
  const kubectl = execFileSync("bash", ["-c", "command -v kubectl"], { encoding: "utf8" }).trim()
  on = server({ kubectl, namespace: space.name, plugin: bundled() })
  await space.create()
  const nodes = JSON.parse(await on.kubectl(["get", "nodes", "-o", "json"])) as {
    readonly items: ReadonlyArray<{ metadata: { name: string; labels: Record<string, string> } }>
  }
  labels = nodes.items.flatMap(({ metadata }) =>
    places.map((key) => {
      const place = metadata.labels[key]
      return [metadata.name, place === undefined ? `${key}-` : `${key}=${place}`] as const
    })
  )
  const items = well("bed.csi.kubectl-stateful.dev")
  await on.kubectl(["apply", ...on.n, "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }))
  await allReady()
})

afterAll(async () => {
  for (const [node, label] of labels) await on.kubectl(["label", "node", node, "--overwrite", label])
  for (const node of new Set(labels.map(([name]) => name))) {
    await on.kubectl(["uncordon", node])
    await on.shell(`kubectl taint node ${node} ${outOfService}-`)
  }
  await on.kubectl(["delete", "volumesnapshotclass", "zz-remedies", "--ignore-not-found"])
  // What is kept would stay for ever: volumes, and the cuts of a set.
  const mine = (kind: string, ref: string) =>
    on.kubectl([
      "get",
      kind,
      "-o",
      `jsonpath={range .items[?(@.spec.${ref}.namespace=="${space.name}")]}{.metadata.name} {end}`
    ])
  const kept = [
    ["persistentvolume", "claimRef", "persistentVolumeReclaimPolicy"],
    ["volumegroupsnapshotcontent", "volumeGroupSnapshotRef", "deletionPolicy"],
    ["volumesnapshotcontent", "volumeSnapshotRef", "deletionPolicy"]
  ] as const
  for (const [kind, ref, policy] of kept) {
    for (const name of (await mine(kind, ref)).split(" ").filter((one) => one !== "")) {
      await on.kubectl([
        "patch",
        kind,
        name,
        "--type=merge",
        "-p",
        JSON.stringify({ spec: { [policy]: "Delete" } })
      ])
      // A content whose snapshot is gone ends by this alone.
      if (kind !== "persistentvolume") await on.kubectl(["delete", kind, name, "--wait=false"])
    }
  }
  on.end()
  await space.remove()
})

describe("what the checklist advises", () => {
  it("by commands that only look is taken by kubectl and the server", async () => {
    const of = ["get statefulset db -o 'jsonpath={.metadata.finalizers}'", "describe statefulset db"]
    const named = [
      ...of,
      "describe pod db-2",
      "describe pvc data-db-2",
      "logs db-0 -c postgres --previous"
    ].map((command) => `kubectl ${command} -n ${space.name}`)
    const all = ["nodes -o wide", "storageclass", "priorityclass", "runtimeclass"]
    for (const command of [...named, ...all.map((what) => `kubectl get ${what}`)]) {
      const { code, said } = await on.shell(command)
      assert.equal(code, 0, `${command}: ${said}`)
    }
  })

  plays(situations.filter(({ stays }) => stays === undefined))

  it("of a snapshot by describe is taken too", async () => {
    const [name = ""] = (await on.kubectl(["get", "volumesnapshots", ...on.n, "-o", "name"])).split("\n")
    const { code, said } = await on.shell(`kubectl describe ${name.replace(/\..*\//, " ")} -n ${space.name}`)
    assert.equal(code, 0, said)
  })
})

describe.runIf(isBed())("what the checklist advises of a node", () => {
  it("that is lost brings its pods up elsewhere, once it is proven off", { timeout: 240_000 }, async () => {
    const nodes: Array<string> = []
    try {
      const { changed } = await playLost(on, (node) => {
        nodes.push(node)
        bed("lose", "node", node)
      })
      assert.deepEqual(changed, [`Node/${nodes[0]}`])
    } finally {
      for (const node of nodes) {
        bed("heal", "node", node)
        await on.shell(`kubectl taint node ${node} ${outOfService}-`)
      }
    }
    await allReady()
  })
})

describe("what the checklist advises of a claim in deletion", () => {
  // It goes with its pod, so this is after all that ends pods.
  plays(situations.filter(({ stays }) => stays !== undefined))
})
