/**
 * A world to scale in: the sandbox's API server, a StatefulSet controller of a page, and an
 * application that keeps a list of its members, with a command to join it, to leave it, and to ask.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import type { Command, Host } from "../../packages/sandbox/src/node/Program.ts"
import { ends } from "../../packages/sdk/src/step/fenceProbe.ts"
import { probeLabel, proverLabel } from "../../packages/sdk/src/Labels.ts"
import type { Seed } from "../../packages/sdk/src/Seed.ts"
import { beforeStartContainer, isEmpty, writeContainer } from "../../packages/sdk/src/step/checkPod.ts"
import { noPlace, otherThere } from "../../packages/sdk/src/step/writeBack.ts"
import { driver } from "../../packages/sandbox/src/node/Nodes.ts"
import { pods as podType } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import type { StorageCall } from "../../packages/sandbox/src/storage/Storage.ts"

export interface WorldOptions {
  readonly replicas: number
  readonly start?: number
  readonly policy?: "OrderedReady" | "Parallel"
  readonly whenScaled?: "Retain" | "Delete"
  /** Milliseconds from a pod's creation to Ready. */
  readonly readyAfter?: number
  readonly minReadySeconds?: number
  /** Whether volumes are created for the first pod that needs them, and not for their claims. Default false. */
  readonly late?: boolean
  /** Labels and annotations that its claims have. */
  readonly notes?: object
  /** How a call of the storage fails; undefined lets it pass. */
  readonly failStorage?: (call: StorageCall) => string | undefined
  /** A second container, whose image has no shell. */
  readonly bare?: boolean
  /** Kinds that the cluster does not have, such as `volumesnapshots.snapshot.storage.k8s.io`. */
  readonly without?: ReadonlyArray<string>
  /** Whether its network enforces NetworkPolicies. Default true. */
  readonly enforces?: boolean
  /** Whether each member has a second volume, at /wal. Default false. */
  readonly wal?: boolean
  /** Commands beside the application's own; null: it is none of them. */
  readonly onExec?: (host: Host, command: Command) => Effect.Effect<number, never, Scope.Scope> | null
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
  /** Commands, by name, that never end. */
  readonly hanging: Set<string>
  /** Who leads, by pod name; everybody else is a voter. */
  leader: string
}

const namespace = "shop"

const templatesOf = ({ wal }: WorldOptions) => ["data", ...(wal === true ? ["wal"] : [])]

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
        containers: [
          {
            name: "db",
            image: "db:1",
            volumeMounts: templatesOf(options).map((name) => ({ name, mountPath: `/${name}` }))
          },
          ...(options.bare === true ? [{ name: "bare", image: "bare:1" }] : [])
        ]
      }
    },
    volumeClaimTemplates: templatesOf(options).map((name) => ({
      metadata: { name, ...options.notes },
      spec: {
        accessModes: ["ReadWriteOnce"],
        storageClassName: "fast",
        resources: { requests: { storage: "1Gi" } }
      }
    }))
  }
})

/** The application's own commands, and the wrapper that hooks come in. */
const onExec =
  (world: World) =>
  (host: Host, { argv, stdin, stdout }: Command): Effect.Effect<number> => {
    const pod = host.pod.metadata.name
    const run = (command: ReadonlyArray<string>): number => {
      const [name = "", member = ""] = command
      const answer = world.answers.get(name)
      if (answer !== undefined) return answer
      switch (name) {
        case ":":
        case "role":
          return 0
        case "join":
          world.members.add(member)
          world.log.push(`join ${member}`)
          return 0
        case "leave":
          world.members.delete(member)
          world.log.push(`leave ${member}`)
          return 0
        case "step-down":
          world.leader = "db-0"
          world.log.push(`step-down ${pod}`)
          return 0
        case "is-member":
          return world.members.has(pod) ? 0 : 1
        default:
          return 127
      }
    }
    if (argv[0] !== "sh" || host.container.name === "bare") return Effect.succeed(127)
    const [, , , , token = "", seconds = "", ...command] = argv
    // As the script does: with a `+` it waits a second for the word to begin.
    const word = Stream.mkString(Stream.take(Stream.decodeText(stdin), 1)).pipe(
      Effect.timeoutOrElse({ duration: 1000, orElse: () => Effect.succeed("") }),
      Effect.orElseSucceed(() => "")
    )
    return Effect.gen(function* () {
      if (world.hanging.has(command[0] ?? "")) return yield* Effect.never
      const begins = !seconds.endsWith("+") || (yield* word).trim() === token
      const code = begins ? run(command) : null
      if (command[0] === "role") yield* stdout(world.leader === pod ? "leader" : "voter")
      yield* stdout(`\n${token} ${code ?? "-"}\n`)
      return code ?? 1
    })
  }

/** How members are made from one here: what is saved says what the one member's volume says. */
export const seed: Seed = {
  profile: "lab",
  save: ["save", "{volume}"],
  restore: ["make", "{volume}", "{pod}", "{members}", "{args}"]
}

/** Saves what a volume says, and makes another member's data say the same; both as often as one likes. */
const sow = (world: World, host: Host): number => {
  const [word, path = "", pod = ""] = host.container.command ?? []
  const volume = host.volume(path)
  const saved = volume?.readText("saved")
  world.log.push(`${word} ${host.pod.metadata.name.replace(/-prove-.*/, "")}`)
  if (word === "save") {
    if (saved === undefined) volume?.write("saved", volume.readText("mark") ?? "")
    return 0
  }
  if (saved === undefined) return 4
  volume?.write("mark", `${saved.slice(0, saved.indexOf(" "))} data-${pod}`)
  return 0
}

/** Writes back what was kept, beside a file, and never over another text: as the script does. */
const writeBack = ({ container: { command = [], volumeMounts = [] }, volume }: Host): number => {
  const files = command.slice(command.indexOf("--") + 1)
  for (let at = 0; at < files.length; at += 3) {
    const [text = "", beside = "", word = ""] = files.slice(at, at + 3)
    // A kubelet takes two dollars for one.
    const content = word.replaceAll("$$", () => "$")
    const [place, ...more] = volumeMounts.flatMap(({ mountPath }) =>
      volume(mountPath)?.readText(beside) === undefined ? [] : (volume(mountPath) ?? [])
    )
    if (place === undefined || more.length > 0) return noPlace
    if ((place.readText(text) ?? content) !== content) return otherThere
    place.write(text, content)
  }
  return 0
}

/** A command before a copy's first start: puts the member's new name into its mark. */
const rename = (world: World | undefined, { container: { command = [] }, volume }: Host): number => {
  const [name = "", path = "", pod = ""] = command
  world?.log.push(`${name} ${pod}`)
  volume(path)?.write("name", pod)
  return world?.answers.get(name) ?? 0
}

/** The pod that proves restored volumes does in TypeScript what its script does in a shell. */
const prove = (world: World | undefined, host: Host): Effect.Effect<number> =>
  Effect.sync(() => {
    if (world !== undefined && ["save", "make"].includes(host.container.command?.[0] ?? "")) {
      return sow(world, host)
    }
    if (host.container.name === writeContainer) return writeBack(host)
    if (host.container.name === beforeStartContainer) return rename(world, host)
    const mounts = host.container.volumeMounts ?? []
    return mounts.every(({ mountPath }) => (host.volume(mountPath)?.list() ?? []).length > 0) ? 0 : isEmpty
  })

/** What the pods that prove a fence find: they try to reach pods of the application. */
const reached = ({ pod }: Host, enforces: boolean): number =>
  pod.metadata.labels?.[probeLabel] === "behind" && enforces ? ends.none : ends.source

const tick = 100

/** What happened to pods, in words, as the store's changes tell it. */
const tell = (world: World) => {
  const ready = new Set<string>()
  return world.sandbox.store.listen((change) => {
    if (change.type !== podType) return
    const pod = world.sandbox.store.get(podType, namespace, change.object.metadata.name)
    const { name, uid } = change.object.metadata
    if (change.kind === "ADDED") world.log.push(`create ${name}`)
    if (change.kind === "DELETED") world.log.push(`gone ${name}`)
    if (change.kind !== "MODIFIED") return
    if (
      change.previous?.metadata.deletionTimestamp === undefined &&
      change.object.metadata.deletionTimestamp !== undefined
    ) {
      world.log.push(`delete ${name}`)
    }
    const is =
      pod?.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true
    if (is && !ready.has(uid)) {
      ready.add(uid)
      world.log.push(`ready ${name}`)
    }
  })
}

/** A world in which all replicas asked for are ready and members. */
export const makeWorld = (options: WorldOptions) =>
  Effect.gen(function* () {
    const hands: { world?: World } = {}
    const sandbox = yield* make({
      namespaces: [namespace],
      // Few look at them, and they are many.
      events: options.failStorage !== undefined,
      ...(options.failStorage === undefined ? {} : { storage: { fail: options.failStorage } }),
      startMillis: options.readyAfter ?? 1000,
      ...(options.without === undefined ? {} : { without: options.without }),
      programs: (pod) =>
        pod.metadata.labels?.[probeLabel] !== undefined
          ? { onStart: (host) => Effect.sync(() => reached(host, options.enforces !== false)) }
          : pod.metadata.labels?.[proverLabel] === undefined
            ? {
                isReady: (host) => hands.world?.sick.has(host.pod.metadata.name) !== true,
                onExec: (host, command) =>
                  options.onExec?.(host, command) ??
                  (hands.world === undefined ? Effect.succeed(127) : onExec(hands.world)(host, command))
              }
            : { onStart: (host) => prove(hands.world, host) }
    })
    const world: World = {
      sandbox,
      options,
      sick: new Set(),
      members: new Set(),
      log: [],
      answers: new Map(),
      hanging: new Set(),
      leader: ""
    }
    hands.world = world
    const fast = {
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name: "fast" },
      provisioner: driver,
      volumeBindingMode: options.late === true ? "WaitForFirstConsumer" : "Immediate",
      reclaimPolicy: "Delete"
    }
    sandbox.create(fast)
    sandbox.create(setObject(options))
    tell(world)
    const start = options.start ?? 0
    const last = `ready db-${start + options.replicas - 1}`
    for (let waited = 0; waited < 60_000 && !world.log.includes(last); waited += tick) {
      yield* TestClock.adjust(tick)
    }
    for (let index = 0; index < options.replicas; index++) world.members.add(`db-${start + index}`)
    world.log.length = 0
    return world
  })

/**
 * Virtual time from zero, for runs outside of a test. It never goes on while somebody it woke is still at
 * work, however slow the machine is: by default it gives up after a second of the machine's own time.
 */
export const virtualTime = TestClock.layer({ warningDelay: "1 hour" })

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
