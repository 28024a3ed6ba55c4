/** Freezes and restores against what nobody can be faster than, and against loops that go one by one. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { cpus, loadavg } from "node:os"
import { Command, run } from "../../packages/sdk/src/Hook.ts"
import { layer } from "../../packages/sdk/src/kubernetes/index.ts"
import { predicted } from "../../packages/sdk/src/snapshot/freeze.ts"
import { bed, kubectl, namespace } from "../cluster/suite/commands.ts"
import { removeCuts } from "../cluster/suite/cuts.ts"
import { bundled, type Plugin } from "../cluster/suite/plugin.ts"
import { installMembers } from "../cluster/suite/writer.ts"
import * as members from "./members.ts"
import { environment } from "./environment.ts"
import { elapsed, median } from "./pairs.ts"
import { seconds, table } from "./table.ts"

interface Options {
  readonly pairs: number
  readonly quick: boolean
  readonly only: string
}

const space = "snapshot-bench"
const slowClass = "snapshot-bench-hydrate"

const load = (): string => `load ${loadavg()[0]?.toFixed(1)} on ${cpus().length} cores`
const millis = (value: number): string => `${Math.round(value)} ms`
const verdict = (isMet: boolean): string => (isMet ? "met" : "missed")

const header = ["work", "seen", "against", "ratio", "bound", ""]
type Row = ReadonlyArray<string>

const ok = async (plugin: Plugin, ...args: ReadonlyArray<string>) => {
  const ran = await plugin.run([...args, "-n", space])
  if (ran.code !== 0) throw new Error(`${args[0]}: ${ran.err.trim().slice(-400)}`)
  return ran
}

const fresh = async <A>(work: () => Promise<A>): Promise<A> => {
  const home = namespace(space)
  await removeCuts([space])
  await home.create()
  try {
    return await work()
  } finally {
    await removeCuts([space])
    await kubectl(["delete", "namespace", space, "--ignore-not-found", "--timeout=180s"])
  }
}

/** So many no-op execs at once, through the same client, in milliseconds. */
const execs = async (pods: number): Promise<number> => {
  const runtime = ManagedRuntime.make(layer())
  const nothing = Command.make({ argv: ["true"], container: null, timeout: 30_000 })
  const all = Effect.forEach(
    Array.from({ length: pods }, (_, ordinal) => ordinal),
    (ordinal) => run(nothing, { namespace: space, pod: `db-${ordinal}`, ordinal, fqdn: "" }),
    { concurrency: "unbounded" }
  )
  try {
    await runtime.runPromise(all)
    const times: Array<number> = []
    for (let index = 0; index < 3; index++) times.push(await elapsed(() => runtime.runPromise(all)))
    return median(times)
  } finally {
    await runtime.dispose()
  }
}

const usualQps = 50
let rateNow = usualQps

/** Requests a second of the snapshot controller and its side-car. */
const rate = (qps: number): void => {
  if (qps !== rateNow) bed("snapshot-rate", "--qps", `${qps}`)
  rateNow = qps
}

/** Names that no log has from before. */
const started = Date.now().toString(36)
let sets = 0

/** One quiesced set, each volume alone: for how long the members were held, and how long the cuts took. */
const frozen = async (plugin: Plugin, shape: members.Members, qps: number) => {
  const set = `bench-${started}-${(sets += 1)}`
  const deadline = "30s"
  const how = ["--consistency", "quiesced", "--group-class", "none", "--snapshot-qps", `${qps}`]
  await ok(plugin, "snapshot", "db", "--name", set, ...how, "--profile", members.profile(deadline))
  return { window: await members.windowOf(shape), cutting: members.cutting(space, set) }
}

interface Freeze {
  readonly work: string
  readonly pods: number
  readonly volumes: number
  readonly qps: number
}

const freezes = (quick: boolean): ReadonlyArray<Freeze> => [
  { work: "freeze: 1 volume in each of 3 pods", pods: 3, volumes: 1, qps: 50 },
  { work: "freeze: 3 volumes in each of 3 pods", pods: 3, volumes: 3, qps: 50 },
  { work: "freeze: 10 volumes in 5 pods", pods: 5, volumes: 2, qps: 50 },
  ...(quick
    ? []
    : [100, 200].map((qps) => ({ work: `freeze: 100 volumes in 10 pods`, pods: 10, volumes: 10, qps })))
]

const shapeOf = ({ pods, volumes }: Pick<Freeze, "pods" | "volumes">): members.Members => ({
  namespace: space,
  pods,
  volumes,
  storageClass: "shared-immediate"
})

/** The window against the last cut and as many execs: the medians of some runs in one application. */
const freezeRow = (plugin: Plugin, pairs: number, freeze: Freeze): Promise<Row> =>
  fresh(async () => {
    const shape = shapeOf(freeze)
    await members.install(shape)
    rate(freeze.qps)
    try {
      const seen: Array<{ window: number; against: number; over: number }> = []
      for (let index = 0; index < pairs; index++) {
        const before = await execs(freeze.pods)
        const { window, cutting } = await frozen(plugin, shape, freeze.qps)
        const against = cutting + (before + (await execs(freeze.pods))) / 2
        seen.push({ window, against, over: window - 1.1 * against })
      }
      const [window, against] = [
        median(seen.map((one) => one.window)),
        median(seen.map((one) => one.against))
      ]
      const over = median(seen.map((one) => one.over))
      const ratios = seen.map((one) => (one.window / one.against).toFixed(2)).toSorted()
      return [
        `${freeze.work}, ${freeze.qps} QPS`,
        millis(window),
        `${millis(against)}: cuts and ${freeze.pods} execs`,
        `${(window / against).toFixed(2)} (${ratios[0]}, ${ratios.at(-1)})`,
        "1.10 + 150 ms",
        verdict(over <= 150)
      ]
    } finally {
      rate(usualQps)
    }
  })

const loopRow = (plugin: Plugin): Promise<Row> =>
  fresh(async () => {
    const shape = shapeOf({ pods: 5, volumes: 2 })
    await members.install(shape)
    const { window } = await frozen(plugin, shape, 50)
    const theirs = await members.oneByOne(shape, "loop")
    const ratio = window / theirs
    return [
      "freeze: 10 volumes in 5 pods, against a backup tool's loop (restated: hooks, volume after volume, a look every 5 s)",
      millis(window),
      seconds(theirs),
      ratio.toFixed(3),
      "0.05",
      verdict(ratio <= 0.05)
    ]
  })

const throttled = 5

const predictedRow = (plugin: Plugin): Promise<Row> =>
  fresh(async () => {
    const shape = shapeOf({ pods: 5, volumes: 2 })
    await members.install(shape)
    rate(throttled)
    try {
      // Tokens for a burst have to be there again.
      await new Promise((resume) => setTimeout(resume, 5000))
      const { window } = await frozen(plugin, shape, throttled)
      const { millis: said } = predicted(10, false, true, { snapshotQps: throttled })
      const ratio = said / window
      return [
        `predicted freeze of 10 volumes in 5 pods, ${throttled} QPS`,
        `${seconds(said)} predicted`,
        `${seconds(window)} real`,
        ratio.toFixed(2),
        "0.75 to 1.25",
        verdict(ratio >= 0.75 && ratio <= 1.25)
      ]
    } finally {
      rate(usualQps)
    }
  })

const refusedRow = (plugin: Plugin): Promise<Row> =>
  fresh(async () => {
    await members.install(shapeOf({ pods: 10, volumes: 10 }))
    const how = ["--consistency", "quiesced", "--group-class", "none", "--snapshot-qps", `${throttled}`]
    const args = ["snapshot", "db", "--name", "many", ...how, "--profile", members.profile("30s")]
    const { code, err } = await plugin.run([...args, "-n", space])
    const { millis: said, how: known } = predicted(100, false, true, { snapshotQps: throttled })
    const isRight = code === 1 && err.includes(`quiesced for`) && err.includes(known)
    const [reason = ""] = err.trim().split("; ")
    return [
      `100 volumes in 10 pods, ${throttled} QPS, deadline 30 s`,
      reason.slice(0, 240),
      `${seconds(said)} predicted`,
      "",
      "refused",
      verdict(isRight)
    ]
  })

/** A claim from its cut, then its pod, then the next: as one does it by hand. */
const byHand = async (shape: members.Members, set: string): Promise<number> => {
  const n = ["-n", space]
  await kubectl(["delete", "sts", "db", ...n, "--cascade=foreground", "--timeout=300s"])
  await kubectl(["delete", "pvc", "--all", ...n, "--timeout=300s"])
  await kubectl(["create", "-f", "-"], JSON.stringify(members.statefulSet(shape, 0)))
  return elapsed(async () => {
    for (const [index, claim] of members.claimsOf(shape).entries()) {
      const value = {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: claim, namespace: space, labels: { app: "db" } },
        spec: {
          storageClassName: shape.storageClass,
          accessModes: ["ReadWriteOnce"],
          resources: { requests: { storage: "64Mi" } },
          dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: `${set}-${claim}` }
        }
      }
      await kubectl(["create", "-f", "-"], JSON.stringify(value))
      await kubectl(["wait", `pvc/${claim}`, ...n, "--for=jsonpath={.status.phase}=Bound", "--timeout=120s"])
      await kubectl(["scale", "sts/db", ...n, `--replicas=${index + 1}`])
      await kubectl(["rollout", "status", "sts/db", ...n, "--timeout=120s"])
    }
  })
}

const hydrating = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: slowClass },
  provisioner: "bed.csi.kubectl-stateful.dev",
  parameters: { access: "shared", provisionDelay: "5s", "csi.storage.k8s.io/fstype": "xfs" },
  volumeBindingMode: "Immediate"
}

const restoreRow = (plugin: Plugin, quick: boolean): Promise<Row> =>
  fresh(async () => {
    const pods = quick ? 3 : 20
    const shape = { namespace: space, pods, volumes: 1, storageClass: slowClass, readySeconds: 1 }
    await kubectl(["apply", "-f", "-"], JSON.stringify(hydrating))
    await members.install(shape)
    await ok(plugin, "snapshot", "db", "--name", "state", "--consistency", "crash")
    const ours = await elapsed(() => ok(plugin, "restore", "state", "--yes"))
    const theirs = await byHand(shape, "state")
    const ratio = ours / theirs
    return [
      `restore of ${pods} pods, hydration 5 s, readiness 1 s, Parallel, against volume, then pod, one by one`,
      seconds(ours),
      seconds(theirs),
      ratio.toFixed(2),
      "0.30",
      verdict(ratio <= 0.3)
    ]
  })

/** From the first change of the count to the end. */
const down = async (plugin: Plugin, args: ReadonlyArray<string>): Promise<number> => {
  const run = plugin.start([...args, "-n", space])
  if (!(await run.says(/replicas \d+ -> \d+/))) throw new Error((await run.ended).err)
  const began = performance.now()
  const { code, err } = await run.ended
  if (code !== 0) throw new Error(err)
  return performance.now() - began
}

const downtimeRow = (plugin: Plugin, pairs: number): Promise<Row> =>
  fresh(async () => {
    await installMembers(space, { replicas: 3 })
    await ok(plugin, "snapshot", "db", "--name", "state", "--consistency", "group")
    const alone = async () => {
      const off = await down(plugin, ["scale", "db", "--replicas", "0"])
      return off + (await elapsed(() => ok(plugin, "scale", "db", "--replicas", "3")))
    }
    const seen: Array<{ ours: number; theirs: number }> = []
    for (let index = 0; index < pairs; index++) {
      const theirs = await alone()
      const ours = await down(plugin, ["restore", "state", "--yes"])
      seen.push({ ours, theirs })
      await ok(plugin, "scale", "db", "--purge")
    }
    const [ours, theirs] = [median(seen.map((one) => one.ours)), median(seen.map((one) => one.theirs))]
    const ratios = seen.map((one) => (one.ours / one.theirs).toFixed(2)).toSorted()
    return [
      "downtime of a restore of 3 PostgreSQL members, against scale to 0 and back",
      seconds(ours),
      seconds(theirs),
      `${(ours / theirs).toFixed(2)} (${ratios[0]}, ${ratios.at(-1)})`,
      "1.25",
      verdict(ours / theirs <= 1.25)
    ]
  })

/** Prints the table; 1 if a bound was missed. */
export const snapshot = async ({ pairs, quick, only }: Options): Promise<number> => {
  await environment()
  const plugin = bundled()
  const lines: Array<Row> = []
  const add = async (work: string, measure: () => Promise<Row>): Promise<void> => {
    if (!work.includes(only)) return
    const line = await measure().catch((cause: unknown): Row => [
      work,
      `failed: ${String(cause).slice(0, 300)}`,
      "",
      "",
      "",
      "missed"
    ])
    lines.push(line)
    console.error(`${line.join("  ")}  ${load()}`)
  }
  try {
    for (const freeze of freezes(quick))
      await add(`${freeze.work}, ${freeze.qps} QPS`, () => freezeRow(plugin, pairs, freeze))
    await add("against a backup tool's loop", () => loopRow(plugin))
    await add("predicted freeze", () => predictedRow(plugin))
    if (!quick) await add("refused: 100 volumes", () => refusedRow(plugin))
    await add("restore of 20 pods", () => restoreRow(plugin, quick))
    await add("downtime of a restore", () => downtimeRow(plugin, pairs))
  } finally {
    await kubectl(["delete", "storageclass", slowClass, "--ignore-not-found"])
  }
  console.log(
    `\n${table([header, ...lines])}\n\nsnapshot controller and side-car with 10 workers each; ${pairs} runs a row; ${load()}`
  )
  return lines.some((line) => line.at(-1) === "missed") ? 1 : 0
}
