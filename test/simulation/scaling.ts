/**
 * Scaling under faults: scenarios, one run of each with its faults, and the invariants that hold
 * after it. Used by the tests, which run a fixed part, and by `npm run prove -- scale`.
 */
import assert from "node:assert/strict"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster, Request } from "../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../packages/sdk/src/operation/Journal.ts"
import { leaseDuration } from "../../packages/sdk/src/operation/lease.ts"
import type { Profile } from "../../packages/sdk/src/Profile.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import { atCall, type Call, type Fault, type Plan } from "../../packages/sandbox/src/Fault.ts"
import { inject } from "../../packages/sandbox/src/FaultyCluster.ts"
import { leases } from "../../packages/sandbox/src/registry/kinds/index.ts"
import { drainingAnnotation } from "../../packages/sdk/src/Discovery.ts"
import { configmaps, persistentvolumeclaims, pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster, type World, type WorldOptions } from "./world.ts"

const command = (...argv: ReadonlyArray<string>) =>
  ({ _tag: "Command", argv, container: null, timeout: 5000 }) as const

export const hooks: Profile = {
  beforeRemove: command("leave", "{pod}"),
  afterAdd: command("join", "{pod}"),
  probe: command("is-member")
}

export interface Scenario {
  readonly name: string
  readonly world: WorldOptions
  readonly to: number
  readonly profile: Profile
  /** Members that leave are marked, and so many milliseconds pass. */
  readonly drainWait?: number
  /** Which calls the tests look at, with those around them: the others are as in another scenario. `prove` takes all. */
  readonly only?: (request: Request) => boolean
}

const quick = { readyAfter: 200 }
export const scenarios = {
  up: { name: "1 to 3 without hooks", world: { ...quick, replicas: 1 }, to: 3, profile: {} },
  down: { name: "3 to 1 without hooks", world: { ...quick, replicas: 3 }, to: 1, profile: {} },
  hello: { name: "1 to 2 with hooks", world: { ...quick, replicas: 1 }, to: 2, profile: hooks },
  goodbye: { name: "3 to 2 with hooks", world: { ...quick, replicas: 3 }, to: 2, profile: hooks },
  zero: {
    name: "2 to 0, data kept against whenScaled Delete",
    world: { ...quick, replicas: 2, whenScaled: "Delete" },
    to: 0,
    profile: {}
  },
  parallel: {
    name: "Parallel 1 to 4",
    world: { ...quick, replicas: 1, policy: "Parallel" },
    to: 4,
    profile: {}
  },
  drain: {
    name: "2 to 1, marked before it leaves",
    world: { ...quick, replicas: 2 },
    to: 1,
    profile: {},
    drainWait: 1000,
    only: ({ method, path }) => method === "PATCH" && path.includes("/pods/")
  }
} satisfies Record<string, Scenario>

/** Long enough for a holder that does not renew its Lease to be taken for dead. */
export const slow: Scenario = {
  ...scenarios.up,
  name: "1 to 3, slowly",
  world: { replicas: 1, readyAfter: 25_000 }
}

/** A renewal may meet the longest delay that a fault has. */
const longestSilence = leaseDuration + 5000

/** Something between the callers and the API server: none, or a planted bug. */
export type Decorate = (inner: Cluster["Service"], world: World) => Cluster["Service"]
export const plain: Decorate = (inner) => inner

export const optionsOf = (scenario: Scenario, identity: string) => ({
  replicas: scenario.to,
  profile: scenario.profile,
  identity,
  stepTimeout: 60_000,
  ...(scenario.drainWait === undefined ? {} : { drainWait: scenario.drainWait })
})

/** Pods that are marked as about to leave, and stay. */
export const marked = (world: World): ReadonlyArray<string> =>
  world.sandbox.store
    .list(pods, "shop")
    .filter(
      ({ metadata }) =>
        metadata.annotations?.[drainingAnnotation] !== undefined && metadata.deletionTimestamp === undefined
    )
    .map(({ metadata }) => metadata.name)

/** I6: a pod is created after the one before it was ready, and deleted after the one behind it was gone. */
export const checkOrder = (world: World) => {
  if (world.options.policy === "Parallel") return
  const story = world.log.join(", ")
  const ready = new Set(Array.from({ length: world.options.replicas }, (_, index) => `db-${index}`))
  const there = new Set(ready)
  for (const line of world.log) {
    const [what = "", pod = ""] = line.split(" ")
    const ordinal = Number(pod.slice(3))
    if (what === "create") {
      if (ordinal > 0) assert.ok(ready.has(`db-${ordinal - 1}`), `I6: ${story}`)
      there.add(pod)
    }
    if (what === "ready") ready.add(pod)
    if (what === "delete") assert.ok(!there.has(`db-${ordinal + 1}`), `I6: ${story}`)
    if (what === "gone") {
      there.delete(pod)
      ready.delete(pod)
    }
  }
}

/** Hellos come after readiness, goodbyes before the deletion, each once. */
export const checkHooks = (world: World) => {
  const story = world.log.join(", ")
  for (const [index, line] of world.log.entries()) {
    const [what = "", pod = ""] = line.split(" ")
    const before = world.log.slice(0, index)
    if (what === "join") assert.ok(before.includes(`ready ${pod}`), `a hello before readiness: ${story}`)
    if (what === "join" || what === "leave") assert.ok(!before.includes(line), `${line} twice: ${story}`)
    if (what === "delete") assert.ok(before.includes(`leave ${pod}`), `no goodbye: ${story}`)
  }
}

const names = (items: ReadonlyArray<Resource.KubeObject>) =>
  items.map((item) => item.metadata.name).toSorted()

/** I8 and I12: what has to be so once all is over, whoever brought it there. */
export const checkEnd = (world: World, count: number, profile: Profile) =>
  withCluster(world.sandbox.cluster)(
    Effect.gen(function* () {
      const story = world.log.join(", ")
      assert.deepEqual(marked(world), [], `marked as leaving, and stays: ${story}`)
      const pods = yield* Resource.listObjects(kinds.pods, { namespace: "shop" })
      const expected = Array.from({ length: count }, (_, index) => `db-${index}`)
      assert.deepEqual(names(pods.items), expected, `pods: ${story}`)
      if (profile.afterAdd !== undefined) {
        assert.deepEqual([...world.members].toSorted(), expected, `members: ${story}`)
      }
      const set = yield* Resource.getObject({ api: kinds.statefulsets, namespace: "shop", name: "db" })
      const annotations = Object.keys(Object(set.metadata["annotations"] ?? {}))
      assert.deepEqual(
        annotations,
        count === 0 ? ["kubectl-stateful.dev/replicas"] : [],
        `I8, annotations: ${story}`
      )
      const leases = yield* Resource.listObjects(Resource.leases, { namespace: "shop" })
      assert.deepEqual(names(leases.items), [], `I8, Leases: ${story}`)
      const journals = yield* Journal.list("shop")
      const open = journals.filter((entry) => Journal.isOpen(entry.status))
      assert.deepEqual(open, [], `an open journal: ${story}`)
      const spec: Record<string, unknown> = Object(set["spec"])
      assert.deepEqual(
        spec["persistentVolumeClaimRetentionPolicy"],
        { whenScaled: world.options.whenScaled ?? "Retain", whenDeleted: "Retain" },
        "the retention policy was not put back"
      )
      const volumes = yield* Resource.listObjects(kinds.persistentvolumes)
      for (const volume of volumes.items) {
        const { persistentVolumeReclaimPolicy } = Object(volume["spec"])
        assert.equal(persistentVolumeReclaimPolicy, "Delete", "a reclaim policy was not put back")
      }
    })
  )

export const checkClaims = (world: World, expected: ReadonlyArray<string>) => {
  const found = world.sandbox.store.list(persistentvolumeclaims, "shop").map((one) => one.metadata.name)
  assert.deepEqual(found.toSorted(), expected, `claims: ${world.log.join(", ")}`)
}

export const claimNames = (count: number) => Array.from({ length: count }, (_, index) => `data-db-${index}`)

/** What one request says in its body. */
const bodyOf = (request: Request): unknown => {
  try {
    return JSON.parse(request.body ?? "null")
  } catch {
    return null
  }
}

/** No count goes down before each pod that leaves by that has been marked for so long. */
const drainingSeen = (world: World, drainWait: number, breaches: Array<string>) => {
  const since = new Map<string, number>()
  return ({ method, path, body = "" }: Request, now: number) => {
    const there = marked(world)
    for (const name of since.keys()) if (!there.includes(name)) since.delete(name)
    for (const name of there) if (!since.has(name)) since.set(name, now)
    if (method !== "PATCH" || !path.endsWith("/statefulsets/db")) return
    const changes: unknown = JSON.parse(body)
    const to = Array.isArray(changes)
      ? changes.find((one) => one.path === "/spec/replicas")?.value
      : undefined
    for (const { metadata } of world.sandbox.store.list(pods, "shop")) {
      const { name } = metadata
      const leaves = typeof to === "number" && Number(name.slice(3)) >= to
      const marks = since.get(name)
      if (
        leaves &&
        metadata.deletionTimestamp === undefined &&
        (marks === undefined || now - marks < drainWait)
      ) {
        breaches.push(
          `${name} leaves ${marks === undefined ? "unmarked" : `${now - marks} ms after its mark`}`
        )
      }
    }
  }
}

/**
 * I4 and I7, at the wire: no effect without a journal, no word to begin a hook without an intent in it, and nothing
 * deleted but by a uid that is the object's own and that a journal or this operation made known.
 */
export const watched = (
  inner: Cluster["Service"],
  world: World,
  breaches: Array<string>,
  drainWait?: number
) => {
  const drained = drainWait === undefined ? null : drainingSeen(world, drainWait, breaches)
  const journals = () => world.sandbox.store.list(configmaps, "shop").map((one) => JSON.stringify(one))
  const renewed = { at: 0 }
  const seen = (request: Request, now: number) => {
    const { method, path } = request
    drained?.(request, now)
    if (path.includes("/leases") && method !== "GET") renewed.at = now
    const isHeld = world.sandbox.store.list(leases, "shop").length > 0
    if (
      method === "PATCH" &&
      path.endsWith("/statefulsets/db") &&
      isHeld &&
      now - renewed.at > longestSilence
    ) {
      breaches.push(`the Lease was not renewed for ${now - renewed.at} ms`)
    }
    const isEffect =
      (method === "PATCH" && path.endsWith("/statefulsets/db")) ||
      (method === "PATCH" && path.includes("/persistentvolumes/")) ||
      (method === "POST" && path.endsWith("/persistentvolumeclaims"))
    if (isEffect && journals().length === 0) breaches.push(`I4: ${method} ${path} without a journal`)
    if (method !== "DELETE") return
    const preconditions: { readonly uid?: string } = Object(Object(bodyOf(request)).preconditions ?? {})
    if (preconditions.uid === undefined) breaches.push(`I7: ${method} ${path} without a uid`)
    if (!path.includes("/persistentvolumeclaims/")) return
    const name = path.slice(path.lastIndexOf("/") + 1)
    const claim = world.sandbox.store.get(persistentvolumeclaims, "shop", name)
    const made = claim?.metadata.annotations?.["kubectl-stateful.dev/made-by"]
    if (claim !== undefined && (made === undefined || !journals().some((text) => text.includes(made)))) {
      breaches.push(`I7: ${method} ${path}, which no plan has named`)
    }
  }
  const cluster: Cluster["Service"] = {
    ...inner,
    request: (request) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        seen(request, now)
        return inner.request(request)
      }),
    exec: (request) =>
      Effect.suspend(() => {
        const hook = request.command.findLast((word) => word === "join" || word === "leave")
        const look = () => {
          if (hook !== undefined && !journals().some((text) => text.includes("Begun"))) {
            breaches.push(`I4: ${hook} without an intent`)
          }
        }
        // One that waits for no word begins at once.
        if (!request.command.some((word) => /^\d+\+$/.test(word))) look()
        return Effect.map(inner.exec(request), (session) => ({
          ...session,
          write: (chunk: Uint8Array) => Effect.andThen(Effect.sync(look), session.write(chunk))
        }))
      })
  }
  return cluster
}

/** I13: whoever is told that it succeeded finds it so in the journal, and the other way round. */
const checkVerdict = (world: World, outcome: string | null) =>
  Effect.map(withCluster(world.sandbox.cluster)(Journal.list("shop")), (entries) => {
    if (outcome === "Succeeded") {
      assert.ok(
        entries.some((entry) => entry.status.phase === "Succeeded"),
        "I13: success without a journal that says so"
      )
    }
  })

export const firstOpen = (world: World) =>
  Effect.map(withCluster(world.sandbox.cluster)(Journal.list("shop", "db")), (entries) =>
    entries.find((entry) => Journal.isOpen(entry.status))
  )

/** Runs the first caller against its faults, until it ends or is dead. */
const firstCaller = (scenario: Scenario, world: World, faults: Plan, port: Cluster["Service"]) =>
  Effect.gen(function* () {
    const { cluster, record } = inject(port, faults)
    const fiber = yield* Effect.forkChild(
      Effect.exit(withCluster(cluster)(Scale.scale(ref, optionsOf(scenario, "ann@laptop"))))
    )
    for (let waited = 0; waited < 400_000 && fiber.pollUnsafe() === undefined; waited += 100) {
      yield* TestClock.adjust(100)
    }
    assert.ok(fiber.pollUnsafe() !== undefined, "I12: it does not end")
    const exit = yield* Fiber.join(fiber)
    if (exit._tag === "Success") yield* checkVerdict(world, exit.value.outcome)
    return { succeeded: exit._tag === "Success", record }
  })

/** The calls of a run without faults. */
export interface Calls {
  /** The call from which on something is changed: the Lease's. Those before only read and ask. */
  readonly firstWrite: number
  readonly reads: ReadonlySet<number>
  /** The first and the last that are worth a look. */
  readonly worth: readonly [number, number]
}

/** From the first to the last of these calls, with what is asked just before and after. */
export const worthOf = (chosen: ReadonlyArray<number>): Calls["worth"] => {
  const [first, last] = [chosen[0], chosen.at(-1)]
  return first === undefined || last === undefined ? [1, Infinity] : [first - 4, last + 5]
}

export const isRead = ({ method, path }: Request): boolean =>
  method === "GET" || path.includes("accessreviews")

const changesNothing = ({ kind, request }: Call): boolean => kind !== "exec" && isRead(request)

export const callsOf = (all: ReadonlyArray<Call>, only?: Scenario["only"]): Calls => ({
  firstWrite: all.find((call) => call.kind === "request" && !changesNothing(call))?.index ?? 1,
  reads: new Set(all.filter(changesNothing).map(({ index }) => index)),
  worth: worthOf(all.flatMap(({ index, request }) => (only?.(request) === true ? [index] : [])))
})

export const callsWithout = (scenario: Scenario): Effect.Effect<Calls> =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const { cluster, record } = inject(world.sandbox.cluster, () => undefined)
    yield* drive(withCluster(cluster)(Effect.ignore(Scale.scale(ref, optionsOf(scenario, "ann@laptop")))))
    return callsOf(record.calls, scenario.only)
  }).pipe(Effect.scoped)

/**
 * All calls that are more than a read, every nth of the reads, and every eighth of those before the first
 * write: `prove` takes all.
 */
export const worthwhile = (index: number, { firstWrite, reads, worth }: Calls, nth: number): boolean => {
  if (index < worth[0] || index > worth[1]) return false
  return index < firstWrite ? index % 8 === 1 : !reads.has(index) || index % nth === 0
}

/** One run with its faults, taken up by another caller where the first one fails. Answers how many calls there were. */
export const attempt = (scenario: Scenario, faults: Plan, decorate: Decorate = plain) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const breaches: Array<string> = []
    const port = decorate(watched(world.sandbox.cluster, world, breaches, scenario.drainWait), world)
    const { succeeded, record } = yield* firstCaller(scenario, world, faults, port)
    if (!succeeded) {
      const open = yield* firstOpen(world)
      const mine = optionsOf(scenario, "bob@desk")
      yield* drive(
        withCluster(port)(open === undefined ? Scale.scale(ref, mine) : Scale.resume(at(open.plan.id), mine))
      )
    }
    assert.deepEqual(breaches, [])
    yield* checkEnd(world, scenario.to, scenario.profile)
    checkOrder(world)
    if (scenario.profile.afterAdd !== undefined) checkHooks(world)
    checkClaims(world, claimNames(Math.max(scenario.to, world.options.replicas)))
    return { calls: record.calls.length, replay: record.replay() }
  }).pipe(Effect.scoped)

/** One run with its faults, after which another caller goes back instead of on. */
export const abortAfter = (scenario: Scenario, faults: Plan, decorate: Decorate = plain) =>
  Effect.gen(function* () {
    const world = yield* makeWorld(scenario.world)
    const breaches: Array<string> = []
    const port = decorate(watched(world.sandbox.cluster, world, breaches, scenario.drainWait), world)
    const { succeeded, record } = yield* firstCaller(scenario, world, faults, port)
    const done = { calls: record.calls.length, replay: record.replay() }
    const open = succeeded ? undefined : yield* firstOpen(world)
    if (open === undefined) return done
    const result = yield* drive(
      withCluster(port)(Scale.abort(at(open.plan.id), optionsOf(scenario, "bob@desk")))
    )
    assert.equal(result.outcome, "Aborted")
    assert.deepEqual(breaches, [])
    yield* checkEnd(world, world.options.replicas, scenario.profile)
    // Claims that no pod ever had are gone; one that a pod may have written to is kept.
    const had = world.log
      .filter((line) => line.startsWith("create "))
      .map((line) => `data-${line.slice("create ".length)}`)
    const expected = new Set([...claimNames(world.options.replicas), ...had])
    checkClaims(world, [...expected].toSorted())
    return done
  }).pipe(Effect.scoped)

/** The fault at every which of the worthwhile calls in turn, until there are no more; answers how many there were. */
export const inTurn = (run: typeof attempt, scenario: Scenario, fault: Fault, nth: number, every = 1) =>
  Effect.gen(function* () {
    const known = yield* callsWithout(scenario)
    let points = 0
    let seen = 0
    for (let index = 1; index <= known.worth[1]; index++) {
      if (!worthwhile(index, known, nth)) continue
      if (seen++ % every !== 0) continue
      const { calls } = yield* run(scenario, atCall(index, fault)).pipe(
        Effect.catchCause((cause) => Effect.die(new Error(`call ${index}: ${Cause.pretty(cause)}`)))
      )
      if (calls < index) return points
      points += 1
    }
    return points
  })
