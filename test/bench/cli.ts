/** The plugin as whole processes: its start against a bare Node, its reads against kubectl's of the same objects. */
import { mkdtempSync, rmSync } from "node:fs"
import { cpus, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { bed, kubectl, namespace } from "../cluster/suite/commands.ts"
import { environment } from "./environment.ts"
import { alternate, compare, median } from "./pairs.ts"
import { built, type Programs, run } from "./programs.ts"
import { table } from "./table.ts"
import { counted } from "./wire.ts"
import * as workload from "./workload.ts"

interface Options {
  readonly pairs: number
  readonly quick: boolean
  readonly only: string
}

type Command = ReadonlyArray<string>

interface Row {
  readonly work: string
  readonly ours: Command
  readonly theirs: Command
  /** For the binary and for the package; null: shown for comparison. */
  readonly bounds: readonly [binary: number | null, npm: number | null]
  /** That of their memory, too. */
  readonly memory?: number
}

const big = "cli-bench"
const many = (index: number) => `cli-bench-${index}`
const storageClass = "cli-bench"

const node: Command = [process.execPath, "-e", "0"]

const rows: ReadonlyArray<Row> = [
  { work: "--version, against `node -e 0`", ours: ["--version"], theirs: node, bounds: [1.3, 1.5] },
  {
    work: "completion of verbs, against `node -e 0`",
    ours: ["__complete", ""],
    theirs: node,
    bounds: [1.3, 1.5]
  },
  { work: "--help, against `node -e 0`", ours: ["--help"], theirs: node, bounds: [2.5, 3] },
  ...["operations", "peers big", "snapshots", "__complete describe b"].map((read) => ({
    work: `${read}, against \`kubectl get cm\``,
    ours: [...read.split(" ").slice(0, 1), "-n", big, ...read.split(" ").slice(1)],
    theirs: ["kubectl", "get", "cm", "-n", big],
    bounds: [1.3, 2] as const
  })),
  {
    work: "describe, against `kubectl get pods`",
    ours: ["describe", "big", "-n", big],
    theirs: ["kubectl", "get", "pods", "-n", big],
    bounds: [2, 2.5]
  },
  {
    work: "describe, against `kubectl describe pods --show-events=true`",
    ours: ["describe", "big", "-n", big],
    theirs: ["kubectl", "describe", "pods", "--show-events=true", "-n", big],
    bounds: [0.08, 0.1]
  },
  {
    work: "describe -A, against `kubectl get sts,pods,pvc,svc,cm,secret -A -o json`",
    ours: ["describe", "-A"],
    theirs: ["kubectl", "get", "sts,pods,pvc,svc,cm,secret", "-A", "-o", "json"],
    bounds: [0.35, 0.5],
    memory: 0.5
  }
]

const ms = (milliseconds: number): string => `${Math.round(milliseconds)} ms`

const header = ["work", "program", "ours", "theirs", "ratio (lowest, highest)", "bound", ""]

const measured = async (row: Row, program: Command, bound: number | null, pairs: number) => {
  const [ours, theirs] = [[...program, ...row.ours], row.theirs]
  const memory: { ours: Array<number>; theirs: Array<number> } = { ours: [], theirs: [] }
  const timed = (command: Command, kept: Array<number>) => async () => {
    const ran = await run(command)
    kept.push(ran.memory)
    return ran.milliseconds
  }
  // The first fills the compile cache and the page cache.
  await run(ours)
  await run(theirs)
  const compared = compare(await alternate(pairs, timed(ours, memory.ours), timed(theirs, memory.theirs)))
  const used = [median(memory.ours), median(memory.theirs)] as const
  const words = row.memory === undefined ? "" : `; ${Math.round(used[0])} of ${Math.round(used[1])} MiB`
  const isMet =
    bound === null ||
    (compared.ratio <= bound && (row.memory === undefined || used[0] <= used[1] * row.memory))
  return [
    ms(compared.ours),
    ms(compared.theirs),
    `${compared.ratio.toFixed(2)} (${compared.spread.map((each) => each.toFixed(2)).join(", ")})${words}`,
    bound === null ? "" : String(bound),
    bound === null ? "" : isMet ? "met" : "missed"
  ]
}

/** Pods, claims and volumes of one application, and many small ones in namespaces of their own. */
const populate = async (quick: boolean): Promise<ReadonlyArray<string>> => {
  const size = quick ? 10 : 500
  const shape = { name: "big", namespace: big, fake: { readyAfter: "0s" }, storageClass, parallel: true }
  await workload.volumes(shape, size)
  await workload.create({ ...shape, replicas: size })
  const spaces = Array.from({ length: 4 }, (_, index) => many(index))
  const sets = quick ? 1 : 50
  for (const [index, space] of spaces.entries()) {
    await namespace(space).create()
    // 1,100 pods in all: every other application has 5, the others 6.
    const shapes = Array.from({ length: sets }, (_each, place) => ({
      name: `app-${place}`,
      namespace: space,
      replicas: quick ? 1 : 5 + ((index + place) % 2),
      fake: { readyAfter: "0s" },
      parallel: true
    }))
    await workload.createAll(shapes)
  }
  return spaces
}

/** What comes over the wire for the whole state of the application, by us and by kubectl, both compressed. */
const wire = async ({ binary }: Programs, folder: string): Promise<void> => {
  const port = await counted(join(folder, "kubeconfig"))
  try {
    await run([...binary, "describe", "big", "-n", big, "-o", "json", "--kubeconfig", port.kubeconfig])
    const ours = port.taken()
    const kinds = "sts,pods,pvc,svc,cm,secret,events"
    await run(["kubectl", "get", kinds, "-n", big, "-o", "json", "--kubeconfig", port.kubeconfig])
    await run(["kubectl", "get", "pv", "-o", "json", "--kubeconfig", port.kubeconfig])
    const theirs = port.taken()
    console.log(`bytes read for the whole state of \`big\`: ${ours} by describe, ${theirs} by kubectl get`)
  } finally {
    port.close()
  }
}

const dispatched = async (programs: Programs, pairs: number): Promise<void> => {
  const direct = async () => (await run([...programs.binary, "--version"])).milliseconds
  const through = async () => (await run(["kubectl", "stateful", "--version"])).milliseconds
  process.env["PATH"] = `${join(programs.binary[0] ?? "", "..")}:${process.env["PATH"]}`
  const { ours, theirs } = compare(await alternate(pairs, through, direct))
  console.log(`through \`kubectl stateful\`: ${ms(ours - theirs)} more, for kubectl's own dispatch`)
}

/** Prints the table; 1 if a bound was missed. */
export const cli = async ({ pairs, quick, only }: Options): Promise<number> => {
  await environment()
  bed("kwok", "--nodes", "20")
  const programs = built()
  const folder = mkdtempSync(join(tmpdir(), "cli-bench-"))
  const home = namespace(big)
  let spaces: ReadonlyArray<string> = []
  const lines: Array<ReadonlyArray<string>> = []
  try {
    await home.create()
    await workload.immediateClass(storageClass)
    spaces = await populate(quick)
    for (const row of rows.filter(({ work }) => work.includes(only)))
      for (const [place, program] of (["binary", "npm"] as const).entries()) {
        const bound = row.bounds[place] ?? null
        const line = [row.work, program, ...(await measured(row, programs[program], bound, pairs))]
        lines.push(line)
        console.error(`${line.join("  ")}  load ${loadavg()[0]?.toFixed(1)}`)
      }
    console.log(`\n${table([header, ...lines])}\n`)
    await wire(programs, folder)
    await dispatched(programs, pairs)
    console.log(
      `${pairs} pairs a row, in alternation; load ${loadavg()[0]?.toFixed(1)} on ${cpus().length} cores`
    )
  } finally {
    programs.remove()
    rmSync(folder, { recursive: true, force: true })
    for (const space of spaces) await namespace(space).remove()
    await kubectl(["delete", "pv", "-l", `bench=${big}`, "--wait=false"])
    await kubectl(["delete", "storageclass", storageClass, "--ignore-not-found"])
    await home.remove()
  }
  return lines.some((line) => line.at(-1) === "missed") ? 1 : 0
}
