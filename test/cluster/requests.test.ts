/** How many requests and rounds `describe` takes, counted by the API server's audit log. */
import { readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { bed, isBed, kubectl, namespace, stateful } from "./suite/commands.ts"
import { get } from "./suite/read.ts"

const space = namespace("requests-suite")
const n = ["-n", space.name]
/** 500 pods are in `state/Read.test.ts`. */
const sizes = [3, 60]

/** Pods on fake nodes, with a claim each. */
const many = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "many" },
  spec: {
    replicas: 0,
    serviceName: "many",
    podManagementPolicy: "Parallel",
    selector: { matchLabels: { app: "many" } },
    template: {
      metadata: { labels: { app: "many" } },
      spec: {
        nodeSelector: { type: "kwok" },
        tolerations: [{ key: "kwok.x-k8s.io/node", operator: "Exists" }],
        containers: [{ name: "main", image: "docker.io/local/busybox:1" }]
      }
    },
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: {
          storageClassName: space.name,
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: "1Mi" } }
        }
      }
    ]
  }
}

/** Volumes that nothing has to make: hundreds of them bind at once. */
const volumes = {
  apiVersion: "v1",
  kind: "List",
  items: Array.from({ length: Math.max(...sizes) }, (_, index) => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `${space.name}-${index}`, labels: { suite: space.name } },
    spec: {
      storageClassName: space.name,
      capacity: { storage: "1Mi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      hostPath: { path: `/tmp/${space.name}-${index}` }
    }
  }))
}

/** Whoever else uses the cluster is not counted. */
const self = `${space.name}-${process.pid}`
const as = [`--as=${self}`, "--as-group=system:masters"]

/** Requests of ours that the server has finished since a length of the log. */
const requestsSince = (length: number): ReadonlyArray<string> =>
  readFileSync(process.env["BED_AUDIT_LOG"] ?? "", "utf8")
    .slice(length)
    .split("\n")
    .filter(
      (line) =>
        line.includes("kubectl-stateful/") && line.includes(`"impersonatedUser":{"username":"${self}"`)
    )

describe.runIf(process.env["BED_AUDIT_LOG"] !== undefined)("the requests of describe", () => {
  beforeAll(async () => {
    assert.isTrue(isBed())
    bed("kwok", "--nodes", "10")
    await space.create()
    // A run just before this one may not have gone yet.
    await kubectl(["delete", "pv", "-l", `suite=${space.name}`, "--wait=true", "--timeout=120s"])
    await kubectl(["create", "-f", "-"], JSON.stringify(volumes))
    await kubectl(["apply", ...n, "-f", "-"], JSON.stringify(many))
  }, 300_000)
  afterAll(async () => {
    await space.remove()
    await kubectl(["delete", "pv", "-l", `suite=${space.name}`, "--wait=false"])
    bed("kwok", "--nodes", "0")
  })

  const counts: Array<number> = []
  for (const size of sizes) {
    it(`are at most one list per kind, in at most 4 rounds, with ${size} pods`, async () => {
      await kubectl(["scale", "sts/many", ...n, `--replicas=${size}`])
      for (;;) {
        const { status } = await get<{ readonly status: { readonly readyReplicas?: number } }>([
          "sts",
          "many",
          ...n
        ])
        if (status.readyReplicas === size) break
        await new Promise((resume) => setTimeout(resume, 500))
      }
      const before = readFileSync(process.env["BED_AUDIT_LOG"] ?? "", "utf8").length
      const ran = await stateful(["describe", "many", ...n, ...as, "-v", "1"])
      assert.equal(ran.code, 0, ran.err)
      const said = /(\d+) requests? in (\d+) rounds?/.exec(ran.err)
      assert.isNotNull(said, ran.err)
      await new Promise((resume) => setTimeout(resume, 1000))
      const counted = requestsSince(before)
      console.log(`${size} pods: ${counted.length} requests in ${said?.[2]} rounds`)
      assert.equal(Number(said?.[1]), counted.length)
      assert.isAtMost(Number(said?.[2]), 4)
      counts.push(counted.length)
      // Pages of one list differ in their continue token alone.
      const lists = counted.map((line) => decodeURIComponent(/"requestURI":"([^"]+)"/.exec(line)?.[1] ?? ""))
      const kinds = lists.map((uri) => uri.replace(/[?&]continue=[^&]+/, ""))
      const repeated = kinds.filter(
        (uri, index) => kinds.indexOf(uri) !== index && !lists[index]?.includes("continue=")
      )
      assert.deepEqual(repeated, [])
    }, 240_000)
  }

  it("do not grow with the number of pods", () => {
    assert.lengthOf(counts, sizes.length)
    assert.isAtMost(Math.max(...counts) - Math.min(...counts), 1)
  })
})
