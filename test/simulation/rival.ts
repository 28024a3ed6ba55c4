/**
 * A rival: somebody else who does one legal act between two requests of an operation. Scenarios, one
 * run of each with its act, and what has to hold after it in every namespace.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster, Request } from "../../packages/sdk/src/Cluster.ts"
import type { OperationResult } from "../../packages/sdk/src/operation/Progress.ts"
import * as Operation from "../../packages/sdk/src/Operation.ts"
import { persistentvolumeclaims, persistentvolumes } from "../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import { scaleVerb } from "../../packages/sdk/src/scale/verb.ts"
import { statefulSet } from "../../packages/sdk/src/App.ts"
import { read } from "../../packages/sdk/src/State.ts"
import { type Act, actsOn, count, deleteJournal, markOf, newClaim, openJournal, setOf } from "./acts.ts"
import {
  type Inventory,
  inventory,
  judge,
  newWire,
  type Outcome,
  type Scenario,
  type Wire
} from "./verdict.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "./world.ts"
import { wrongs } from "./wrongs.ts"
import { told } from "./story.ts"

const quick = { readyAfter: 50 }
const leftover = [2]
export const scenarios: Readonly<Record<string, Scenario>> = {
  down: { world: { ...quick, replicas: 3 }, asked: { replicas: 1 }, claims: ["data-db-0", "data-db-2"] },
  "zero from Delete": {
    world: { ...quick, replicas: 3, whenScaled: "Delete" },
    asked: { replicas: 0 },
    claims: ["data-db-1", "data-db-2"]
  },
  zero: { world: { ...quick, replicas: 3 }, asked: { replicas: 0 }, claims: ["data-db-2"] },
  up: { world: { ...quick, replicas: 1 }, asked: { replicas: 3 }, claims: ["data-db-0", "data-db-2"] },
  attach: {
    world: { ...quick, replicas: 3 },
    before: leftover,
    asked: { replicas: 3 },
    claims: ["data-db-2"]
  },
  aside: {
    world: { ...quick, replicas: 3 },
    before: leftover,
    asked: { replicas: 3, leftoverClaims: "set-aside" },
    claims: ["data-db-2", "aside"]
  },
  purge: {
    world: { ...quick, replicas: 3 },
    before: [...leftover, { replicas: 3, leftoverClaims: "set-aside" }],
    asked: { purge: true },
    claims: ["aside", "data-db-2"],
    goes: /^data-db-2-/
  },
  "abort of down": {
    world: { ...quick, replicas: 4, whenScaled: "Delete" },
    asked: { replicas: 0 },
    stopAt: "delete db-3",
    taken: "abort",
    claims: ["data-db-1", "data-db-3"]
  },
  "abort of up": {
    world: { ...quick, replicas: 1 },
    asked: { replicas: 4, step: 1 },
    stopAt: "ready db-1",
    taken: "abort",
    claims: ["data-db-1", "data-db-3"]
  },
  "abort of attach under Delete": {
    world: { ...quick, replicas: 3, whenScaled: "Delete" },
    before: [{ replicas: 1, whenScaled: "Retain" }],

    asked: { replicas: 3, step: 1 },
    stopAt: "ready db-1",
    taken: "abort",
    claims: ["data-db-1", "data-db-2"]
  },
  "abort of aside": {
    world: { ...quick, replicas: 3 },
    before: leftover,
    asked: { replicas: 4, leftoverClaims: "set-aside" },
    stopAt: "set aside",
    taken: "abort",
    claims: ["data-db-2", "aside"]
  },
  "resume of down": {
    world: { ...quick, replicas: 3, whenScaled: "Delete" },
    asked: { replicas: 0 },
    stopAt: "delete db-2",
    taken: "resume",
    claims: ["data-db-0", "data-db-2"]
  },
  "resume of aside": {
    world: { ...quick, replicas: 3 },
    before: leftover,
    asked: { replicas: 4, leftoverClaims: "set-aside" },
    stopAt: "set aside",
    taken: "resume",
    claims: ["data-db-2", "aside"]
  }
}

export const actsOf = ({ claims }: Scenario): ReadonlyArray<Act> => [
  { name: "nothing", does: () => Effect.void },
  ...actsOn(claims)
]

const status = (code: number, reason: string) => ({
  status: code,
  headers: {},
  body: Stream.succeed(
    new TextEncoder().encode(
      JSON.stringify({ kind: "Status", status: "Failure", reason, code, message: "no" })
    )
  )
})

/** What others have put between us and the cluster: nothing, or a planted bug. */
export interface Means {
  readonly bug?: (inner: Cluster["Service"], world: World) => Cluster["Service"]
  /** The verb that is run; default: scaling as it is. */
  readonly verb?: typeof scaleVerb
}

/** A request of ours, with the virtual time at which it was made. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly at: number
}

/** Before which request the rival acts: by its number, or the first one that is so. */
export type Moment = number | ((request: Request, world: World) => boolean)

const claimsOf = (world: World): ReadonlySet<string> =>
  new Set(world.sandbox.store.list(persistentvolumeclaims).map(({ metadata }) => metadata.uid))

/** The rival acts at its moment, and waits a while if `pause` says so. */
export const rivalled = (
  world: World,
  act: Act,
  moment: Moment,
  pause: number,
  wire: Wire,
  trace: Array<Seen>
): Cluster["Service"] => {
  const inner = world.sandbox.cluster
  const isMoment = (request: Request) =>
    typeof moment === "number" ? wire.requests === moment : !wire.acted && moment(request, world)
  return {
    ...inner,
    request: (request) =>
      Effect.gen(function* () {
        wire.requests += 1
        const { method, path } = request
        trace.push({ method, path, at: yield* Clock.currentTimeMillis })
        if (isMoment(request)) {
          const before = claimsOf(world)
          yield* Effect.exit(withCluster(inner)(act.does(world)))
          wire.acted = true
          wire.theirs = new Set([...claimsOf(world)].filter((uid) => !before.has(uid)))
          wire.forbidden = act.forbids === true
          if (pause > 0) yield* Effect.sleep(pause)
        }
        const line = `${method} ${path}`
        wire.all.push(line)
        if (wire.acted) wire.since.push(line)
        if (wire.forbidden && request.method === "PATCH" && request.path.includes("/persistentvolumes/"))
          return status(403, "Forbidden")
        const isCount = request.method === "PATCH" && (request.body ?? "").includes('"/spec/replicas"')
        if (isCount) wire.all.push("count")
        if (method === "GET" && path.endsWith("/persistentvolumeclaims"))
          wire.claims = inventory(world).claims
        const wrong = wrongs(world, request, wire)
        const response = yield* inner.request(request)
        // One that is refused by its own tests writes nothing.
        if (response.status < 300) wire.breaches.push(...wrong)
        return response
      })
  }
}

export const mannerOf = ({ profile, manner }: Scenario) => ({
  identity: "ann@laptop",
  stepTimeout: 4000,
  ...(profile === undefined ? {} : { profile }),
  ...manner
})

/** What people and their tools write on claims: it goes where the data goes. */
const notes = { labels: { tier: "gold" }, annotations: { "backup/keep": "yes" } }

export const prepared = (scenario: Scenario) =>
  Effect.gen(function* () {
    const world = yield* makeWorld({ ...scenario.world, notes })
    const on = withCluster(world.sandbox.cluster)
    world.sandbox.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "bank" } })
    for (const [name, namespace] of [
      ["money", "bank"],
      ["data-db-1", "bank"],
      ["report", "shop"]
    ] as const)
      world.sandbox.create({ apiVersion: "v1", kind: "PersistentVolumeClaim", ...newClaim(name, namespace) })
    yield* TestClock.adjust("2 seconds")
    for (const before of scenario.before ?? []) {
      if (typeof before === "object") yield* drive(on(Scale.scale(ref, { ...before, ...mannerOf(scenario) })))
      else {
        yield* on(count(() => before)(world))
        yield* TestClock.adjust("5 seconds")
      }
    }
    if (scenario.given !== undefined) {
      yield* on(scenario.given(world))
      yield* TestClock.adjust("2 seconds")
    }
    world.log.length = 0
    return world
  })

const hanging = ({ sandbox }: World, { hangs = () => false }: Scenario): Cluster["Service"] => ({
  ...sandbox.cluster,
  request: (request) => (hangs(request) ? Effect.never : sandbox.cluster.request(request))
})

/** Runs until the line is logged; `set aside` is when a claim that is set aside has its volume. */
const stopped = (world: World, run: Effect.Effect<unknown, unknown>, { id }: Scale.ScalePlan, line: string) =>
  Effect.gen(function* () {
    const isThere = () =>
      line === "set aside"
        ? world.sandbox.store
            .list(persistentvolumes)
            .some(({ spec }) => (spec.claimRef?.name ?? "").endsWith(id))
        : world.log.includes(line)
    const fiber = yield* Effect.forkChild(Effect.exit(run))
    for (let waited = 0; waited < 60_000 && !isThere(); waited += 5) yield* TestClock.adjust(5)
    yield* drive(Fiber.interrupt(fiber))
  })

export const attempt = (scenario: Scenario, act: Act, moment: Moment, pause: number, means: Means = {}) =>
  Effect.gen(function* () {
    const world = yield* prepared(scenario)
    const { bug = (inner) => inner, verb = scaleVerb } = means
    const manner = mannerOf(scenario)
    const plain = withCluster(world.sandbox.cluster)
    const bugged = withCluster(bug(world.sandbox.cluster, world))
    const { asked } = scenario
    const start = inventory(world)
    const options = { ...asked, ...manner }
    const plan = yield* bugged(Scale.prepare(ref, options))
    const first = scenario.taken ?? "run"
    if (scenario.stopAt !== undefined) {
      const before = withCluster(bug(hanging(world, scenario), world))
      yield* stopped(world, before(Operation.execute(plan, verb, manner)), plan, scenario.stopAt)
    }
    const wire = newWire(plan, asked)
    const trace: Array<Seen> = []
    const acting: { now?: Inventory } = {}
    const seen: Act = {
      ...act,
      does: (here) => Effect.suspend(() => ((acting.now = inventory(here)), act.does(here)))
    }
    const on = withCluster(bug(rivalled(world, seen, moment, pause, wire, trace), world))
    const story: Array<string> = []
    const results: Array<OperationResult> = []
    const go = (name: string, run: Effect.Effect<OperationResult, unknown, Cluster>) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(drive(on(run), 400_000))
        story.push(`${name}: ${told(exit)}`)
        if (Exit.isSuccess(exit)) results.push(exit.value)
        return Exit.isSuccess(exit)
      })
    const again = Effect.flatMap(Scale.prepare(ref, { ...scenario.again, ...manner }), (second) => {
      wire.plan = second
      wire.operations.add(second.id)
      return Operation.execute(second, verb, manner)
    })
    const ways = {
      run: Operation.execute(plan, verb, manner),
      resume: Operation.resume(at(plan.id), verb, manner),
      abort: Operation.abort(at(plan.id), verb, manner),
      alone: Scale.abortWithoutJournal(ref, manner),
      again
    }
    let ended = yield* go(first, ways[first])
    const { requests } = wire
    const answered = inventory(world)
    yield* TestClock.adjust("5 seconds")
    const hasToken = () => setOf(world)?.metadata.annotations?.[markOf("operation")] !== undefined
    const isOpen = () => openJournal(world) !== undefined || hasToken()
    for (const way of ["resume", "abort", "alone"] as const)
      if (!ended && isOpen()) ended = yield* go(way, ways[way])
    if (!ended && isOpen() && act.name.includes("other hooks")) {
      // As the refusal says: nobody has the hooks any more.
      yield* Effect.ignore(plain(deleteJournal(world)))
      ended = yield* go("alone", ways.alone)
    }
    // Two rounds of the slowest controller.
    yield* TestClock.adjust("35 seconds")
    const end = inventory(world)
    const result = results.at(-1) ?? null
    const seenThen = { requests, wire, start, acting: acting.now ?? start, answered, end }
    const outcome = { ...seenThen, plan: wire.plan, story, result }
    const said = results.flatMap(({ notes, unmet }) => [...notes, ...unmet])
    const judged = (words: ReadonlyArray<string>) =>
      judge(world, scenario, act, { ...outcome, words: words.join(), isOpen: isOpen() })
    let faults = judged(said)
    if (faults.length > 0) {
      // What `describe` says of it counts as said.
      const state = yield* plain(read(statefulSet("shop", "db"))).pipe(Effect.orElseSucceed(() => null))
      faults = judged([...said, ...(state?.keptVolumes ?? []).map(({ name }) => name)])
    }
    return { ...outcome, faults, trace: trace.slice(0, requests) } satisfies Outcome & {
      readonly trace: ReadonlyArray<Seen>
    }
  }).pipe(Effect.scoped)
