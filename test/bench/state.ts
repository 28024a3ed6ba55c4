/**
 * What the state of many applications costs once its objects are read: the time to compose it and
 * to answer the four questions, for 25,000 pods and for twice as many, in turn, and the memory of
 * reading it all through the port.
 */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Effect from "effect/Effect"
import { answer } from "../../packages/sdk/src/Checklist.ts"
import { observeAll, readAll } from "../../packages/sdk/src/State.ts"
import type { Json } from "../sdk/objects.ts"
import { crowd } from "../sdk/state/crowd.ts"
import { wire, type Wire } from "../sdk/wire.ts"
import { seconds, table } from "./table.ts"

const self = fileURLToPath(import.meta.url)

/** The most by which twice the pods may cost more. */
const bound = 2.2

const quick = process.argv.includes("--quick")
const half = quick ? 10 : 250
const replicas = 100

const timed = (run: () => unknown): number => {
  const began = performance.now()
  run()
  return performance.now() - began
}

const count = (pods: number): string => `${pods.toLocaleString("en")} pods`

/** From how many pods on; each with a claim, a volume, a snapshot and a device. */
const work = {
  "sets of 100": { pods: half * replicas, of: (pods: number) => crowd({ sets: pods / replicas, replicas }) },
  "one set": { pods: half * 20, of: (pods: number) => crowd({ sets: 1, replicas: pods }) }
}

const composing = (): ReadonlyArray<ReadonlyArray<string>> =>
  Object.entries(work).flatMap(([what, { pods, of }]) => {
    const [small, large] = [of(pods), of(2 * pods)]
    const times = { small: Array<number>(), large: Array<number>() }
    for (let run = 0; run < 5; run++) {
      times.small.push(timed(() => observeAll(small).map((state) => answer(state))))
      times.large.push(timed(() => observeAll(large).map((state) => answer(state))))
    }
    const [once, twice] = [Math.min(...times.small), Math.min(...times.large)]
    return [
      [
        `state and checklist, ${what}: ${count(pods)}, then twice as many`,
        `${seconds(once)}, ${seconds(twice)}`,
        (twice / once).toFixed(2),
        `${bound}`
      ]
    ]
  })

const collect: () => void = (setFlagsFromString("--expose-gc"), runInNewContext("gc"))

/** Peak of resident memory above what stands before: the objects of the server that is read from among it. */
const reading = async (sets: number): Promise<ReadonlyArray<ReadonlyArray<string>>> => {
  const { lists } = crowd({ sets, replicas })
  const server = wire(lists as { [P in keyof Wire["objects"]]: ReadonlyArray<Json> })
  collect()
  const before = process.memoryUsage().rss
  const began = performance.now()
  await Effect.runPromise(Effect.provide(readAll({ namespace: "shop" }), server.layer))
  const peak = process.resourceUsage().maxRSS * 1024
  const read = seconds(performance.now() - began)
  return [
    [
      `read ${count(sets * replicas)} and compose: time, peak of memory`,
      `${read}, ${Math.round((peak - before) / 1e6)} MB`,
      "",
      ""
    ]
  ]
}

const parts = {
  compose: () => Promise.resolve(composing()),
  half: () => reading(half),
  whole: () => reading(2 * half)
}

const part = process.env["BENCH_PART"]
if (part === undefined) {
  // Each part in a process of its own, so that none pays for another's heap.
  const rows = Object.keys(parts).flatMap((name) => {
    const child = spawnSync(
      process.execPath,
      ["--conditions=source", "--max-old-space-size=8192", self, ...(quick ? ["--quick"] : [])],
      { encoding: "utf8", env: { ...process.env, BENCH_PART: name }, stdio: ["ignore", "pipe", "inherit"] }
    )
    if (child.status !== 0) throw new Error(`${name} ended with ${child.status}`)
    return JSON.parse(child.stdout) as ReadonlyArray<ReadonlyArray<string>>
  })
  console.log(table([["what", "seen", "ratio", "bound"], ...rows]))
  process.exitCode = rows.some(([, , ratio]) => Number(ratio) > bound) ? 1 : 0
} else console.log(JSON.stringify(await parts[part as keyof typeof parts]()))
