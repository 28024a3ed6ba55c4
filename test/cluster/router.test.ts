/**
 * A Node program in a pod routes writes by key to the members of a store, by each pod's own name, while
 * the store is scaled with a migration hook, a node is lost and the API server restarts.
 */
import { gzipSync } from "node:zlib"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as Result from "effect/Result"
import { rolldown } from "rolldown"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as Routing from "../../packages/sdk/src/Routing.ts"
import { bed, isBed, kubectl, namespace, stateful } from "./suite/commands.ts"
import { get } from "./suite/read.ts"

const space = namespace("find-router")
const n = ["-n", space.name]
const folder = mkdtempSync(join(tmpdir(), "find-router-"))

/** A program as one file, packed. */
const bundled = async (name: string): Promise<string> => {
  const bundle = await rolldown({
    input: join(import.meta.dirname, "router", `${name}.ts`),
    platform: "node",
    resolve: { conditionNames: ["source", "node", "import", "default"] }
  })
  const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting: false })
  await bundle.close()
  return gzipSync(output[0].code).toString("base64")
}

const started = (program: string, mode: string): ReadonlyArray<string> => [
  "sh",
  "-c",
  `gunzip -c /app/${program} > /tmp/${program}.mjs && exec node /tmp/${program}.mjs ${mode}`
]

const container = (command: ReadonlyArray<string>, more: object = {}) => ({
  name: "main",
  image: "docker.io/local/node:1",
  imagePullPolicy: "Never",
  command,
  env: [{ name: "NAMESPACE", value: space.name }],
  volumeMounts: [{ name: "app", mountPath: "/app" }],
  ...more
})

const app = { name: "app", configMap: { name: "programs" } }
const labels = { app: "store" }

const store = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "store" },
  spec: {
    replicas: 3,
    serviceName: "store",
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        terminationGracePeriodSeconds: 1,
        securityContext: { fsGroup: 999 },
        volumes: [app],
        containers: [
          container(started("member", "serve"), {
            ports: [{ name: "http", containerPort: 7000 }],
            readinessProbe: {
              httpGet: { path: "/ready", port: 7000 },
              periodSeconds: 1,
              failureThreshold: 1
            },
            volumeMounts: [
              { name: "app", mountPath: "/app" },
              { name: "data", mountPath: "/data" }
            ]
          })
        ],
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: "kubernetes.io/hostname",
            whenUnsatisfiable: "DoNotSchedule",
            labelSelector: { matchLabels: labels }
          }
        ]
      }
    },
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "16Mi" } } }
      }
    ]
  }
}

const create = (...objects: ReadonlyArray<object>) =>
  kubectl(["create", ...n, "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }))

interface Noted {
  readonly view?: number
  readonly members?: ReadonlyArray<Routing.Member>
  readonly id: number
  readonly key?: string
  readonly by?: number
  readonly to?: number
  readonly failure?: string | null
  readonly acked?: number
  readonly at?: number
  readonly misdirected?: number
  readonly lost?: boolean
  readonly done?: boolean
}

const noted = async (): Promise<ReadonlyArray<Noted>> =>
  (await kubectl(["exec", ...n, "router", "--", "cat", "/tmp/log"]))
    .split("\n")
    .flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Noted]))

const linesOf = async (ordinal: number, what: "kept" | "received"): Promise<ReadonlyArray<string>> =>
  (await kubectl(["exec", ...n, `store-${ordinal}`, "--", "cat", `/data/${what}`]))
    .split("\n")
    .filter(Boolean)

const scale = async (replicas: number, profile: string) => {
  const count = ["--replicas", `${replicas}`]
  const ran = await stateful(["scale", "store", ...n, ...count, "--profile", profile, "--drain-wait", "2s"])
  assert.equal(ran.code, 0, ran.err)
}

const acks = (all: ReadonlyArray<Noted>) => all.filter(({ acked }) => acked !== undefined)

describe.runIf(isBed())("a router in a pod", () => {
  const profile = join(folder, "store.yaml")
  beforeAll(async () => {
    await space.create()
    const [member, router, srv] = [await bundled("member"), await bundled("router"), await bundled("srv")]
    const hook = (mode: string) => ({ command: ["node", "/tmp/member.mjs", mode], timeout: "60s" })
    const hooks = { beforeRemove: hook("leave"), afterAdd: hook("join") }
    const document = { apiVersion: "kubectl-stateful.dev/v1", kind: "Profile", scale: hooks }
    writeFileSync(profile, JSON.stringify(document))
    await create(
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "programs" },
        binaryData: { member, router, srv }
      },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "store" },
        spec: { clusterIP: "None", selector: labels, ports: [{ name: "http", port: 7000 }] }
      },
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "router" } },
      store
    )
    const role = await stateful(["rbac", "peers", "store", "--nodes", ...n])
    assert.equal(role.code, 0, role.err)
    await kubectl(["apply", "-f", "-"], role.out)
    const binding = ["--serviceaccount", `${space.name}:router`]
    await kubectl(["create", "rolebinding", "router", "--role", "peers-of-store", ...binding, ...n])
    await kubectl(["delete", "clusterrolebinding", space.name, "--ignore-not-found"])
    await kubectl(["create", "clusterrolebinding", space.name, "--clusterrole", "peers-of-store", ...binding])
    await kubectl(["rollout", "status", "sts/store", ...n, "--timeout=90s"])
  }, 180_000)
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true })
    await kubectl(["delete", "clusterrolebinding", space.name, "--ignore-not-found"])
    await kubectl(["delete", "clusterrole", "peers-of-store", "--ignore-not-found"])
    await space.remove()
  })

  it(
    "writes only where its strategy says, and no acknowledged write is lost",
    { timeout: 400_000 },
    async () => {
      const nodeOf = async (pod: string) =>
        (await get<{ readonly spec: { readonly nodeName: string } }>(["pod", pod, ...n])).spec.nodeName
      const lost = await nodeOf("store-1")
      const elsewhere = await nodeOf("store-0")
      assert.notEqual(lost, elsewhere)
      await create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "router" },
        spec: {
          serviceAccountName: "router",
          nodeName: elsewhere,
          terminationGracePeriodSeconds: 1,
          volumes: [app],
          containers: [container(started("router", ""))]
        }
      })
      await kubectl(["wait", ...n, "pod/router", "--for=condition=Ready", "--timeout=60s"])
      await sleep(3000)
      await scale(5, profile)
      await sleep(2000)
      bed("lose", "node", lost)
      try {
        await kubectl(["wait", ...n, "pod/store-1", "--for=condition=Ready=false", "--timeout=60s"])
        await sleep(4000)
      } finally {
        bed("heal", "node", lost)
      }
      await kubectl(["rollout", "status", "sts/store", ...n, "--timeout=90s"])
      // Its endpoint and its name follow; without an API server they would not.
      await kubectl(["exec", ...n, "store-0", "--", "node", "/tmp/member.mjs", "known"])
      const gone = Date.now()
      bed("lose", "apiserver")
      await sleep(8000)
      const back = Date.now()
      bed("heal", "apiserver")
      // A controller that sees the kubelets' signs of life late takes all nodes for lost, and their pods for unready:
      // within its patience of 12 s.
      await sleep(15_000)
      await kubectl(["rollout", "status", "sts/store", ...n, "--timeout=90s"])
      await scale(3, profile)
      await sleep(3000)
      await kubectl(["exec", ...n, "router", "--", "touch", "/tmp/stop"])
      let all = await noted()
      for (let waited = 0; waited < 60 && !all.some(({ done }) => done); waited++) {
        await sleep(1000)
        all = await noted()
      }
      assert.isTrue(all.some(({ done }) => done))
      assert.isFalse(all.some(({ lost: isLost }) => isLost))

      // No write has reached an ordinal that the strategy did not name, by the view that it went by.
      const views = new Map(
        all.flatMap(({ view, members }) => (view === undefined ? [] : [[view, members ?? []]]))
      )
      const named = new Set<string>()
      for (const { id, key, by, to } of all) {
        if (key === undefined || by === undefined) continue
        const members = { name: "store", start: 0, members: views.get(by) ?? [] }
        assert.equal(Result.getOrThrow(Routing.picker(Routing.jump, members).pick(key)), to, `write ${id}`)
        named.add(`${id} ${to}`)
      }
      const kept = await Promise.all([0, 1, 2].map((ordinal) => linesOf(ordinal, "kept")))
      const received = await Promise.all([0, 1, 2].map((ordinal) => linesOf(ordinal, "received")))
      for (const [ordinal, lines] of received.entries()) {
        for (const line of lines) {
          const [meant, id] = line.split(" ")
          assert.equal(meant, `store-${ordinal}`)
          assert.isTrue(named.has(`${id} ${ordinal}`), `${line} at store-${ordinal}`)
        }
      }
      assert.isFalse(all.some(({ misdirected }) => misdirected !== undefined))

      // Every acknowledged write is on its ordinal's volume, or on that of the key's owner by now.
      const keys = new Map(all.flatMap(({ id, key }) => (key === undefined ? [] : [[id, key] as const])))
      const owners = Routing.picker(Routing.jump, Routing.allReady(3))
      const held = kept.map((lines) => new Set(lines))
      const missing = acks(all).filter(({ id, acked }) => {
        const key = keys.get(id) ?? ""
        const line = `${id} ${key}`
        const [owner = -1] = Result.getOrThrow(owners.owners(key))
        return held[acked ?? -1]?.has(line) !== true && held[owner]?.has(line) !== true
      })
      assert.deepEqual(missing, [])

      const during = acks(all).filter(({ at = 0 }) => at > gone + 1000 && at < back)
      assert.isAbove(during.length, 0, "it goes on while there is no API server")
      assert.isTrue(all.some(({ failure }) => typeof failure === "string"))
      const ordinals = new Set(acks(all).map(({ acked = -1 }) => acked))
      assert.deepEqual(
        [...ordinals].toSorted((a, b) => a - b),
        [0, 1, 2, 3, 4]
      )
      console.log(
        `${acks(all).length} writes acknowledged, ${during.length} of them without an API server, by ${views.size} views; ${missing.length} lost`
      )
    }
  )

  it("a pod that may not talk to the API server finds peers by SRV records", async () => {
    await create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "srv" },
      spec: {
        automountServiceAccountToken: false,
        restartPolicy: "Never",
        volumes: [app],
        containers: [container(started("srv", ""))]
      }
    })
    await kubectl(["wait", ...n, "pod/srv", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s"])
    const found = JSON.parse(await kubectl(["logs", ...n, "srv"])) as ReadonlyArray<object>
    assert.isAtLeast(found.length, 3)
    const fqdn = `store-0.store.${space.name}.svc.cluster.local`
    assert.deepEqual(found[0], { ordinal: 0, name: "store-0", fqdn, port: 7000 })
  })
})
