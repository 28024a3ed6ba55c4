/**
 * What the cluster in memory costs, on one core: requests a second through the port, what ten
 * thousand pods and their claims weigh, how long a wide StatefulSet takes to start, and how many
 * faulted operations are simulated in a second.
 */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Request } from "../../packages/sdk/src/Cluster.ts"
import { random } from "../../packages/sandbox/src/Fault.ts"
import { inject } from "../../packages/sandbox/src/FaultyCluster.ts"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { persistentvolumeclaims, pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make, type Options, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import { table } from "./table.ts"

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

const statefulSet = (name: string, replicas: number) => ({
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
        containers: [{ name: "db", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }]
      }
    },
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
      }
    ]
  }
})

const nodesFor = (count: number): Options => ({
  nodes: Array.from({ length: Math.ceil(count / 100) }, (_, i) => ({
    name: `node-${i}`,
    zone: `zone-${i % 3}`
  }))
})

/** A sandbox in which so many pods with a claim each are ready, in sets of a size, and the seconds that took. */
const running = (count: number, size: number, options: Options = {}) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ ...nodesFor(count), ...options })
    const began = performance.now()
    const sets = Math.ceil(count / size)
    for (let i = 0; i < sets; i++) sandbox.create(statefulSet(`db${i}`, Math.min(size, count - i * size)))
    const ready = (): number =>
      sandbox.store.list(statefulsets).reduce((sum, { status }) => sum + (status.readyReplicas ?? 0), 0)
    for (let waited = 0; ready() < count; waited++) {
      if (waited > 600) throw new Error(`${ready()} of ${count} replicas are ready after ten minutes`)
      yield* TestClock.adjust("1 second")
    }
    const seconds = (performance.now() - began) / 1000
    return { sandbox, seconds }
  })

const request = (method: Request["method"], path: string, body?: unknown): Request => ({
  method,
  path,
  ...(body === undefined
    ? {}
    : {
        body: JSON.stringify(body),
        headers: {
          "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json"
        }
      })
})

const home = "/api/v1/namespaces/default"

const kinds: ReadonlyArray<readonly [what: string, at: (n: number) => Request]> = [
  ["get a pod", () => request("GET", `${home}/pods/db0-1`)],
  ["get a StatefulSet", () => request("GET", "/apis/apps/v1/namespaces/default/statefulsets/db0")],
  ["list three pods", () => request("GET", `${home}/pods`)],
  [
    "create a ConfigMap",
    (n) => request("POST", `${home}/configmaps`, { metadata: { name: `c-${n}` }, data: { n: `${n}` } })
  ],
  ["patch a ConfigMap", (n) => request("PATCH", `${home}/configmaps/c-0`, { data: { n: `${n}` } })]
]

/** One after another, each answer's body read to its end. */
const perSecond = (sandbox: Shape, at: (n: number) => Request, millis: number, from = 0) =>
  Effect.gen(function* () {
    const began = performance.now()
    let n = from
    while (performance.now() - began < millis) {
      for (let i = 0; i < 100; i++) {
        yield* Effect.scoped(
          Effect.flatMap(sandbox.cluster.request(at(n++)), ({ body }) => Stream.runDrain(body))
        )
      }
    }
    return { rate: ((n - from) / (performance.now() - began)) * 1000, next: n }
  })

const requests = (millis: number) =>
  Effect.gen(function* () {
    const { sandbox } = yield* running(3, 3)
    const rows: Array<ReadonlyArray<string>> = []
    for (const [what, at] of kinds) {
      const warm = yield* perSecond(sandbox, at, millis / 4)
      const { rate } = yield* perSecond(sandbox, at, millis, warm.next)
      rows.push([`requests a second: ${what}`, rate.toFixed(0), ""])
    }
    // What a verb does: it reads far more than it writes.
    const mix = [0, 0, 0, 1, 1, 2, 4].flatMap((i) => kinds[i]?.[1] ?? [])
    const mixed = (n: number): Request => (mix[n % mix.length] ?? kinds[0]![1])(n)
    const { rate } = yield* perSecond(sandbox, mixed, millis)
    return [["requests a second: a mixture", rate.toFixed(0), "20000"], ...rows]
  })

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`
const held = (): number => {
  for (let i = 0; i < 3; i++) collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const weight = (count: number) =>
  Effect.gen(function* () {
    const before = held()
    const { sandbox, seconds } = yield* running(count, 100)
    const after = held()
    const there = [pods, persistentvolumeclaims].map((type) => sandbox.store.count(type))
    if (there.some((each) => each !== count)) throw new Error(`${there.join(" and ")} of ${count}`)
    return [
      [`memory: ${count} pods, claims, volumes`, mebibytes(after - before), "250 MB"],
      [`  and the time to start them`, `${seconds.toFixed(1)} s`, ""],
      [`  and the process, all in all`, mebibytes(process.memoryUsage().rss), ""]
    ]
  })

const wide = (count: number) =>
  Effect.map(running(count, count), ({ seconds }) => [
    [`a Parallel StatefulSet of ${count} starts in`, `${seconds.toFixed(1)} s`, ""]
  ])

const patchReplicas = request("PATCH", "/apis/apps/v1/namespaces/default/statefulsets/db", {
  spec: { replicas: 3 }
})
const readSet = request("GET", "/apis/apps/v1/namespaces/default/statefulsets/db")

/** A set of none in a sandbox of its own, brought to three by a client that tries again, under faults from a seed. */
const plainSchedule = (seed: number) =>
  Effect.gen(function* () {
    const sandbox = yield* make()
    sandbox.create(statefulSet("db", 0))
    const { cluster } = inject(sandbox.cluster, random(seed, 0.1))
    const isDone = (asked: Request) =>
      Effect.scoped(
        Effect.flatMap(cluster.request(asked), ({ status, body }) =>
          Effect.as(Stream.runDrain(body), status === 200)
        )
      ).pipe(Effect.orElseSucceed(() => false))
    const client = Effect.gen(function* () {
      while (!(yield* isDone(patchReplicas))) yield* Effect.sleep("1 second")
      while (
        !(
          (yield* isDone(readSet)) &&
          sandbox.registry.find(statefulsets, "default", "db").status.readyReplicas === 3
        )
      )
        yield* Effect.sleep("1 second")
    })
    const fiber = yield* Effect.forkChild(client)
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
    yield* Fiber.join(fiber)
  }).pipe(Effect.scoped)

const plainSchedules = (millis: number) =>
  Effect.gen(function* () {
    const began = performance.now()
    let seed = 0
    while (performance.now() - began < millis) yield* plainSchedule(seed++)
    const rate = (seed / (performance.now() - began)) * 1000
    return [["schedules a second: a set from 0 to 3, one call in ten at fault", rate.toFixed(0), "200"]]
  })

/** The whole scale operation from 1 to 3 with one fault each, and its resume where its caller died. */
const schedules = (millis: number) =>
  Effect.gen(function* () {
    const { attempt, scenarios } = yield* Effect.promise(() => import("../simulation/scaling.ts"))
    const { atCall } = yield* Effect.promise(() => import("../../packages/sandbox/src/Fault.ts"))
    const scenario = { ...scenarios.up, world: { ...scenarios.up.world, replicas: 1 }, to: 3 }
    const { calls } = yield* attempt(scenario, atCall(0, { _tag: "Fail" }))
    const faults = [{ _tag: "Fail" }, { _tag: "LoseReply" }, { _tag: "Kill", applied: true }] as const
    const began = performance.now()
    let seed = 0
    while (performance.now() - began < millis) {
      yield* attempt(scenario, atCall(1 + (seed % calls), faults[seed % faults.length] ?? faults[0]))
      seed += 1
    }
    const rate = (seed / (performance.now() - began)) * 1000
    return [
      ...(yield* plainSchedules(millis / 2)),
      ["schedules a second: the scale operation from 1 to 3, a fault in each", rate.toFixed(0), "200"]
    ]
  })

const quick = process.argv.includes("--quick")
const parts = {
  requests: requests(quick ? 100 : 2000),
  memory: weight(quick ? 500 : 10_000),
  wide: wide(quick ? 100 : 500),
  schedules: schedules(quick ? 500 : 10_000)
}
type Part = keyof typeof parts
const names: ReadonlyArray<Part> = ["requests", "memory", "wide", "schedules"]

/** Rows as a child prints them, one a line. */
const separator = "\t"

const named = process.argv.includes("--only") ? process.argv[process.argv.indexOf("--only") + 1] : undefined
const part = names.find((name) => name === named)
if (process.env["BENCH_PART"] === undefined) {
  // Each part in a process of its own, so that none pays for another's heap.
  const rows = names
    .filter((name) => named === undefined || name === part)
    .flatMap((name) => {
      const child = spawnSync(
        process.execPath,
        [
          "--conditions=source",
          fileURLToPath(import.meta.url),
          "--only",
          name,
          ...(quick ? ["--quick"] : [])
        ],
        { encoding: "utf8", env: { ...process.env, BENCH_PART: name }, stdio: ["ignore", "pipe", "inherit"] }
      )
      if (child.status !== 0) throw new Error(`${name} ended with ${child.status}`)
      return child.stdout
        .replace(/\n$/, "")
        .split("\n")
        .map((line) => line.split(separator))
    })
  console.log(table([["what", "seen", "bound"], ...rows]))
} else if (part !== undefined) {
  const rows = await Effect.runPromise(parts[part].pipe(Effect.scoped, Effect.provide(TestClock.layer())))
  for (const row of rows) console.log(row.join(separator))
}
