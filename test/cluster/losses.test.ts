/** Each loss that `describe` grades is really made, and what becomes of pods and data is compared with what it said. */
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Answer, Checklist, Disruption } from "../../packages/sdk/src/Checklist.ts"
import { bed, isBed, kubectl, namespace, stateful } from "./suite/commands.ts"
import { get } from "./suite/read.ts"
import { until } from "./suite/neighbour.ts"

const space = namespace("losses")
const n = ["-n", space.name]

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string }
  readonly spec: { readonly nodeName?: string }
  readonly status: {
    readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }>
  }
}

/** What it has written before anything was lost is there afterwards, or it is another volume. */
const script =
  "[ -e /data/first ] || { cat /proc/sys/kernel/random/uuid > /data/first; sync; }; exec sleep 100000"

/** How long its pods tolerate a node that does not answer: short, so that the test is. */
const toleration = (key: string) => ({
  key: `node.kubernetes.io/${key}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 5
})

const set = (name: string, replicas: number, storageClassName: string, affinity: object) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name },
  spec: {
    serviceName: name,
    replicas,
    podManagementPolicy: "Parallel",
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        tolerations: [toleration("unreachable"), toleration("not-ready")],
        affinity,
        containers: [
          {
            name: "main",
            image: "docker.io/local/busybox:1",
            imagePullPolicy: "Never",
            command: ["sh", "-c", script],
            volumeMounts: [{ name: "data", mountPath: "/data" }]
          }
        ]
      }
    },
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName,
          resources: { requests: { storage: "64Mi" } }
        }
      }
    ]
  }
})

/** It starts there, and may start elsewhere. */
const rather = (node: string) => ({
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      {
        weight: 100,
        preference: { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }] }
      }
    ]
  }
})

const apart = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "three" } } }
    ]
  }
}

/** One replica on network storage, one on its node's own disk, and three on three nodes. */
const apps = [
  set("one", 1, "shared", rather("node-b")),
  set("own", 1, "local", rather("node-b")),
  set("three", 3, "shared", apart)
]
const services = apps.map(({ metadata: { name } }) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { clusterIP: "None", selector: { app: name }, ports: [{ port: 1 }] }
}))
const all = ["one-0", "own-0", "three-0", "three-1", "three-2"]

const pod = (name: string): Promise<Pod> => get<Pod>(["pod", name, ...n])
const pods = async (): Promise<ReadonlyMap<string, Pod>> =>
  new Map(
    (await get<{ readonly items: ReadonlyArray<Pod> }>(["pods", ...n])).items.map((one) => [
      one.metadata.name,
      one
    ])
  )
const isReady = (one: Pod | undefined): boolean =>
  one?.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true &&
  one.metadata.deletionTimestamp === undefined

const readyOf = async (app: string): Promise<number> =>
  [...(await pods()).values()].filter((one) => one.metadata.name.startsWith(`${app}-`) && isReady(one)).length

const allReady = (within: number) =>
  until(
    "every pod is ready",
    async () => {
      const now = await pods()
      return all.every((name) => isReady(now.get(name))) ? true : null
    },
    within
  )

const first = (name: string): Promise<string> => kubectl(["exec", name, ...n, "--", "cat", "/data/first"])
const written = async (): Promise<ReadonlyArray<string>> => Promise.all(all.map(first))

/** What `describe` says of an application, by disruption. */
const graded = async (app: string): Promise<Readonly<Record<Disruption, Answer>>> => {
  const { out } = await stateful(["describe", app, ...n, "-o", "json"])
  const { checklist } = JSON.parse(out) as { readonly checklist: Checklist }
  return Object.fromEntries(
    checklist.flatMap((one) =>
      one.question === "restart" ? one.disruptions.map(({ answer, disruption }) => [disruption, answer]) : []
    )
  ) as Record<Disruption, Answer>
}

/** Until the pods that were there are asked to go, which is what a node's loss comes to. */
const evicted = (...names: ReadonlyArray<string>) =>
  until(
    `${names.join(" and ")} to be evicted`,
    async () => {
      const now = await pods()
      return names.every((name) => now.get(name)?.metadata.deletionTimestamp !== undefined) ? true : null
    },
    60
  )

const threeOn = async (...nodes: ReadonlyArray<string>): Promise<ReadonlyArray<string>> =>
  [...(await pods()).values()]
    .filter(({ metadata, spec }) => metadata.name.startsWith("three-") && nodes.includes(spec.nodeName ?? ""))
    .map(({ metadata }) => metadata.name)

describe.runIf(isBed())("what describe says of a loss is what the loss does", () => {
  beforeAll(async () => {
    await space.create()
    await kubectl(
      ["apply", ...n, "-f", "-"],
      JSON.stringify({ apiVersion: "v1", kind: "List", items: [...services, ...apps] })
    )
    await allReady(120)
    for (const name of ["one-0", "own-0"]) assert.equal((await pod(name)).spec.nodeName, "node-b")
    assert.lengthOf(await threeOn("node-b"), 1)
  })
  afterAll(space.remove)

  it("a server that restarts: what was on it comes back by itself, with its data", async () => {
    const said = await Promise.all(["one", "own", "three"].map(graded))
    assert.deepEqual(
      said.map(({ ServerRestarts }) => ServerRestarts),
      ["YesWithDowntime", "YesWithDowntime", "Yes"]
    )
    const before = await written()
    bed("lose", "node", "node-b")
    try {
      await evicted("one-0", "own-0", ...(await threeOn("node-b")))
      assert.deepEqual([await readyOf("one"), await readyOf("own"), await readyOf("three")], [0, 0, 2])
    } finally {
      bed("heal", "node", "node-b")
    }
    await allReady(90)
    assert.deepEqual(await written(), before)
  }, 240_000)

  it("a rack that is gone: nothing of it is replaced while its Nodes are there, and all is back once it is", async () => {
    const said = await Promise.all(["one", "own", "three"].map(graded))
    assert.deepEqual(
      said.map(({ RackRestarts, RackGone }) => [RackRestarts, RackGone]),
      [
        ["YesWithDowntime", "No"],
        ["YesWithDowntime", "No"],
        ["YesWithDowntime", "No"]
      ]
    )
    const before = await written()
    const away = await threeOn("node-a", "node-b")
    bed("lose", "node", "node-a")
    bed("lose", "node", "node-b")
    try {
      await evicted(...away)
      const uids = await Promise.all(away.map(async (name) => (await pod(name)).metadata.uid))
      // Nothing is to be seen of what does not happen: four times as long as the pods tolerated.
      await sleep(20_000)
      assert.deepEqual(await Promise.all(away.map(async (name) => (await pod(name)).metadata.uid)), uids)
      // Quorum is away with it, where it holds two of three.
      assert.equal(await readyOf("three"), 1)
    } finally {
      bed("heal", "node", "node-a")
      bed("heal", "node", "node-b")
    }
    await allReady(90)
    assert.deepEqual(await written(), before)
  }, 240_000)

  it("a server that is gone: its pods stay until its Node goes, and a volume of its own is not elsewhere", async () => {
    const node = (await pod("own-0")).spec.nodeName ?? ""
    const isThere = (await pod("one-0")).spec.nodeName === node
    const said = await Promise.all(["one", "own", "three"].map(graded))
    assert.deepEqual(
      said.map(({ ServerGone }) => ServerGone),
      ["No", "No", "No"]
    )
    const before = await written()
    const lost = ["own-0", ...(isThere ? ["one-0"] : []), ...(await threeOn(node))]
    bed("lose", "node", node)
    try {
      await evicted(...lost)
      const uids = await Promise.all(lost.map(async (name) => (await pod(name)).metadata.uid))
      await sleep(20_000)
      assert.deepEqual(await Promise.all(lost.map(async (name) => (await pod(name)).metadata.uid)), uids)
      // As the answer says: somebody's work, which is proving that the server is off.
      await kubectl(["delete", "node", node])
      const anew = await until(
        "a new own-0",
        async () => {
          const now = (await pods()).get("own-0")
          return now !== undefined && now.metadata.uid !== uids[0] && !now.metadata.deletionTimestamp
            ? now
            : null
        },
        120
      )
      assert.isFalse(isReady(anew))
      if (isThere) {
        const other = await until(
          "one-0 elsewhere",
          async () => {
            const now = (await pods()).get("one-0")
            return now?.spec.nodeName !== undefined && now.spec.nodeName !== node ? now : null
          },
          120
        )
        assert.notEqual(other.spec.nodeName, node)
      }
      assert.isUndefined((await pod("own-0")).spec.nodeName)
    } finally {
      bed("heal", "node", node)
    }
    await allReady(180)
    assert.deepEqual(await written(), before)
  }, 480_000)
})
