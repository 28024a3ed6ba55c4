/** `kubectl stateful describe` on a real PostgreSQL, checked against kubectl's own answers. */
import { readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { published, violations } from "../sdk/jsonSchema.ts"
import { bed, isBed, kubectl, namespace, printed, stateful } from "./suite/commands.ts"
import { get } from "./suite/read.ts"

interface Meta {
  readonly name: string
  readonly uid: string
  readonly creationTimestamp: string
  readonly resourceVersion: string
  readonly generation: number
  readonly labels: Readonly<Record<string, string>>
}
interface List<T> {
  readonly items: ReadonlyArray<T>
}
interface Pod {
  readonly metadata: Meta
  readonly spec: { readonly nodeName: string; readonly hostname: string; readonly subdomain: string }
  readonly status: {
    readonly phase: string
    readonly podIPs: ReadonlyArray<{ readonly ip: string }>
    readonly containerStatuses: ReadonlyArray<{ readonly restartCount: number; readonly ready: boolean }>
    readonly conditions: ReadonlyArray<{ readonly type: string; readonly status: string }>
  }
}
interface Claim {
  readonly metadata: Meta
  readonly spec: {
    readonly volumeName: string
    readonly storageClassName: string
    readonly accessModes: ReadonlyArray<string>
    readonly resources: { readonly requests: { readonly storage: string } }
  }
  readonly status: { readonly phase: string; readonly capacity: { readonly storage: string } }
}
interface Volume {
  readonly metadata: Meta
  readonly spec: {
    readonly persistentVolumeReclaimPolicy: string
    readonly csi: { readonly driver: string; readonly volumeHandle: string }
  }
}
interface Node {
  readonly metadata: Meta
  readonly spec: { readonly taints?: ReadonlyArray<unknown> }
}
interface Workload {
  readonly metadata: Meta
  readonly spec: {
    readonly replicas: number
    readonly serviceName: string
    readonly podManagementPolicy: string
    readonly updateStrategy: { readonly type: string }
    readonly persistentVolumeClaimRetentionPolicy: {
      readonly whenScaled: string
      readonly whenDeleted: string
    }
  }
  readonly status: { readonly currentRevision: string; readonly readyReplicas: number }
}

/** The parts of our own document that are looked at here; the whole of it is checked by its schema. */
interface Document {
  readonly kind: string
  readonly workloads: ReadonlyArray<Record<string, unknown> & { readonly replicas: number }>
  readonly replicas: ReadonlyArray<{
    readonly name: string
    readonly ordinal: number
    readonly wanted: boolean
    readonly pod:
      | (Record<string, unknown> & { readonly ready: boolean; readonly reason: string | null })
      | null
  }>
  readonly claims: ReadonlyArray<
    Record<string, unknown> & {
      readonly name: string
      readonly leftover: boolean
      readonly volume: Record<string, unknown>
    }
  >
  readonly references: ReadonlyArray<{
    readonly kind: string
    readonly name: string
    readonly present: boolean | null
    readonly missingKeys: ReadonlyArray<string> | null
  }>
  readonly services: ReadonlyArray<Record<string, unknown>>
  readonly budgets: ReadonlyArray<Record<string, unknown>> | null
  readonly nodes: ReadonlyArray<Record<string, unknown> & { readonly name: string }> | null
  readonly placements: ReadonlyArray<{
    readonly replica: string
    readonly node: string
    readonly zone: string | null
    readonly rack: string | null
  }>
  readonly unread: ReadonlyArray<{ readonly resource: string; readonly reason: string }>
  readonly checklist: ReadonlyArray<{ readonly question: string; readonly answer: string }>
}

const space = namespace("describe-suite")
const manifest = readFileSync(new URL("manifests/postgres.yaml", import.meta.url), "utf8")
const canary = "cAnArY-s3cr3t-value-7fe1"
const n = ["-n", space.name]

const document = async (...args: ReadonlyArray<string>): Promise<Document> => {
  const ran = await stateful(["describe", "db", ...n, "-o", "json", ...args])
  assert.equal(ran.code, 0, ran.err)
  const found: unknown = JSON.parse(ran.out)
  assert.deepEqual(violations(published("AppDocument"), found), [])
  return found as Document
}
const text = async (...args: ReadonlyArray<string>): Promise<string> => {
  const ran = await stateful(["describe", "db", ...n, ...args])
  assert.equal(ran.code, 0, ran.err)
  return ran.out
}
/** The line of a page that starts with a word. */
const row = (page: string, first: string): string =>
  page.split("\n").find((line) => line.startsWith(`${first} `)) ?? ""

/** Waits on kubectl, never on our own answer. */
const until = async (what: string, holds: () => Promise<boolean>, seconds = 90) => {
  for (let left = seconds * 2; left > 0; left--) {
    if (await holds()) return
    await new Promise((resume) => setTimeout(resume, 500))
  }
  throw new Error(`waited ${seconds} s for ${what}`)
}

beforeAll(async () => {
  await space.create()
  await kubectl(["apply", ...n, "-f", "-"], manifest)
  await kubectl(["create", "secret", "generic", "canary", `--from-literal=token=${canary}`, ...n])
  await kubectl(["patch", "secret", "db-pass", ...n, "-p", JSON.stringify({ stringData: { other: canary } })])
  await kubectl(["rollout", "status", "sts/db", ...n, "--timeout=180s"])
})
afterAll(() => space.remove())

describe("describe says what kubectl says", () => {
  it("of the StatefulSet", async () => {
    const theirs = await get<Workload>(["sts", "db", ...n])
    const [ours] = (await document()).workloads
    assert.deepInclude(ours, {
      kind: "StatefulSet",
      name: "db",
      uid: theirs.metadata.uid,
      generation: theirs.metadata.generation,
      created: theirs.metadata.creationTimestamp,
      replicas: theirs.spec.replicas,
      ready: theirs.status.readyReplicas,
      serviceName: theirs.spec.serviceName,
      podManagementPolicy: theirs.spec.podManagementPolicy,
      updateStrategy: theirs.spec.updateStrategy.type,
      retention: theirs.spec.persistentVolumeClaimRetentionPolicy,
      currentRevision: theirs.status.currentRevision
    })
  })

  it("of each pod", async () => {
    const theirs = await get<List<Pod>>(["pods", "-l", "app=db", ...n])
    const ours = await document()
    assert.deepEqual(
      ours.replicas.map(({ name }) => name),
      ["db-0", "db-1", "db-2"]
    )
    for (const pod of theirs.items) {
      const replica = ours.replicas.find(({ name }) => name === pod.metadata.name)
      assert.deepInclude(replica?.pod, {
        uid: pod.metadata.uid,
        created: pod.metadata.creationTimestamp,
        phase: pod.status.phase,
        ready: pod.status.conditions.some(({ type, status }) => type === "Ready" && status === "True"),
        restarts: pod.status.containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
        revision: pod.metadata.labels["controller-revision-hash"],
        hostname: pod.spec.hostname,
        fqdn: `${pod.spec.hostname}.${pod.spec.subdomain}.${space.name}.svc`,
        node: pod.spec.nodeName
      })
      assert.deepEqual(
        replica?.pod?.["ips"],
        pod.status.podIPs.map(({ ip }) => ip)
      )
    }
  })

  it("of each claim and its volume", async () => {
    const theirs = await get<List<Claim>>(["pvc", ...n])
    const volumes = await get<List<Volume>>(["pv"])
    const ours = await document()
    assert.lengthOf(theirs.items, 6)
    assert.lengthOf(ours.claims, 6)
    for (const claim of theirs.items) {
      const volume = volumes.items.find(({ metadata }) => metadata.name === claim.spec.volumeName)
      const mine = ours.claims.find(({ name }) => name === claim.metadata.name)
      assert.deepInclude(mine, {
        uid: claim.metadata.uid,
        phase: claim.status.phase,
        requested: claim.spec.resources.requests.storage,
        capacity: claim.status.capacity.storage,
        storageClass: claim.spec.storageClassName,
        leftover: false
      })
      assert.deepEqual(mine?.["accessModes"], claim.spec.accessModes)
      assert.deepInclude(mine?.volume, {
        name: claim.spec.volumeName,
        driver: volume?.spec.csi.driver,
        handle: volume?.spec.csi.volumeHandle,
        reclaimPolicy: volume?.spec.persistentVolumeReclaimPolicy
      })
    }
  })

  it("of nodes, and where each replica is", async () => {
    const theirs = await get<List<Node>>(["nodes"])
    const pods = await get<List<Pod>>(["pods", "-l", "app=db", ...n])
    const ours = await document()
    for (const pod of pods.items) {
      const labels = theirs.items.find(({ metadata }) => metadata.name === pod.spec.nodeName)?.metadata.labels
      assert.deepInclude(
        ours.placements.find(({ replica }) => replica === pod.metadata.name),
        {
          node: pod.spec.nodeName,
          zone: labels?.["topology.kubernetes.io/zone"] ?? null,
          rack: labels?.["topology.kubectl-stateful.dev/rack"] ?? null
        }
      )
    }
  })

  it("of what stands around it", async () => {
    const ours = await document()
    assert.deepInclude(ours.services[0], {
      name: "db",
      governs: "StatefulSet/db",
      headless: true,
      present: true,
      selectsPods: true
    })
    assert.deepInclude(ours.budgets?.[0], {
      name: "db",
      minAvailable: "2",
      disruptionsAllowed: 1,
      expectedPods: 3
    })
    const names = ours.references.map(({ kind, name, present }) => `${kind}/${name} ${present}`)
    assert.includeMembers(names, ["ConfigMap/db-conf true", "Secret/db-pass true"])
    assert.notInclude(names.join(), "canary")
  })

  it("as text: a row for each replica and claim with kubectl's own values, on 80 columns", async () => {
    const page = await text()
    const pods = await get<List<Pod>>(["pods", "-l", "app=db", ...n])
    for (const pod of pods.items) {
      const words = row(page, pod.metadata.name).split(/\s{2,}/)
      assert.includeMembers(words, [pod.metadata.name, "True", pod.spec.nodeName])
    }
    const claims = await get<List<Claim>>(["pvc", ...n])
    for (const claim of claims.items) {
      assert.include(row(page, claim.metadata.name), claim.status.capacity.storage)
    }
    for (const line of page.split("\n")) assert.isAtMost(line.length, 80, line)
  })

  it("as names", async () => {
    assert.equal((await stateful(["describe", "db", ...n, "-o", "name"])).out, "statefulset.apps/db\n")
  })

  it("of all applications, one line each with its four answers", async () => {
    const ran = await stateful(["describe", ...n])
    assert.equal(ran.code, 0)
    assert.lengthOf(ran.out.trimEnd().split("\n"), 2)
    assert.match(row(ran.out, "db"), /3\/3/)
  })
})

describe("describe on a bad day", () => {
  it("shows a claim that a scale-down left over", async () => {
    await kubectl(["scale", "sts/db", ...n, "--replicas=2"])
    await until("db-2 to go", async () => (await get<List<Pod>>(["pods", ...n])).items.length === 2)
    const ours = await document()
    assert.deepEqual(
      ours.claims.filter(({ leftover }) => leftover).map(({ name }) => name),
      ["data-db-2", "wal-db-2"]
    )
    assert.match(row(await text(), "data-db-2"), /<none>/)
    await kubectl(["scale", "sts/db", ...n, "--replicas=3"])
    await kubectl(["rollout", "status", "sts/db", ...n, "--timeout=120s"])
  })

  it("names a Secret that is missing", async () => {
    const secret = await kubectl(["get", "secret", "db-pass", ...n, "-o", "json"])
    await kubectl(["delete", "secret", "db-pass", ...n])
    const ours = await document()
    assert.deepInclude(
      ours.references.find(({ name }) => name === "db-pass"),
      { kind: "Secret", present: false }
    )
    assert.equal(ours.checklist.find(({ question }) => question === "restart")?.answer, "No")
    assert.match(await text(), /db-pass \(missing\)/)
    await kubectl(["apply", ...n, "-f", "-"], secret)
  })

  it("says why a pod is pending", async () => {
    await kubectl(["cordon", "node-a", "node-b", "node-c"])
    try {
      await kubectl(["delete", "pod", "db-1", ...n])
      await until("db-1 to be pending", async () => {
        const { items } = await get<List<Pod>>(["pods", "--field-selector=status.phase=Pending", ...n])
        return items.some(({ metadata }) => metadata.name === "db-1")
      })
      await until("the scheduler's word", async () => {
        const ours = await document()
        return ours.replicas[1]?.pod?.reason?.includes("unschedulable") === true
      })
      assert.match(row(await text(), "db-1"), /False/)
    } finally {
      await kubectl(["uncordon", "node-a", "node-b", "node-c"])
    }
    await kubectl(["rollout", "status", "sts/db", ...n, "--timeout=120s"])
  })

  it("counts a lost node's pod as not ready, though kubectl shows it 1/1 and Running", async () => {
    if (!isBed()) return
    const [victim] = (await get<List<Pod>>(["pods", "-l", "app=db", ...n])).items
    if (victim === undefined) assert.fail("db has no pod")
    const { name } = victim.metadata
    const node = victim.spec.nodeName
    bed("lose", "node", node)
    try {
      await until(`${node} to be unreachable`, async () => {
        const pod = await get<Pod>(["pod", name, ...n])
        return pod.status.conditions.some(({ type, status }) => type === "Ready" && status === "False")
      })
      assert.match(await kubectl(["get", "pod", name, ...n]), /1\/1\s+Running/)
      const ours = await document()
      const replica = ours.replicas.find((each) => each.name === name)
      assert.deepInclude(replica?.pod, { phase: "Running", ready: false })
      assert.include(replica?.pod?.reason ?? "", node)
      assert.match(await text(), new RegExp(`${node} is unreachable`))
    } finally {
      bed("heal", "node", node)
    }
    await until("db to be whole again", async () => {
      const { status } = await get<Workload>(["sts", "db", ...n])
      return status.readyReplicas === 3
    })
  })
})

describe("describe for a user of one namespace", () => {
  const as = [`--as=system:serviceaccount:${space.name}:viewer`]

  beforeAll(async () => {
    await kubectl(["create", "serviceaccount", "viewer", ...n])
    await kubectl([
      "create",
      "role",
      "viewer",
      ...n,
      "--verb=get,list,watch",
      "--resource=statefulsets.apps,pods,persistentvolumeclaims,services,configmaps"
    ])
    await kubectl([
      "create",
      "rolebinding",
      "viewer",
      ...n,
      "--role=viewer",
      `--serviceaccount=${space.name}:viewer`
    ])
  })

  it("gives the rest, and says what could not be read and which permission is missing", async () => {
    const ours = await document(...as)
    assert.lengthOf(ours.replicas, 3)
    assert.lengthOf(ours.claims, 6)
    assert.isNull(ours.nodes)
    const unread = ours.unread.filter(({ reason }) => reason === "Forbidden").map(({ resource }) => resource)
    assert.includeMembers(unread, ["nodes", "persistentvolumes", "secrets"])
    assert.isNull(ours.references.find(({ name }) => name === "db-pass")?.present)
    const page = await text(...as)
    assert.match(page, /<unknown>/)
    assert.match(page, /nodes/)
  })

  it("is one line and exit 1 when not even StatefulSets may be read", async () => {
    const ran = await stateful(["describe", "db", ...n, "--as=nobody"])
    assert.equal(ran.code, 1)
    assert.match(ran.err, /^Error from server \(Forbidden\): statefulsets\.apps "db" is forbidden/)
  })
})

describe("what describe asks for", () => {
  it("is never a Helm release, nor more of a Secret than its metadata", async () => {
    const audited = () => readFileSync(process.env["BED_AUDIT_LOG"] ?? "", "utf8")
    // The log may hold days of others' requests.
    const before = isBed() ? audited().length : 0
    const ran = await stateful(["describe", "db", ...n, "-v", "8"])
    assert.equal(ran.code, 0)
    if (!isBed()) return
    const lines = audited()
      .slice(before)
      .split("\n")
      .filter((line) => line.includes("kubectl-stateful/") && line.includes("/secrets"))
    assert.isNotEmpty(lines)
    for (const line of lines) assert.include(decodeURIComponent(line), "type!=helm.sh/release.v1")
  })

  it("with --check-keys names keys and still shows no value", async () => {
    const ours = await document("--check-keys")
    const secret = ours.references.find(({ name }) => name === "db-pass")
    assert.deepInclude(secret, { kind: "Secret", missingKeys: [] })
    assert.include(JSON.stringify(secret), "password")
  })
})

describe("bad input", () => {
  const refused: ReadonlyArray<readonly [string, ReadonlyArray<string>, RegExp]> = [
    [
      "a name that is not there, with the near one",
      ["describe", "bd", ...n],
      /statefulsets\.apps "bd" not found[\s\S]*\bdb\b/
    ],
    ["another kind", ["describe", "deployment/db", ...n], /deployment/],
    ["an invalid selector", ["describe", "-l", "a in b", ...n], /selector|unable to parse/],
    [
      "an unreachable server",
      ["describe", "db", ...n, "--kubeconfig", "/nonexistent"],
      /kubeconfig|nonexistent/
    ],
    ["an unknown flag", ["describe", "db", "--frobnicate"], /frobnicate/]
  ]
  for (const [what, args, words] of refused) {
    it(`${what} is an error that says so, and exit 1`, async () => {
      const ran = await stateful(args)
      assert.equal(ran.code, 1)
      assert.match(ran.err, words)
      assert.notMatch(ran.err, /\n\s+at /)
      assert.isAtMost(ran.err.trimEnd().split("\n").length, 2, ran.err)
    })
  }
})

describe("canaries", () => {
  it("no word that was printed in this suite carries a Secret's value, in any encoding", () => {
    assert.isAbove(printed.length, 30)
    const bytes = Buffer.from(canary)
    const encodings = [
      canary,
      bytes.toString("base64").replace(/=+$/, ""),
      bytes.toString("hex"),
      encodeURIComponent(canary),
      JSON.stringify(canary).slice(1, -1)
    ]
    for (const words of printed) {
      for (const encoding of encodings) assert.isFalse(words.includes(encoding))
    }
  })
})
