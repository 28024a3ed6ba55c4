/**
 * Discovery against EndpointSlices and client-node's informer: how late a change of a pod is seen, what is
 * seen after a reconnect, and what a followed pod takes of memory. `routing` has the rows of picks.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Cluster, ClusterError } from "../../packages/sdk/src/Cluster.ts"
import * as Discovery from "../../packages/sdk/src/Discovery.ts"
import { layer } from "../../packages/sdk/src/kubernetes/index.ts"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import * as Stream from "effect/Stream"
import { bed, kubectl, namespace } from "../cluster/suite/commands.ts"
import { get } from "../cluster/suite/read.ts"
import { table } from "./table.ts"

const space = namespace("find-bench")
const ref = { namespace: space.name, name: "db" }
const verdict = (isMet: boolean): string => (isMet ? "met" : "missed")

const setOf = (replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: space.name },
  spec: {
    replicas,
    serviceName: "db",
    podManagementPolicy: "Parallel",
    selector: { matchLabels: { app: "db" } },
    template: {
      metadata: { labels: { app: "db" } },
      spec: {
        terminationGracePeriodSeconds: 0,
        nodeSelector: { type: "kwok" },
        tolerations: [{ key: "kwok.x-k8s.io/node", operator: "Exists" }],
        containers: [{ name: "db", image: "db", ports: [{ name: "sql", containerPort: 5432 }] }]
      }
    }
  }
})

const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "db", namespace: space.name },
  spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ name: "sql", port: 5432 }] }
}

/** A cluster whose caller may not read pods. */
const bySlices = (cluster: Cluster["Service"]): Cluster["Service"] => ({
  ...cluster,
  request: (request) =>
    request.path.endsWith("/pods")
      ? Effect.fail(new ClusterError({ reason: { _tag: "Forbidden" }, message: "pods is forbidden" }))
      : cluster.request(request)
})

/** A cluster whose watches are cut after so many events. */
const cutting = (cluster: Cluster["Service"], after: number): Cluster["Service"] => ({
  ...cluster,
  watch: (request) => Stream.take(cluster.watch(request), after)
})

type Seen = Map<string, { readonly ready: boolean; readonly at: number }>

/** Follows the set; notes when each pod was first seen as it is. */
const follow = (
  cluster: Cluster["Service"],
  seen: Seen,
  stale: { count: number },
  target: () => boolean | null
) =>
  Discovery.watch(ref, { nodes: false }).pipe(
    Stream.runForEach(({ peers }) =>
      Effect.sync(() => {
        const at = performance.now()
        for (const { name, ready } of peers) {
          const before = seen.get(name)
          if (before?.ready === ready) continue
          // A pod that was seen as it was written goes back to nothing.
          if (before !== undefined && before.ready === target()) stale.count += 1
          seen.set(name, { ready, at })
        }
      })
    ),
    Effect.provideService(Cluster, cluster),
    Effect.forkChild
  )

const percentile = (values: ReadonlyArray<number>, part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(part * values.length))] ??
  Number.NaN

const until = (holds: () => boolean, seconds: number) =>
  Effect.gen(function* () {
    for (let step = 0; step < seconds * 20 && !holds(); step++) yield* Effect.sleep(50)
    if (!holds()) throw new Error(`not so within ${seconds} s`)
  })

/** Writes the status of all pods at once; answers when each write was committed, by its reply. */
const burst = (count: number, ready: boolean) =>
  Effect.gen(function* () {
    const committed = new Map<string, number>()
    yield* Effect.forEach(
      Array.from({ length: count }, (_, ordinal) => `db-${ordinal}`),
      (name) =>
        Effect.andThen(
          Resource.patch(
            { api: kinds.pods, namespace: space.name, name, subresource: "status" },
            {
              _tag: "Strategic",
              value: {
                status: {
                  conditions: [
                    {
                      type: "Ready",
                      status: ready ? "True" : "False",
                      lastTransitionTime: new Date().toISOString().slice(0, 19) + "Z"
                    }
                  ]
                }
              }
            }
          ),
          Effect.sync(() => void committed.set(name, performance.now()))
        ),
      { concurrency: 32, discard: true }
    )
    return committed
  })

const allAre = (seen: Seen, pods: number, ready: boolean): boolean =>
  seen.size === pods && [...seen.values()].every((one) => one.ready === ready)

/** How late each write was seen, by pods and by EndpointSlices, both at the same time. */
const latency = (pods: number) =>
  Effect.gen(function* () {
    const cluster = yield* Cluster
    const [direct, slices]: [Seen, Seen] = [new Map(), new Map()]
    const none = { count: 0 }
    const fibers = [
      yield* follow(cluster, direct, none, () => null),
      yield* follow(bySlices(cluster), slices, none, () => null)
    ]
    yield* until(() => allAre(direct, pods, true) && allAre(slices, pods, true), 90)
    const [byPods, byEndpoints]: [Array<number>, Array<number>] = [[], []]
    for (const ready of [false, true, false, true]) {
      const committed = yield* burst(pods, ready)
      yield* until(() => allAre(direct, pods, ready) && allAre(slices, pods, ready), 60)
      for (const [name, at] of committed) {
        byPods.push(Math.max(0, (direct.get(name)?.at ?? Number.NaN) - at))
        byEndpoints.push(Math.max(0, (slices.get(name)?.at ?? Number.NaN) - at))
      }
    }
    yield* Fiber.interruptAll(fibers)
    return { byPods, byEndpoints }
  })

/** How often a pod was seen going back to what it was, by watches that are cut all the time. */
const staleViews = (pods: number) =>
  Effect.gen(function* () {
    const cluster = yield* Cluster
    const seen: Seen = new Map()
    const stale = { count: 0 }
    let target: boolean | null = null
    const fiber = yield* follow(cutting(cluster, 40), seen, stale, () => target)
    yield* until(() => allAre(seen, pods, true), 90)
    for (const ready of [false, true]) {
      target = ready
      yield* burst(pods, ready)
      yield* until(() => allAre(seen, pods, ready), 120)
      target = null
    }
    yield* Fiber.interrupt(fiber)
    return stale.count
  })

const collect: () => void = (setFlagsFromString("--expose-gc"), runInNewContext("gc"))

const heap = (): number => {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

/** Pods as this one, each with its own names, as the API would send them. */
const copies = (pod: string, from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => {
    const ordinal = from + index
    const uid = `${ordinal.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`
    return pod
      .replaceAll("db-0", `db-${ordinal}`)
      .replace(/"podIPs?":"?[^,}\]]*/g, (found) =>
        found.replace(
          /\d+\.\d+\.\d+\.\d+/,
          `10.${(ordinal >> 16) & 255}.${(ordinal >> 8) & 255}.${ordinal & 255}`
        )
      )
      .replace(/("uid":")[^"]*("[^{}]*\}?,"spec")/, `$1${uid}$2`)
      .replace(/"apps.kubernetes.io\/pod-index":"0"/, `"apps.kubernetes.io/pod-index":"${ordinal}"`)
  }).join(",")

const page = 500

/** A cluster that has one set of so many pods like this one, and says nothing more. */
const standing = (set: object, pod: string, count: number): Cluster["Service"] => {
  const answer = (items: string, next = "") =>
    Effect.succeed({
      status: 200,
      headers: {},
      body: Stream.succeed(
        new TextEncoder().encode(
          `{"metadata":{"resourceVersion":"1","continue":"${next}"},"items":[${items}]}`
        )
      )
    })
  return {
    request: ({ path, query }) => {
      if (path.endsWith("/statefulsets")) return answer(JSON.stringify(set))
      if (!path.endsWith("/pods")) return answer("")
      const from = Number(query?.find(([name]) => name === "continue")?.[1] ?? 0)
      const to = Math.min(count, from + page)
      return answer(copies(pod, from, to), to < count ? `${to}` : "")
    },
    watch: () => Stream.never,
    exec: () => Effect.die("there is no exec here"),
    origin: { context: null, server: "", namespace: space.name, user: null }
  }
}

const ours = (set: object, pod: string, count: number) =>
  Effect.gen(function* () {
    const before = heap()
    let last: Discovery.Peers | null = null
    const fiber = yield* Discovery.watch(ref, { nodes: false }).pipe(
      Stream.runForEach((view) => Effect.sync(() => void (last = view))),
      Effect.provideService(Cluster, standing(set, pod, count)),
      Effect.forkChild
    )
    yield* until(() => last !== null, 120)
    const held = (heap() - before) / count
    const peers: Discovery.Peers | null = last
    if ((peers as Discovery.Peers | null)?.peers.length !== count) throw new Error("not all pods are held")
    yield* Fiber.interrupt(fiber)
    return held
  })

/** What an informer of client-node holds: each pod as its class, by name. */
const theirs = async (pod: string, count: number): Promise<number> => {
  const { ObjectSerializer } = await import("@kubernetes/client-node/dist/gen/models/ObjectSerializer.js")
  const before = heap()
  const cache = new Map<string, unknown>()
  for (let from = 0; from < count; from += page) {
    const items = JSON.parse(`[${copies(pod, from, Math.min(count, from + page))}]`) as ReadonlyArray<unknown>
    for (const [index, item] of items.entries()) {
      cache.set(`db-${from + index}`, ObjectSerializer.deserialize(item, "V1Pod", ""))
    }
  }
  const held = (heap() - before) / count
  if (cache.size !== count) throw new Error("not all pods are held")
  return held
}

export const discovery = async ({ quick }: { readonly quick: boolean }): Promise<number> => {
  const pods = quick ? 20 : 500
  bed("kwok", "--nodes", "10")
  await space.create()
  try {
    const objects = { apiVersion: "v1", kind: "List", items: [service, setOf(pods)] }
    await kubectl(["apply", "-f", "-"], JSON.stringify(objects))
    await kubectl(["rollout", "status", "sts/db", "-n", space.name, "--timeout=180s"])
    const { byPods, byEndpoints } = await Effect.runPromise(Effect.provide(latency(pods), layer()))
    const stale = await Effect.runPromise(Effect.provide(staleViews(pods), layer()))
    const [our, their] = [percentile(byPods, 0.99), percentile(byEndpoints, 0.99)]
    const rows = [
      [
        `pod status to \`watch\`, ${pods} pods, p99 (p50)`,
        `${our.toFixed(1)} ms (${percentile(byPods, 0.5).toFixed(1)})`,
        `EndpointSlices ${their.toFixed(1)} ms (${percentile(byEndpoints, 0.5).toFixed(1)})`,
        (our / their).toFixed(2),
        "0.2",
        verdict(our <= 0.2 * their)
      ],
      ["stale views after reconnects", `${stale}`, "", "", "0", verdict(stale === 0)]
    ]
    let isMet = our <= 0.2 * their && stale === 0
    const set = await get<object>(["sts", "db", "-n", space.name])
    const pod = JSON.stringify(
      JSON.parse(
        await kubectl(["get", "pod", "db-0", "-n", space.name, "-o", "json", "--show-managed-fields"])
      )
    )
    for (const count of quick ? [1000] : [10_000, 50_000]) {
      const many = { ...set, spec: { ...setOf(count).spec } }
      const mine = await Effect.runPromise(ours(many, pod, count))
      const informer = await theirs(pod, count)
      rows.push([
        `memory a pod, of ${count}`,
        `${Math.round(mine)} B`,
        `client-node ${Math.round(informer)} B`,
        (mine / informer).toFixed(3),
        "0.05",
        verdict(mine <= 0.05 * informer)
      ])
      isMet &&= mine <= 0.05 * informer
    }
    console.log(table([["work", "seen", "against", "ratio", "bound", ""], ...rows]))
    return isMet || quick ? 0 : 1
  } finally {
    await space.remove()
    bed("kwok", "--nodes", "0")
  }
}
