/** Ordered scaling against one `kubectl scale` with the native controller, and against a loop of them. */
import { cpus, loadavg } from "node:os"
import { bed, kubectl, namespace } from "../cluster/suite/commands.ts"
import { bundled, type Plugin } from "../cluster/suite/plugin.ts"
import { environment } from "./environment.ts"
import { alternate, compare, elapsed, median } from "./pairs.ts"
import { seconds, table } from "./table.ts"
import * as workload from "./workload.ts"
import type { Shape } from "./workload.ts"

interface Options {
  readonly pairs: number
  readonly quick: boolean
  readonly only: string
}

const space = "scale-bench"
const immediate = "scale-bench-immediate"

/** Succeeds, or is the benchmark's failure. */
const scaled = async (plugin: Plugin, args: ReadonlyArray<string>): Promise<void> => {
  const ran = await plugin.run([...args, "-n", space])
  if (ran.code !== 0) throw new Error(`${args.join(" ")}: ${ran.err}`)
}

const native = async ({ name }: Shape, to: number): Promise<void> => {
  await kubectl(["scale", `sts/${name}`, "-n", space, `--replicas=${to}`])
  const ready = `--for=jsonpath={.status.readyReplicas}=${to}`
  await kubectl(["wait", `sts/${name}`, "-n", space, ready, "--timeout=600s"])
}

const stepwise = async ({ name }: Shape, to: number): Promise<void> => {
  for (let count = 1; count <= to; count++) {
    await kubectl(["scale", `sts/${name}`, "-n", space, `--replicas=${count}`])
    await kubectl(["rollout", "status", `sts/${name}`, "-n", space, "--timeout=600s"])
  }
}

interface Row {
  readonly work: string
  readonly shape: Omit<Shape, "namespace">
  readonly to: number
  /** Volumes that are there before. */
  readonly made?: boolean
  readonly flags?: ReadonlyArray<string>
  readonly against?: typeof native
  /** Null: shown for comparison. */
  readonly bound: number | null
}

const fast = { readyAfter: "0s" }
const slow = { readyAfter: "500ms" }

const rows = (quick: boolean): ReadonlyArray<Row> => {
  const hundred = quick ? 10 : 100
  const twenty = quick ? 4 : 20
  const six = quick ? 2 : 6
  return [
    {
      work: `0 to ${hundred} on kwok, one claim`,
      shape: { name: "plain", fake: fast, storageClass: "scale-bench" },
      to: hundred,
      made: true,
      bound: 1.05
    },
    {
      work: `0 to ${hundred} on kwok, one claim that binds at once`,
      shape: { name: "ahead", fake: fast, storageClass: immediate },
      to: hundred,
      made: true,
      bound: 1.05
    },
    {
      work: `0 to ${twenty} real pods, a hook each, readiness 1 s`,
      shape: { name: "hooked", readySeconds: 1 },
      to: twenty,
      flags: ["--after-add", "true"],
      bound: 1.1
    },
    {
      work: `0 to ${twenty} on kwok, provisioning 2 s, readiness 0.5 s`,
      shape: { name: "slow", fake: slow, storageClass: "slow-immediate" },
      to: twenty,
      bound: 0.3
    },
    {
      work: `0 to ${six} real pods, provisioning 2 s`,
      shape: { name: "real", storageClass: "slow-immediate" },
      to: six,
      bound: 0.65
    },
    {
      work: `0 to ${twenty} on kwok, one claim, against a loop with rollout status`,
      shape: { name: "loop", fake: fast, storageClass: "scale-bench" },
      to: twenty,
      made: true,
      against: stepwise,
      bound: 0.6
    },
    {
      work: `0 to ${twenty} on kwok, provisioning 2 s, readiness 0.5 s, against a loop`,
      shape: { name: "loopslow", fake: slow, storageClass: "slow-immediate" },
      to: twenty,
      against: stepwise,
      bound: 0.6
    },
    {
      work: `0 to ${twenty} on kwok, one claim that binds at once, against a loop`,
      shape: { name: "loopahead", fake: fast, storageClass: immediate },
      to: twenty,
      made: true,
      against: stepwise,
      bound: 0.6
    },
    {
      work: `0 to ${twenty} on kwok, no claim, against a loop`,
      shape: { name: "loopbare", fake: fast },
      to: twenty,
      against: stepwise,
      bound: 0.6
    }
  ]
}

const fresh = async (row: Row, work: (shape: Shape) => Promise<number>): Promise<number> => {
  const shape = { ...row.shape, namespace: space }
  if (row.made) await workload.volumes(shape, row.to)
  await workload.create(shape)
  try {
    return await work(shape)
  } finally {
    await workload.remove(shape)
  }
}

const header = ["work", "ours", "theirs", "ratio (least, greatest of a pair)", "bound", ""]

const measured = async (row: Row, plugin: Plugin, pairs: number): Promise<ReadonlyArray<string>> => {
  const against = row.against ?? native
  const args = (shape: Shape) => ["scale", shape.name, "--replicas", `${row.to}`, ...(row.flags ?? [])]
  const seen = await alternate(
    pairs,
    () => fresh(row, (shape) => elapsed(() => scaled(plugin, args(shape)))),
    () => fresh(row, (shape) => elapsed(() => against(shape, row.to)))
  )
  const { ours, theirs, ratio, spread } = compare(seen)
  const words = `${ratio.toFixed(2)} (${spread.map((each) => each.toFixed(2)).join(", ")})`
  const bound = row.bound === null ? "" : `${row.bound}`
  const verdict = row.bound === null ? "" : ratio <= row.bound ? "met" : "missed"
  return [row.work, seconds(ours), seconds(theirs), words, bound, verdict]
}

/** Killed half way, a barrier at each replica; what a resume takes beyond the steps that were left. */
const resumed = async (plugin: Plugin, pairs: number, quick: boolean): Promise<ReadonlyArray<string>> => {
  const to = quick ? 4 : 20
  const row: Row = { work: "resume", shape: { name: "killed", fake: slow }, to, bound: null }
  const scale = ["scale", "killed", "--replicas", `${to}`, "--step", "1", "-n", space]
  const half = to / 2
  const whole = () =>
    fresh(row, async () => {
      const run = plugin.start(scale)
      await run.says(/^\[1\//)
      // From its first step on: its start and its farewell are not work that a resume has to do.
      return elapsed(() => run.says(new RegExp(`^killed-${to - 1} +ready`)))
    })
  const rest = () =>
    fresh(row, async () => {
      const run = plugin.start(scale)
      await run.says(new RegExp(`^killed-${half - 1} +ready`))
      run.kill("SIGKILL")
      await run.ended
      return elapsed(() => scaled(plugin, ["resume"]))
    })
  const over: Array<number> = []
  const took: Array<number> = []
  for (let index = 0; index < pairs; index++) {
    const work = (await whole()) * ((to - half) / to)
    const took1 = await rest()
    took.push(took1)
    over.push(took1 - work)
  }
  const beyond = median(over)
  const spread = [Math.min(...over), Math.max(...over)].map(seconds).join(", ")
  return [
    `resume after SIGKILL at ${half} of ${to}`,
    seconds(median(took)),
    `${seconds(median(took) - beyond)} of work`,
    `${seconds(beyond)} beyond it (${spread})`,
    "2 s",
    beyond <= 2000 ? "met" : "missed"
  ]
}

const load = (): string => `load ${loadavg()[0]?.toFixed(1)} on ${cpus().length} cores`

/** Prints the table; 1 if a bound was missed. */
export const scale = async ({ pairs, quick, only }: Options): Promise<number> => {
  await environment()
  bed("kwok", "--nodes", "10")
  const plugin = bundled()
  const home = namespace(space)
  await home.create()
  await workload.immediateClass(immediate)
  const lines: Array<ReadonlyArray<string>> = []
  const add = async (work: string, measure: () => Promise<ReadonlyArray<string>>): Promise<void> => {
    if (!work.includes(only)) return
    const line = await measure()
    lines.push(line)
    console.error(`${line.join("  ")}  ${load()}`)
  }
  try {
    for (const row of rows(quick)) await add(row.work, () => measured(row, plugin, pairs))
    await add("resume after SIGKILL", () => resumed(plugin, pairs, quick))
  } finally {
    await kubectl(["delete", "pv", "-l", `bench=${space}`, "--wait=false"])
    await kubectl(["delete", "storageclass", immediate, "--ignore-not-found"])
    await home.remove()
  }
  console.log(`\n${table([header, ...lines])}\n\n${pairs} pairs a row, in alternation; ${load()}`)
  return lines.some((line) => line.at(-1) === "missed") ? 1 : 0
}
