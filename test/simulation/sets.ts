/**
 * Taking, deleting and restoring sets in the sandbox, met by faults, by acts of somebody else and by planted
 * defects: one run of each, ended by whoever takes it up, and what has to be so after it.
 */
import assert from "node:assert/strict"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Cluster } from "../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../packages/sdk/src/operation/Journal.ts"
import type { OperationResult } from "../../packages/sdk/src/operation/Progress.ts"
import { leases } from "../../packages/sandbox/src/registry/kinds/index.ts"
import * as Restore from "../../packages/sdk/src/Restore.ts"
import { driver } from "../../packages/sandbox/src/node/Nodes.ts"
import * as Snapshot from "../../packages/sdk/src/Snapshot.ts"
import * as Prune from "../../packages/sdk/src/SnapshotPrune.ts"
import { ann, bob, carol } from "../sdk/scale/callers.ts"
import { write } from "../sdk/restore/world.ts"
import { freezable, type Freezer, quiesce } from "../sdk/snapshot/freezing.ts"
import { app } from "../sdk/snapshot/world.ts"
import { caller, type Deaths, type Faults, lineOf, nothingLeft } from "./again.ts"
import type { Decorate } from "./scaling.ts"
import { inventory, type Inventory, judge, watched } from "./setVerdict.ts"
import { drive, withCluster, type World } from "./world.ts"

export type Verb = "take" | "prune" | "restore" | "undo"

export interface Scenario {
  readonly name: string
  readonly verb: Verb
  readonly replicas: number
  /** How it is taken, or was taken before it is deleted or restored. */
  readonly options: Partial<Snapshot.SnapshotOptions>
  /** Parameters of the VolumeSnapshotClass. */
  readonly parameters?: Readonly<Record<string, string>>
  /** Whether an older set is there, which nobody may touch. Default true. */
  readonly older?: boolean
}

const alone = { groupClass: "none" }
const quiesced = { consistency: "quiesced", quiesce } as const

/** Of three members each, or as few as show it. */
export const scenarios = (replicas: number) =>
  ({
    crash: { name: "crash", verb: "take", replicas, options: { consistency: "crash" } },
    group: { name: "group", verb: "take", replicas, options: { consistency: "group" } },
    offline: { name: "offline", verb: "take", replicas, options: { consistency: "offline" } },
    quiesced: { name: "quiesced as one group", verb: "take", replicas, options: quiesced },
    alone: { name: "quiesced, each alone", verb: "take", replicas, options: { ...quiesced, ...alone } },
    prune: { name: "prune", verb: "prune", replicas, options: { consistency: "crash" } },
    pruneGroup: { name: "prune of a group", verb: "prune", replicas, options: { consistency: "group" } },
    restore: { name: "restore", verb: "restore", replicas, options: { consistency: "crash" } },
    undo: { name: "undo", verb: "undo", replicas, options: { consistency: "crash" } }
  }) satisfies Record<string, Scenario>

/** What a run is met by. */
export interface Means {
  readonly faults?: () => Faults
  /** A defect of the engine, between it and its cluster. */
  readonly bug?: Decorate
  /** The plan as another engine would have made it. */
  readonly recast?: (plan: { readonly steps: ReadonlyArray<{ readonly _tag: string }> }) => object
  /** What is so before it begins. */
  readonly before?: (stage: Stage) => Effect.Effect<void>
  /** Somebody else acts between the engine and the API server. */
  readonly between?: (stage: Stage, inner: Cluster["Service"]) => Cluster["Service"]
  /** Somebody else acts once its caller is gone. */
  readonly after?: (stage: Stage) => Effect.Effect<void>
  /** How it is ended where its caller does not. Default: an abort. */
  readonly way?: Way
  /** What whoever takes it up is met by. */
  readonly again?: () => Faults
  /** How it is ended where that one does not either. Default: as that one was about to. */
  readonly end?: Way
}

export type Way = "abort" | "resume"

export interface Stage {
  readonly world: World
  readonly freezer: Freezer
  readonly scenario: Scenario
  readonly start: Inventory
  /** What somebody else has taken away, or made, with the name of what is ours. */
  readonly others: { readonly gone: Set<string>; readonly made: Set<string> }
}

export interface Met {
  readonly calls: number
  readonly replay: string
  /** Of its caller, and of whoever took it up: before which calls a death finds another state. */
  readonly deaths: Deaths
  readonly deathsAgain: Deaths
  readonly outcome: string
}

const name = "nightly"
const snapshot = { namespace: "shop", name }
const limits = { stepTimeout: 60_000 }

const taken = (world: World, options: Partial<Snapshot.SnapshotOptions>, identity = ann) =>
  drive(withCluster(world.sandbox.cluster)(Snapshot.take(app, { name, identity, ...options })))

const snapshotClass = (parameters: object) => ({
  apiVersion: "snapshot.storage.k8s.io/v1",
  kind: "VolumeSnapshotClass",
  metadata: { name: "slow" },
  driver,
  deletionPolicy: "Delete",
  parameters
})

/** The application with what has been taken of it before. */
export const stageOf = (scenario: Scenario) =>
  Effect.gen(function* () {
    const { replicas, verb, options, parameters, older } = scenario
    const { world, freezer } = yield* freezable({ replicas, whenScaled: "Delete", readyAfter: 100 })
    freezer.sticks = true
    if (parameters !== undefined) world.sandbox.create(snapshotClass(parameters))
    write(world, "before")
    if (older !== false) yield* taken(world, { name: "weekly", consistency: "crash" })
    if (verb !== "take") yield* taken(world, options)
    if (verb !== "take") write(world, "after")
    if (verb === "undo") {
      yield* drive(
        withCluster(world.sandbox.cluster)(Restore.restore(snapshot, { identity: ann, ...limits }))
      )
      for (const entry of yield* withCluster(world.sandbox.cluster)(Journal.list("shop", "db")))
        if (entry.plan.verb === "restore") undone.set(world, entry.plan.id)
    }
    const others = { gone: new Set<string>(), made: new Set<string>() }
    return { world, freezer, scenario, start: inventory(world), others } satisfies Stage
  })

/** The restore that is to be undone. */
const undone = new WeakMap<World, string>()

type Ran = Effect.Effect<OperationResult, unknown, Cluster>

/** The verb as its caller runs it. */
export const running = (
  { world, scenario: { verb, options, parameters } }: Stage,
  recast: Means["recast"]
): Ran => {
  // oxlint-disable-next-line typescript/no-explicit-any -- the plan of any verb
  const changed = (plan: any) => (recast === undefined ? plan : { ...plan, ...recast(plan) })
  const how = { identity: ann, ...limits }
  const slow = parameters === undefined ? {} : { class: "slow" }
  const verbs: Readonly<Record<Verb, () => Ran>> = {
    take: () =>
      Effect.flatMap(Snapshot.prepare(app, { name, ...options, ...slow }), (plan) =>
        Snapshot.run(changed(plan), { ...how, ...(options.quiesce === undefined ? {} : { quiesce }) })
      ),
    prune: () =>
      Effect.flatMap(Prune.prepare(snapshot, { last: true }), (plan) => Prune.run(changed(plan), how)),
    restore: () => Effect.flatMap(Restore.prepare(snapshot), (plan) => Restore.run(changed(plan), how)),
    undo: () =>
      Effect.flatMap(Restore.prepareUndo({ namespace: "shop", id: undone.get(world) ?? "" }), (plan) =>
        Restore.run(changed(plan), how)
      )
  }
  return verbs[verb]()
}

export const ways = {
  take: { abort: Snapshot.abort, resume: Snapshot.resume },
  prune: { abort: Prune.abort, resume: Prune.resume },
  restore: { abort: Restore.abort, resume: Restore.resume },
  undo: { abort: Restore.abort, resume: Restore.resume }
}

const openOf = (world: World) =>
  Effect.map(withCluster(world.sandbox.cluster)(Journal.list("shop")), (entries) =>
    entries.find(({ status }) => Journal.isOpen(status))
  )

/** Its caller is dead, or has given up: somebody else ends it, or does it where it had not begun. */
const takeUp = (stage: Stage, port: Cluster["Service"], way: Way, identity: string) =>
  Effect.gen(function* () {
    const { world, scenario } = stage
    const open = yield* openOf(world)
    if (open === undefined && world.sandbox.store.list(leases, "shop").length === 0) return []
    const { quiesce: profile } = scenario.options
    const how = { identity, ...limits, ...(profile === undefined ? {} : { quiesce: profile }) }
    const again =
      open === undefined
        ? running(stage, undefined)
        : ways[scenario.verb][way]({ namespace: "shop", id: open.plan.id }, how)
    return [yield* drive(Effect.exit(withCluster(port)(again)))]
  })

/** Without faults, by an abort where nothing else ends it. */
const ended = (stage: Stage, port: Cluster["Service"], way: Way, identity: string) =>
  Effect.gen(function* () {
    const told: Array<Exit.Exit<OperationResult, unknown>> = []
    if ((yield* openOf(stage.world)) === undefined) told.push(...(yield* takeUp(stage, port, way, identity)))
    for (const now of [way, way, "abort"] as const) {
      if ((yield* openOf(stage.world)) === undefined) break
      told.push(...(yield* takeUp(stage, port, now, identity)))
    }
    return told
  })

/** Whoever is dead holds nobody for longer than it has been asked for. */
const thawed = ({ holds }: Freezer) =>
  Effect.suspend(() =>
    holds.some(({ end }) => end === null) ? drive(Effect.sleep(quiesce.hold.deadline + 1000)) : Effect.void
  )

/** Who may do what is asked dozens of times in each run, and answered yes: without the server it is cheaper. */
const allowed = (inner: Cluster["Service"]): Cluster["Service"] => ({
  ...inner,
  request: (request) =>
    request.path.endsWith("/selfsubjectaccessreviews")
      ? Effect.succeed({
          status: 201,
          headers: { "content-type": "application/json" },
          body: Stream.succeed(
            new TextEncoder().encode(
              JSON.stringify({ ...JSON.parse(request.body ?? "{}"), status: { allowed: true } })
            )
          )
        })
      : inner.request(request)
})

/** As whoever came last was told; an error by its reason. */
const outcomeOf = (last: Exit.Exit<OperationResult, unknown>): string => {
  if (Exit.isSuccess(last)) return last.value.outcome
  const error = Object(Option.getOrNull(Cause.findErrorOption(last.cause)))
  return Cause.hasInterrupts(last.cause) ? nothingLeft : `failed: ${error.reason?._tag ?? "a defect"}`
}

/** One run, met by all that, and ended. Dies with what is wrong after it. */
export const meet = (
  given: Stage,
  { faults = () => () => undefined, bug = (inner) => inner, way = "abort", ...means }: Means = {}
) =>
  Effect.gen(function* () {
    const { recast, before, between, after, again, end = way } = means
    const { world, freezer } = given
    freezer.holds.length = 0
    freezer.log.length = 0
    if (before !== undefined) yield* before(given)
    const stage = { ...given, start: inventory(world) }
    const breaches: Array<string> = []
    const wire = watched(allowed(world.sandbox.cluster), stage, breaches)
    const port = bug(between === undefined ? wire : between(stage, wire), world)
    const one = caller(port, faults())
    const exit = yield* drive(Effect.exit(withCluster(one.cluster)(running(stage, recast))))
    const replay = one.record.replay()
    const isMet = between !== undefined
    // Whoever lives to tell how it ended has let all go, unless it could not be told.
    if (replay === "") {
      const held = freezer.holds.filter(({ end }) => end === null).map(({ pod }) => pod)
      assert.deepEqual(held, [], "held after its caller had ended")
    }
    yield* thawed(freezer)
    if (after !== undefined) yield* after(stage)
    const two = caller(port, again?.() ?? (() => undefined))
    const told = again === undefined ? [] : yield* takeUp(stage, two.cluster, way, bob)
    yield* thawed(freezer)
    told.push(...(yield* ended(stage, port, end, again === undefined ? bob : carol)))
    yield* drive(Effect.sleep(100))
    yield* judge(stage, { exit, told, breaches, isQuiet: replay === "" && !isMet, isMet })
    return {
      calls: one.record.calls.length,
      replay: lineOf(replay, two.record.replay()),
      deaths: one.deaths(),
      deathsAgain: two.deaths(),
      outcome: outcomeOf(told.at(-1) ?? exit)
    } satisfies Met
  })

/** The same in a world of its own. */
export const attempt = (scenario: Scenario, means: Means = {}) =>
  Effect.scoped(Effect.flatMap(stageOf(scenario), (stage) => meet(stage, means)))
