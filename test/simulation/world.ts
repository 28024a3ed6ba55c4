/**
 * A world to scale in: the sandbox's API server, a StatefulSet controller of a page, and an
 * application that keeps a list of its members, with a command to join it, to leave it, and to ask.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import type { Command, Host } from "../../packages/sdk/src/sandbox/Program.ts"
import { pods as podType } from "../../packages/sdk/src/sandbox/resource/core.ts"
import { make, type Shape } from "../../packages/sdk/src/sandbox/Sandbox.ts"

export interface WorldOptions {
  readonly replicas: number
  readonly start?: number
  readonly policy?: "OrderedReady" | "Parallel"
  readonly whenScaled?: "Retain" | "Delete"
  /** Milliseconds from a pod's creation to Ready. */
  readonly readyAfter?: number
  readonly minReadySeconds?: number
}

export interface World {
  readonly sandbox: Shape
  readonly options: WorldOptions
  /** Pods that never get ready, by name. */
  readonly sick: Set<string>
  /** Who is in the application, by pod name. */
  readonly members: Set<string>
  /** Everything that happened, in order: `create db-3`, `ready db-3`, `delete db-3`, `join db-3`. */
  readonly log: Array<string>
  /** Commands, by name, that answer something else than they would. */
  readonly answers: Map<string, number>
}

const namespace = "shop"

const setObject = (options: WorldOptions) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace },
  spec: {
    replicas: options.replicas,
    serviceName: "db",
    podManagementPolicy: options.policy ?? "OrderedReady",
    ...(options.minReadySeconds === undefined ? {} : { minReadySeconds: options.minReadySeconds }),
    ...(options.start === undefined ? {} : { ordinals: { start: options.start } }),
    persistentVolumeClaimRetentionPolicy: {
      whenScaled: options.whenScaled ?? "Retain",
      whenDeleted: "Retain"
    },
    selector: { matchLabels: { app: "db" } },
    template: {
      metadata: { labels: { app: "db" } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "db", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }]
      }
    },
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: {
          accessModes: ["ReadWriteOnce"],
          storageClassName: "fast",
          resources: { requests: { storage: "1Gi" } }
        }
      }
    ]
  }
})

/** The application's own commands, and the wrapper that hooks come in. */
const onExec =
  (world: World) =>
  (host: Host, { argv, stdout }: Command): Effect.Effect<number> => {
    const pod = host.pod.metadata.name
    const run = (command: ReadonlyArray<string>): number => {
      const [name = "", member = ""] = command
      const answer = world.answers.get(name)
      if (answer !== undefined) return answer
      switch (name) {
        case ":":
          return 0
        case "join":
          world.members.add(member)
          world.log.push(`join ${member}`)
          return 0
        case "leave":
          world.members.delete(member)
          world.log.push(`leave ${member}`)
          return 0
        case "is-member":
          return world.members.has(pod) ? 0 : 1
        default:
          return 127
      }
    }
    if (argv[0] !== "sh") return Effect.succeed(127)
    const [, , , , token = "", , ...command] = argv
    const code = run(command)
    return Effect.as(stdout(`\n${token} ${code}\n`), code)
  }

interface Pod {
  readonly name: string
  readonly ordinal: number
  readonly uid: string
  readonly created: number
  readonly deleted: boolean
  readonly ready: boolean
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : {}

const podOf = (object: Resource.KubeObject): Pod => {
  const { name, uid = "", creationTimestamp, deletionTimestamp } = object.metadata
  const conditions = record(object["status"])["conditions"]
  return {
    name,
    uid,
    ordinal: Number(name.slice("db-".length)),
    created: Date.parse(String(creationTimestamp)),
    deleted: deletionTimestamp !== undefined,
    ready:
      Array.isArray(conditions) &&
      conditions.some((one) => record(one)["type"] === "Ready" && record(one)["status"] === "True")
  }
}

const pods = { api: Resource.pods, namespace }
const sets = { api: Resource.statefulSets, namespace, name: "db" }

const createPod = (world: World, set: Resource.KubeObject, ordinal: number) =>
  Effect.gen(function* () {
    const name = `db-${ordinal}`
    const claim = `data-db-${ordinal}`
    const have = yield* Effect.result(
      Resource.get({ api: Resource.persistentVolumeClaims, namespace, name: claim })
    )
    if (have._tag === "Failure") {
      yield* Resource.create(
        { api: Resource.persistentVolumeClaims, namespace },
        {
          metadata: { name: claim, labels: { app: "db" } },
          spec: {
            accessModes: ["ReadWriteOnce"],
            storageClassName: "fast",
            resources: { requests: { storage: "1Gi" } }
          }
        }
      )
    }
    world.log.push(`create ${name}`)
    const pod = yield* Resource.create(pods, {
      metadata: {
        name,
        labels: {
          app: "db",
          "apps.kubernetes.io/pod-index": `${ordinal}`,
          "statefulset.kubernetes.io/pod-name": name
        },
        ownerReferences: [
          { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: set.metadata.uid, controller: true }
        ]
      },
      spec: {
        nodeName: "node-a",
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "db", image: "db:1" }],
        volumes: [{ name: "data", persistentVolumeClaim: { claimName: claim } }]
      }
    })
    const host = world.sandbox.store
      .list(podType, namespace)
      .find((one) => one.metadata.uid === pod.metadata.uid)
    if (host === undefined) return
    world.sandbox.processes.add({
      host: {
        pod: host,
        container: host.spec.containers[0] ?? { name: "db", image: "db:1" },
        restarts: 0,
        volume: () => undefined,
        peer: () => undefined,
        memory: new Map()
      },
      program: { onExec: onExec(world) },
      scope: yield* Scope.make(),
      isReachable: () => true
    })
  })

const status = (name: string, ready: boolean) =>
  Resource.patch(
    { ...pods, name, subresource: "status" },
    {
      _tag: "Merge",
      value: {
        status: { phase: "Running", conditions: [{ type: "Ready", status: ready ? "True" : "False" }] }
      }
    }
  )

/** One sync of the controller, as stateful_set_control.go orders it. */
const sync = (world: World, now: number) =>
  Effect.gen(function* () {
    const set = yield* Resource.get(sets)
    const spec = record(set["spec"])
    const replicas = Number(spec["replicas"])
    const start = world.options.start ?? 0
    const listed = (yield* Resource.list(Resource.pods, { namespace })).items.map(podOf)
    for (const pod of listed.filter((one) => one.deleted)) {
      world.log.push(`gone ${pod.name}`)
      world.sandbox.processes.remove(pod.uid, "db")
      yield* Resource.remove({ ...pods, name: pod.name }, { gracePeriodSeconds: 0 })
    }
    const live = listed.filter((one) => !one.deleted)
    for (const pod of live) {
      const due = now - pod.created >= (world.options.readyAfter ?? 1000) && !world.sick.has(pod.name)
      if (due !== pod.ready) {
        if (due) world.log.push(`ready ${pod.name}`)
        yield* status(pod.name, due)
      }
    }
    const ready = live.filter((one) => one.ready && !world.sick.has(one.name))
    yield* Resource.patch(
      { ...sets, subresource: "status" },
      {
        _tag: "Merge",
        value: {
          status: {
            observedGeneration: Number(record(set.metadata)["generation"]),
            replicas: live.length,
            readyReplicas: ready.length,
            availableReplicas: ready.length
          }
        }
      }
    )
    const ordered = spec["podManagementPolicy"] === "OrderedReady"
    for (let ordinal = start; ordinal < start + replicas; ordinal++) {
      const pod = listed.find((one) => one.ordinal === ordinal)
      if (pod === undefined) yield* createPod(world, set, ordinal)
      if (ordered && !(pod !== undefined && !pod.deleted && ready.includes(pod))) return
    }
    const condemned = live
      .filter((one) => one.ordinal < start || one.ordinal >= start + replicas)
      .toSorted((left, right) => right.ordinal - left.ordinal)
    for (const pod of condemned) {
      if (ordered && listed.some((one) => one.deleted)) return
      world.log.push(`delete ${pod.name}`)
      yield* Resource.remove({ ...pods, name: pod.name })
      if (spec["persistentVolumeClaimRetentionPolicy"] !== undefined) {
        const policy = record(spec["persistentVolumeClaimRetentionPolicy"])
        if (policy["whenScaled"] === "Delete") {
          world.log.push(`drop data-${pod.name}`)
          yield* Resource.remove({
            api: Resource.persistentVolumeClaims,
            namespace,
            name: `data-${pod.name}`
          })
        }
      }
      if (ordered) return
    }
  })

const tick = 100

/** The controller, until its fiber ends; its own calls see no fault. */
const controller = (world: World) =>
  Effect.gen(function* () {
    const clock = yield* Effect.clockWith(Effect.succeed)
    while (true) {
      yield* Effect.ignore(sync(world, clock.currentTimeMillisUnsafe()))
      yield* Effect.sleep(tick)
    }
  }).pipe(Effect.provideService(Cluster, world.sandbox.cluster))

/** A world in which all replicas asked for are ready and members. */
export const makeWorld = (options: WorldOptions) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ bare: true, namespaces: [namespace] })
    const world: World = {
      sandbox,
      options,
      sick: new Set(),
      members: new Set(),
      log: [],
      answers: new Map()
    }
    const fast = {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: "fast" },
      provisioner: "csi.example.com",
      volumeBindingMode: "Immediate",
      reclaimPolicy: "Delete"
    }
    sandbox.create(fast)
    sandbox.create({ apiVersion: "v1", kind: "Node", metadata: { name: "node-a" } })
    sandbox.create(setObject(options))
    yield* Effect.forkScoped(controller(world))
    const start = options.start ?? 0
    for (let index = 0; index < options.replicas; index++) {
      yield* TestClock.adjust((options.readyAfter ?? 1000) + 1200)
      world.members.add(`db-${start + index}`)
    }
    world.log.length = 0
    return world
  })

/** Lets virtual time pass until the effect ends, or fails when it takes too long. */
export const drive = <A, E, R>(effect: Effect.Effect<A, E, R>, limit = 2_000_000) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let waited = 0; waited < limit && fiber.pollUnsafe() === undefined; waited += tick) {
      yield* TestClock.adjust(tick)
    }
    if (fiber.pollUnsafe() === undefined) yield* Fiber.interrupt(fiber)
    return yield* Fiber.join(fiber)
  })

export const ref = { namespace, name: "db" }
export const at = (id: string) => ({ namespace, id })

export const withCluster =
  (cluster: Cluster["Service"]) =>
  <A, E>(effect: Effect.Effect<A, E, Cluster>) =>
    Effect.provideService(effect, Cluster, cluster)
