/** Somebody else does one legal act before one request of a restore: what has to hold after that. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import type { OperationResult } from "../../../packages/sdk/src/operation/Progress.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { persistentvolumeclaims, pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshots } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { type Act, actsOn, markOf, newClaim, openJournal, setOf } from "../../simulation/acts.ts"
import type { Seen } from "../../simulation/rival.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on } from "../scale/callers.ts"
import { restore, snapshot, withSnapshot } from "./world.ts"
import { told } from "../../simulation/story.ts"
import { textOf, volumesIn } from "../../simulation/volumes.ts"

type Doing = ReturnType<Act["does"]>
const nothing: Doing = Effect.void
const claims = (world: World) => world.sandbox.store.list(persistentvolumeclaims, "shop")
const claimOf = (world: World, name: string) => claims(world).find(({ metadata }) => metadata.name === name)
const claimTarget = (name: string) => ({ api: kinds.persistentvolumeclaims, namespace: "shop", name })

/** The claim that is filled for db-1, while it has that name. */
const stagedOf = (world: World) =>
  claims(world).find(({ metadata }) => metadata.name.startsWith("data-db-1-new-"))
const checkPodOf = (world: World) =>
  world.sandbox.store.list(pods, "shop").find(({ metadata }) => metadata.name.startsWith("db-1-prove-"))
const memberOf = (world: World) =>
  world.sandbox.store
    .list(volumesnapshots, "shop")
    .find(({ spec }) => spec.source.persistentVolumeClaimName === "data-db-1")

const onStaged = (name: string, does: (claim: string, volume: string) => Doing, takes?: "claim"): Act => ({
  name: `${name} the claim that is filled`,
  ...(takes === undefined ? {} : { takes }),
  does: (world) => {
    const found = stagedOf(world)
    return found === undefined ? nothing : does(found.metadata.name, found.spec.volumeName ?? "")
  }
})

const own: ReadonlyArray<Act> = [
  { name: "nothing", does: () => nothing },
  onStaged("delete", (claim) => Resource.remove(claimTarget(claim))),
  onStaged("take the label off", (claim) =>
    Resource.patch(claimTarget(claim), {
      _tag: "Merge",
      value: { metadata: { labels: { [markOf("set-aside")]: null } } }
    })
  ),
  onStaged("take the mark off", (claim) =>
    Resource.patch(claimTarget(claim), {
      _tag: "Merge",
      value: { metadata: { annotations: { [markOf("made-by")]: null } } }
    })
  ),
  onStaged("set Delete on the volume of", (_, name) =>
    name === ""
      ? nothing
      : Resource.patch(
          { api: kinds.persistentvolumes, name },
          { _tag: "Merge", value: { spec: { persistentVolumeReclaimPolicy: "Delete" } } }
        )
  ),
  onStaged("start a pod on", (claim) =>
    Resource.create(
      { api: kinds.pods, namespace: "shop" },
      {
        metadata: { name: "reader", namespace: "shop" },
        spec: {
          containers: [{ name: "main", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
          restartPolicy: "Never",
          volumes: [{ name: "data", persistentVolumeClaim: { claimName: claim } }]
        }
      }
    )
  ),
  {
    name: "a claim of the name that is filled",
    does: (world) => {
      const id = openJournal(world)?.metadata.name.slice("kubectl-stateful-".length)
      return id === undefined
        ? nothing
        : Resource.create(
            { api: kinds.persistentvolumeclaims, namespace: "shop" },
            newClaim(`data-db-1-new-${id}`, "shop")
          )
    }
  },
  {
    name: "delete the check pod",
    does: (world) => {
      const found = checkPodOf(world)
      return found === undefined
        ? nothing
        : Resource.remove({ api: kinds.pods, namespace: "shop", name: found.metadata.name })
    }
  },
  {
    name: "delete the VolumeSnapshot",
    does: (world) => {
      const found = memberOf(world)
      return found === undefined
        ? nothing
        : Resource.remove({ api: kinds.volumesnapshots, namespace: "shop", name: found.metadata.name })
    }
  }
]

/** Names of acts that a run of a restore can be met by. */
export const acts: ReadonlyArray<Act> = [
  ...own,
  ...actsOn(["data-db-1", "aside"]).filter(({ name }) => name !== "nothing" && !name.includes("other hooks"))
]

const countOf = (world: World) => setOf(world)?.spec.replicas

/** From when each member's volume is; a member without its own data: null. */
const statesOf = (world: World) =>
  [0, 1, 2].map((ordinal) => {
    const claim = claims(world).find(({ metadata }) => metadata.name === `data-db-${ordinal}`)
    const volume = volumesIn(world).get(claim?.spec.volumeName ?? "")
    const isIts = volume?.uid === claim?.metadata.uid && claim?.metadata.deletionTimestamp === undefined
    return isIts && volume !== undefined && volume.text.endsWith(` data-db-${ordinal}`)
      ? volume.text.slice(0, volume.text.indexOf(" "))
      : null
  })

export interface Met {
  /** The requests of the run itself, without those of who took it up. */
  readonly trace: ReadonlyArray<Seen>
  readonly faults: ReadonlyArray<string>
  readonly story: ReadonlyArray<string>
}

/** `undo`: it is an undo that is met. */
export type Kind = "restore" | "undo"

interface Watched {
  readonly trace: Array<Seen>
  acted: boolean
  /** Lists and reads of claims since the act, and reads of the set. */
  looks: number
  setLooks: number
}

const rivalled = (
  world: World,
  act: Act,
  index: number,
  pause: number,
  seen: Watched
): Cluster["Service"] => ({
  ...world.sandbox.cluster,
  request: (request) =>
    Effect.gen(function* () {
      const { method, path } = request
      seen.trace.push({ method, path, at: yield* Clock.currentTimeMillis })
      if (seen.trace.length === index) {
        yield* Effect.exit(on(world)(act.does(world)))
        seen.acted = true
        if (pause > 0) yield* Effect.sleep(pause)
      }
      if (seen.acted && request.method === "GET") {
        if (request.path.endsWith("/persistentvolumeclaims")) seen.looks += 1
        if (request.path.endsWith("/statefulsets/db")) seen.setLooks += 1
      }
      return yield* world.sandbox.cluster.request(request)
    })
})

/** One run, met by one act, and taken up until it ends. */
export const attempt = (kind: Kind, act: Act, index: number, pause: number) =>
  Effect.gen(function* () {
    const world = yield* withSnapshot()
    const first = kind === "undo" ? yield* restore(world) : null
    const manner = { identity: ann, stepTimeout: 20_000 }
    const plan =
      first === null
        ? yield* on(world)(Restore.prepare(snapshot))
        : yield* on(world)(Restore.prepareUndo({ namespace: "shop", id: first.id ?? "" }))
    const start = volumesIn(world)
    const [old, wanted] = kind === "undo" ? ["before", "after"] : ["after", "before"]
    const acting: { now?: ReturnType<typeof volumesIn>; whenScaled?: string } = {}
    const seen: Watched = { trace: [], acted: false, looks: 0, setLooks: 0 }
    const watched: Act = {
      ...act,
      does: (here) =>
        Effect.suspend(() => {
          acting.now = volumesIn(here)
          acting.whenScaled = setOf(here)?.spec.persistentVolumeClaimRetentionPolicy?.whenScaled ?? "Retain"
          return act.does(here)
        })
    }
    const cluster = rivalled(world, watched, index, pause, seen)
    const story: Array<string> = []
    const results: Array<OperationResult> = []
    const go = (name: string, run: Effect.Effect<OperationResult, unknown, Cluster>) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(drive(withCluster(cluster)(run), 600_000))
        story.push(`${name}: ${told(exit)}`)
        if (Exit.isSuccess(exit)) results.push(exit.value)
        return Exit.isSuccess(exit)
      })
    const at = { namespace: "shop", id: plan.id }
    let ended = yield* go("run", Restore.run(plan, manner))
    const trace = [...seen.trace]
    yield* TestClock.adjust("5 seconds")
    const isOpen = () =>
      openJournal(world) !== undefined ||
      setOf(world)?.metadata.annotations?.[markOf("operation")] !== undefined
    if (!ended && isOpen()) ended = yield* go("resume", Restore.resume(at, { ...manner, identity: bob }))
    if (!ended && isOpen()) ended = yield* go("abort", Restore.abort(at, { ...manner, identity: bob }))
    if (!ended && isOpen() && act.name.startsWith("a pod that mounts")) {
      // As the refusal says.
      const reader = { api: kinds.pods, namespace: "shop", name: "reader" }
      yield* Effect.ignore(on(world)(Resource.remove(reader)))
      ended = yield* go("abort again", Restore.abort(at, { ...manner, identity: bob }))
    }
    if (!ended && isOpen() && act.name.startsWith("delete and re")) {
      // A claim that asks for a volume which is another's is never Bound: its pod waits for it.
      const claim = claims(world).find(
        ({ metadata, status }) => /^data-db-\d$/.test(metadata.name) && status.phase !== "Bound"
      )
      if (claim !== undefined)
        yield* Effect.ignore(on(world)(Resource.remove(claimTarget(claim.metadata.name))))
      ended = yield* go("abort again", Restore.abort(at, { ...manner, identity: bob }))
    }
    const inUse = /kubectl delete pvc (\S+) -n \S+; then abort again/.exec(story.at(-1) ?? "")?.[1]
    if (!ended && isOpen() && inUse !== undefined) {
      // As the refusal says: the controller made it, for a pod that somebody asked for.
      const none = { api: kinds.statefulsets, namespace: "shop", name: "db" }
      yield* on(world)(Resource.patch(none, { _tag: "Merge", value: { spec: { replicas: 0 } } }))
      yield* drive(Effect.sleep("10 seconds"))
      for (const name of ["data-db-0", "data-db-1", "data-db-2"]) {
        const isNew = (textOf(world, claimOf(world, name)?.spec.volumeName ?? "") || null) === null
        if (isNew) yield* Effect.ignore(on(world)(Resource.remove(claimTarget(name))))
      }
      ended = yield* go("abort again", Restore.abort(at, { ...manner, identity: bob }))
    }
    if (!ended && isOpen() && act.name === "ordinals.start 1") {
      const set = { api: kinds.statefulsets, namespace: "shop", name: "db" }
      const back = { spec: { ordinals: { start: 0 } } }
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value: back }))
      ended = yield* go("abort again", Restore.abort(at, { ...manner, identity: bob }))
    }
    yield* TestClock.adjust("35 seconds")
    const end = volumesIn(world)
    const words = results.flatMap(({ unmet, notes }) => [...unmet, ...notes]).join("; ")
    const faults: Array<string> = []
    // Nothing that a member has written is lost by an act of ours.
    for (const [name, { text, policy }] of start) {
      if (end.has(name) && textOf(world, name) === text) continue
      const then = acting.now?.get(name)?.policy ?? policy
      const mayGo =
        act.name.startsWith("delete the volume") ||
        (act.takes !== undefined && (then === "Delete" || acting.whenScaled === "Delete")) ||
        act.name.startsWith("policy Delete")
      if (!mayGo) faults.push(`lost: "${text}" of ${name}`)
    }
    // Nothing crosses: a volume's claim names that very volume.
    for (const [name, { claim, uid }] of end) {
      const holder = world.sandbox.store
        .list(persistentvolumeclaims)
        .find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === claim)
      if (holder !== undefined && holder.metadata.uid === uid && (holder.spec.volumeName ?? name) !== name)
        faults.push(`crossed: ${claim} has ${name}, and names ${holder.spec.volumeName}`)
    }
    const result = results.at(-1)
    const states = statesOf(world)
    const isDone = result?.outcome === "Succeeded" || result?.outcome === "Aborted"
    if (act.name === "nothing" && (!isDone || result.aborted || states.some((state) => state !== wanted)))
      faults.push(`without any act: ${states.join()}`)
    // Success is said only of what is so, as far as the last look goes.
    const should = result?.aborted === true ? old : wanted
    if (isDone && seen.looks > 0 && act.takes === undefined && !/volume|policy/.test(act.name)) {
      if (states.some((state) => state !== should)) faults.push(`no success: ${states.join()}, not ${should}`)
    }
    if (isDone && seen.setLooks > 2 && act.takes !== "count" && act.takes !== "set" && countOf(world) !== 3)
      faults.push(`no success: ${countOf(world)} replicas`)
    // No member is told to be well that has another's state, or none.
    const mixed = new Set(states.filter((state) => state !== null)).size > 1
    if (isDone && mixed && seen.looks > 0) faults.push(`half of each state: ${states.join()}`)
    // It has an end, and nothing is left that nobody names.
    if (
      isOpen() &&
      act.takes !== "set" &&
      !act.name.includes("journal") &&
      !/annotation operation/.test(act.name)
    )
      faults.push("cannot be ended")
    if (!isOpen() && checkPodOf(world) !== undefined) faults.push("left: a check pod")
    if (isDone && result.aborted) {
      const left = stagedOf(world)
      if (
        left !== undefined &&
        !words.includes(left.metadata.name) &&
        !act.name.includes("claim of the name")
      )
        faults.push(`left: ${left.metadata.name}`)
    }
    return { trace, faults, story } satisfies Met
  })
