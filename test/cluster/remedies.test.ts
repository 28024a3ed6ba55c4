/** Each command that the checklist advises is one that kubectl and the server take. */
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { kubectl, namespace, stateful } from "./suite/commands.ts"

const space = namespace("remedies-suite")
const n = ["-n", space.name]
const folder = mkdtempSync(join(tmpdir(), "remedies-"))

const container = {
  name: "db",
  // Its name is that of a database which refuses what fsGroup does.
  image: "docker.io/local/postgres:1",
  imagePullPolicy: "Never",
  command: ["sleep", "100000"],
  volumeMounts: [{ name: "data", mountPath: "/data" }],
  envFrom: [{ configMapRef: { name: "no-conf" } }, { secretRef: { name: "no-secret" } }]
}

/** A StatefulSet with what can be wrong about one. */
const faulty = (name: string, labels: Record<string, string>, spec: object, pod: object) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name },
  spec: {
    serviceName: name,
    replicas: 1,
    selector: { matchLabels: labels },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled: "Retain" },
    template: {
      metadata: { labels },
      spec: {
        terminationGracePeriodSeconds: 0,
        imagePullSecrets: [{ name: "no-pull" }],
        securityContext: { fsGroup: 999 },
        containers: [container],
        ...pod
      }
    },
    volumeClaimTemplates: ["data", "wal", "log"].map((claim) => ({
      metadata: { name: claim },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "64Mi" } } }
    })),
    ...spec
  }
})

const budget = (name: string, labels: Record<string, string>) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name },
  spec: { maxUnavailable: 0, selector: { matchLabels: labels } }
})

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "astray" },
  spec: { clusterIP: "None", selector: { app: "nothing" }, ports: [{ port: 1 }] }
}

const objects = [
  faulty("alone", { app: "alone", tier: "db" }, {}, {}),
  faulty("astray", { app: "astray" }, { replicas: 3, podManagementPolicy: "Parallel" }, {}),
  faulty(
    "named",
    { app: "named" },
    { replicas: 2 },
    { nodeSelector: { "kubernetes.io/hostname": "node-a" }, hostNetwork: true }
  ),
  // All its pods are there: a budget is not changed by a command where some are missing.
  faulty(
    "steady",
    { app: "steady" },
    { replicas: 2, podManagementPolicy: "Parallel" },
    { containers: [{ ...container, envFrom: [] }], imagePullSecrets: [] }
  ),
  budget("steady", { app: "steady" }),
  budget("named", { app: "named" }),
  budget("alone", { app: "alone" }),
  service
]

interface Document {
  readonly checklist: ReadonlyArray<{
    readonly findings: ReadonlyArray<{ readonly rule: string; readonly remedy: string | null }>
  }>
}

const shell = (script: string): Promise<{ readonly code: number; readonly said: string }> =>
  new Promise((resolve) => {
    execFile("bash", ["-c", script], (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), said: out + err })
    )
  })

/** What changes nothing is run as it is; the rest is asked of the server without effect. */
const withoutEffect = (command: string): string =>
  /(^|xargs )kubectl (describe|get|logs) /.test(command) && !command.includes("| xargs")
    ? command
    : `${command} --dry-run=server`

beforeAll(async () => {
  await space.create()
  await kubectl(
    ["apply", ...n, "-f", "-"],
    JSON.stringify({ apiVersion: "v1", kind: "List", items: objects })
  )
  await kubectl(["rollout", "status", "sts/steady", ...n, "--timeout=120s"])
  const pods = ["alone-0", "astray-0", "astray-1", "astray-2", "named-0"]
  const claims = pods.flatMap((pod) => ["data", "wal", "log"].map((template) => `pvc/${template}-${pod}`))
  await kubectl(["wait", ...claims, ...n, "--for=create", "--timeout=120s"])
  // One that is Pending still would refuse a snapshot.
  await kubectl(["wait", ...claims, ...n, "--for=jsonpath={.status.phase}=Bound", "--timeout=120s"])
  writeFileSync(join(folder, "FILE"), JSON.stringify({ auths: {} }))
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await space.remove()
})

describe("the checklist's commands", () => {
  it("are all taken by the real kubectl and the real server", { timeout: 120_000 }, async () => {
    const ran = await stateful(["describe", ...n, "-o", "json"])
    const { items } = JSON.parse(ran.out) as { readonly items: ReadonlyArray<Document> }
    const remedies = new Map(
      items.flatMap(({ checklist }) =>
        checklist.flatMap(({ findings }) =>
          findings.flatMap(({ rule, remedy }) => (remedy === null ? [] : [[remedy, rule] as const]))
        )
      )
    )
    const refused: Array<string> = []
    const rules = new Set<string>()
    for (const [remedy, rule] of remedies) {
      if (!/^kubectl |: kubectl /.test(remedy)) continue
      rules.add(rule)
      const commands = remedy.slice(remedy.indexOf("kubectl ")).replace("FILE", join(folder, "FILE"))
      // The second of two needs what the first has made, so these are run in earnest.
      const script = commands.includes(" && ") ? commands : withoutEffect(commands)
      const { code, said } = await shell(script)
      if (code !== 0) refused.push(`${rule}: ${script}: ${said}`)
    }
    assert.deepEqual(refused, [])
    for (const rule of [
      "reference-missing",
      "service-missing",
      "service-selects-others",
      "fs-group-at-each-mount",
      "grace-period-zero",
      "budget-missing",
      "budget-blocks",
      "volumes-go-with-claims",
      "claims-go-with-workload"
    ]) {
      assert.include([...rules], rule)
    }
  })
})
