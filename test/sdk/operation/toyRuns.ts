/** One run of the toy each: with a fault, a dead caller, a second one, or one that slept. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { type Cluster, ClusterError, type Request, type Response } from "../../../packages/sdk/src/Cluster.ts"
import type { OperationResult } from "../../../packages/sdk/src/operation/Progress.ts"
import type { Failure } from "../../../packages/sdk/src/operation/StepContext.ts"
import { isWrite, outcomeUnknown } from "../../../packages/sdk/src/resource/Status.ts"
import { atCall, type Fault } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import type { ToySpec } from "./toy.ts"
import * as Toy from "./toyWorld.ts"
import type { Wire, World } from "./toyWorld.ts"

type Run = Exit.Exit<OperationResult, Failure>

/** What goes wrong with one request. */
export type Trouble = Fault | { readonly _tag: "Answer"; readonly status: number } | { readonly _tag: "Time" }

export const answer = (code: number, reason: string): Response => ({
  status: code,
  headers: { "content-type": "application/json" },
  body: Stream.succeed(
    new TextEncoder().encode(
      JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", reason, code, message: "no" })
    )
  )
})
const reasons: Readonly<Record<number, string>> = {
  403: "Forbidden",
  500: "InternalError",
  503: "ServiceUnavailable"
}

/** The request of this number gets no answer in time, or a refusal. */
const troubled = (inner: Cluster["Service"], index: number, trouble: Trouble) => {
  if (trouble._tag !== "Answer" && trouble._tag !== "Time") {
    const { cluster, record } = inject(inner, atCall(index, trouble))
    return { cluster, calls: () => record.calls.length }
  }
  let calls = 0
  const late = (request: Request) =>
    isWrite(request)
      ? outcomeUnknown(request, "no answer came in time")
      : new ClusterError({ reason: { _tag: "Timeout" }, message: "no answer came in time" })
  const cluster: Cluster["Service"] = {
    ...inner,
    exec: (asked) =>
      Effect.suspend(() => {
        calls += 1
        const request = { method: "GET", path: asked.pod } as const
        return calls === index ? Effect.fail(late(request)) : inner.exec(asked)
      }),
    request: (request) =>
      Effect.suspend(() => {
        calls += 1
        if (calls !== index) return inner.request(request)
        return trouble._tag === "Answer"
          ? Effect.succeed(answer(trouble.status, reasons[trouble.status] ?? ""))
          : Effect.andThen(Effect.sleep(30_000), Effect.fail(late(request)))
      })
  }
  return { cluster, calls: () => calls }
}

/** How it went, and how many requests the first caller made. */
export interface Went {
  readonly requests: number
  readonly story: string
}

const begin = Effect.gen(function* () {
  const world = yield* Toy.makeWorld
  const start = Toy.inspect(world)
  const plan = yield* Toy.planned(world)
  const wire: Wire = { requests: 0, breaches: [], cuts: [] }
  return { world, start, plan, wire, port: Toy.tapped(world, wire) }
})

/** Whoever comes next: takes up what is open, or begins anew. */
const goOn = (world: World, port: Cluster["Service"], spec: ToySpec = Toy.full) =>
  Effect.gen(function* () {
    const at = Toy.openAt(world)
    // Its caller died after the end was written: what it has made is there for good.
    const isOver = at === null && Toy.inspect(world).made !== null
    const run =
      at === null
        ? Effect.flatMap(Toy.planned(world, isOver ? { ...spec, made: null, pods: [] } : spec), (plan) =>
            Toy.execute(plan, Toy.knowing)
          )
        : Toy.resume(at)
    return yield* Effect.exit(Toy.drive(Toy.withCluster(port)(run)))
  })

const assertOutcome = (exit: Run, ...outcomes: ReadonlyArray<string>) => {
  assert.ok(Exit.isSuccess(exit) && outcomes.includes(exit.value.outcome), Toy.told(exit))
  return exit.value
}

/** One request meets trouble; where that ends the first caller's run, another takes it up. */
export const attempt = (index: number, trouble: Trouble) =>
  Effect.gen(function* () {
    const { world, start, plan, wire, port } = yield* begin
    const { cluster, calls } = troubled(port, index, trouble)
    const first: Run = yield* Effect.exit(Toy.drive(Toy.withCluster(cluster)(Toy.execute(plan))))
    const requests = calls()
    const next = Exit.isSuccess(first) ? first : yield* goOn(world, port)
    const story = `${Toy.told(first)}, then ${Toy.told(next)}`
    assertOutcome(next, "Succeeded")
    assert.deepEqual(wire.breaches, [], story)
    assert.equal(wire.cuts?.at(-1), true, "cut without a hold")
    Toy.assertPlanned(world, start, story)
    return { requests, story } satisfies Went
  }).pipe(Effect.scoped)

/** The first caller dies after this request, and another goes back. */
export const goBack = (index: number, trouble: Trouble = { _tag: "Kill", applied: true }) =>
  Effect.gen(function* () {
    const { world, start, plan, wire, port } = yield* begin
    const { cluster, calls } = troubled(port, index, trouble)
    const first: Run = yield* Effect.exit(Toy.drive(Toy.withCluster(cluster)(Toy.execute(plan))))
    const requests = calls()
    const at = Toy.openAt(world)
    if (at === null) {
      assert.deepEqual(Toy.inspect(world).tokens, [])
      return { requests, story: Exit.isSuccess(first) ? "done" : "not begun" } satisfies Went
    }
    const next: Run = yield* Effect.exit(Toy.drive(Toy.withCluster(port)(Toy.abort(at))))
    const { outcome, unmet } = assertOutcome(next, "Aborted", "Incomplete")
    assert.deepEqual(wire.breaches, [])
    Toy.assertBefore(world, start, unmet)
    // What stood before is forgotten in the last steps alone.
    const { color, size, kept } = Toy.inspect(world)
    assert.deepEqual(kept, [])
    const isBefore = color === start.color && size === start.size
    assert.equal(outcome, isBefore ? "Aborted" : "Incomplete", Toy.told(next))
    return { requests, story: outcome } satisfies Went
  }).pipe(Effect.scoped)

/** Whoever runs it is told to stop at this request: it leaves what can be taken up, and no busy mark. */
export const stopAt = (index: number) =>
  Effect.gen(function* () {
    const { world, start, plan, wire } = yield* begin
    const here = { isAt: false }
    const port = Toy.tapped(world, wire, (now) =>
      now === index
        ? Effect.andThen(
            Effect.sync(() => void (here.isAt = true)),
            Effect.sleep(3000)
          )
        : Effect.void
    )
    const fiber = yield* Effect.forkChild(Effect.exit(Toy.withCluster(port)(Toy.execute(plan))))
    for (let waited = 0; waited < 60_000 && fiber.pollUnsafe() === undefined && !here.isAt; waited += 100)
      yield* TestClock.adjust(100)
    const { requests } = wire
    if (!here.isAt) return { requests, story: "done" } satisfies Went
    yield* Toy.drive(Fiber.interrupt(fiber))
    const { busy, frozen, leases } = Toy.inspect(world)
    assert.deepEqual({ busy, frozen, leases }, { busy: [], frozen: [], leases: [] })
    const next = yield* goOn(world, port)
    assertOutcome(next, "Succeeded")
    assert.deepEqual(wire.breaches, [])
    Toy.assertPlanned(world, start)
    return { requests, story: "stopped" } satisfies Went
  }).pipe(Effect.scoped)

interface Gate {
  /** From this request on, nothing goes out. */
  readonly at: number
  /** What still does. */
  readonly lets: (request: Request) => boolean
  calls: number
  shut: boolean
}

const gated = (inner: Cluster["Service"], gate: Gate, done: Array<string>): Cluster["Service"] => {
  const pass = (request: Request | null) =>
    Effect.gen(function* () {
      gate.calls += 1
      if (gate.calls === gate.at) gate.shut = true
      if (request !== null && gate.calls !== gate.at && gate.lets(request)) return
      while (gate.shut) yield* Effect.sleep(100)
    })
  const shut = Effect.gen(function* () {
    while (gate.shut) yield* Effect.sleep(100)
  })
  return {
    ...inner,
    request: (request) =>
      Effect.gen(function* () {
        yield* pass(request)
        const response = yield* inner.request(request)
        if (isWrite(request) && response.status < 300) done.push(`${request.method} ${request.path}`)
        return response
      }),
    exec: (asked) =>
      Effect.gen(function* () {
        yield* pass(null)
        const session = yield* inner.exec(asked)
        return { ...session, write: (chunk) => Effect.andThen(shut, session.write(chunk)) }
      })
  }
}

/** Whoever waits at the gate is let out, however the test ends. */
const opening = (gate: Gate, fiber: Fiber.Fiber<unknown, unknown>) =>
  Effect.suspend(() => {
    gate.shut = false
    return Toy.drive(Fiber.interrupt(fiber))
  })

const untilShut = (gate: Gate, fiber: Fiber.Fiber<unknown, unknown>) =>
  Effect.gen(function* () {
    for (let waited = 0; waited < 60_000 && fiber.pollUnsafe() === undefined && !gate.shut; waited += 100)
      yield* TestClock.adjust(100)
  })

/** A caller falls asleep before this request, another ends its operation, and it wakes up. */
export const nap = (index: number, way: "resume" | "abort") =>
  Effect.gen(function* () {
    const { world, plan, wire, port } = yield* begin
    const gate: Gate = { at: index, lets: () => false, calls: 0, shut: false }
    const done: Array<string> = []
    const fiber = yield* Effect.forkChild(
      Effect.exit(Toy.withCluster(gated(port, gate, done))(Toy.execute(plan)))
    )
    yield* Effect.addFinalizer(() => opening(gate, fiber))
    yield* untilShut(gate, fiber)
    const requests = gate.calls
    const at = Toy.openAt(world)
    if (!gate.shut || at === null) {
      gate.shut = false
      yield* Toy.drive(Fiber.join(fiber))
      return { requests, story: requests < index ? "done" : "not begun" } satisfies Went
    }
    const run = way === "resume" ? Toy.resume(at) : Toy.abort(at)
    const next: Run = yield* Effect.exit(Toy.drive(Toy.withCluster(port)(run)))
    assertOutcome(next, ...(way === "resume" ? ["Succeeded"] : ["Aborted", "Incomplete"]))
    // A write of its own that was on its way, and is taken back, is told by the versions alone.
    const settled = Toy.inspect(world)
    done.length = 0
    gate.shut = false
    const exit: Run = yield* Toy.drive(Fiber.join(fiber))
    yield* TestClock.adjust("20 seconds")
    assert.ok(Exit.isFailure(exit), `the sleeper was told ${Toy.told(exit)}`)
    assert.deepEqual(Toy.inspect(world), settled, `${Toy.told(exit)} after ${done.join(", ")}`)
    assert.deepEqual({ ...Toy.left(settled), kept: [] }, Toy.nothingLeft)
    // What nobody has touched meanwhile has no version that would stop it: marks beside the guards, the
    // object that is made, a guard elsewhere without a mark. Those are written, and taken back at once.
    const wrote = done.filter((line) => !/configmaps\/(busy|made|beta)$|POST .*\/configmaps$/.test(line))
    assert.deepEqual(wrote, [], "what a sleeper wrote")
    assert.deepEqual(wire.breaches, [])
    return { requests, story: done.length > 0 ? "took back" : "wrote nothing" } satisfies Went
  }).pipe(Effect.scoped)

export interface Other {
  readonly name: string
  readonly spec: ToySpec
  readonly intersects: boolean
  /** What is so if it was the other that ran. */
  readonly theirs: (world: World) => boolean
}

const value = (namespace: string, name: string, key: string, to: string) => ({ namespace, name, key, to })
const quiet = { made: null, pods: [], busy: null }

/** Operations of somebody else, with guards in other orders and journals in other namespaces. */
export const others: ReadonlyArray<Other> = [
  {
    name: "the same",
    spec: Toy.full,
    intersects: true,
    theirs: () => true
  },
  {
    name: "beta alone, from bank, behind gamma",
    spec: {
      ...quiet,
      home: "bank",
      values: [value("bank", "gamma", "taste", "sour"), value("bank", "beta", "size", "medium")]
    },
    intersects: true,
    theirs: (world) => Toy.inspect(world).taste === "sour"
  },
  {
    name: "alpha alone, from mall, behind delta",
    spec: {
      ...quiet,
      home: "mall",
      values: [value("mall", "delta", "sound", "soft"), value("shop", "alpha", "color", "green")]
    },
    intersects: true,
    theirs: (world) => Toy.inspect(world).sound === "soft"
  },
  {
    name: "the object that both would make, from bank",
    spec: {
      ...quiet,
      home: "bank",
      values: [value("bank", "gamma", "taste", "sour")],
      made: { namespace: "shop", name: "made" }
    },
    intersects: true,
    theirs: (world) => Toy.inspect(world).taste === "sour"
  },
  {
    name: "gamma and delta, which nobody else owns",
    spec: {
      ...quiet,
      home: "bank",
      values: [value("bank", "gamma", "taste", "sour"), value("mall", "delta", "sound", "soft")]
    },
    intersects: false,
    theirs: (world) => Toy.inspect(world).taste === "sour"
  }
]

/** A second caller comes while the first one is at this request, and lives: it renews its Leases. */
export const second = (index: number, other: Other) =>
  Effect.gen(function* () {
    const { world, start, plan } = yield* begin
    const renews = ({ method, path }: Request) => method === "PATCH" && path.includes("/leases/")
    const gate: Gate = { at: index, lets: renews, calls: 0, shut: false }
    const cluster = world.sandbox.cluster
    const theirs = yield* Toy.planned(world, other.spec)
    const fiber = yield* Effect.forkChild(
      Effect.exit(Toy.withCluster(gated(cluster, gate, []))(Toy.execute(plan)))
    )
    yield* Effect.addFinalizer(() => opening(gate, fiber))
    yield* untilShut(gate, fiber)
    const requests = gate.calls
    if (!gate.shut) return { requests, story: "done" } satisfies Went
    const early = Toy.inspect(world)
    const exit: Run = yield* Effect.exit(
      Toy.drive(Toy.withCluster(cluster)(Toy.execute(theirs, { identity: bobs })))
    )
    const words = Toy.told(exit)
    const isIn = Exit.isSuccess(exit)
    if (!other.intersects) assert.ok(isIn, words)
    // As soon as the first one has anything, the second has no way in.
    else if (early.leases.length === 3 || early.open !== null || early.tokens.length > 0) {
      assert.ok(!isIn, words)
      assert.match(words, /^(Held|Unfinished|Changed): /)
      assert.ok(words.startsWith("Changed") || words.includes(Toy.ann), words)
    }
    gate.shut = false
    const first: Run = yield* Toy.drive(Fiber.join(fiber))
    if (Exit.isSuccess(first)) {
      const end = Toy.inspect(world)
      assert.deepEqual(Toy.left(end), Toy.nothingLeft)
      assert.deepEqual(end.others, start.others)
      if (isIn && other.intersects) assert.ok(other.theirs(world))
      assert.equal(end.color, "blue")
      assert.equal(end.size, "large")
    } else {
      const at = Toy.openAt(world)
      const again: Run | null =
        at === null ? null : yield* Effect.exit(Toy.drive(Toy.withCluster(cluster)(Toy.abort(at))))
      const story = `${words}; ${Toy.told(first)}; ${again === null ? "" : Toy.told(again)}`
      if (again !== null) assertOutcome(again, "Aborted", "Incomplete")
      // One that was held up for too long lets its pods go, and says so.
      if (!isIn)
        Toy.assertBefore(world, start, again !== null && Exit.isSuccess(again) ? again.value.unmet : [])
      assert.ok(isIn ? other.theirs(world) : Toy.told(first).startsWith("HookFailed"), `neither: ${story}`)
      const end = Toy.inspect(world)
      assert.deepEqual(Toy.left(end), Toy.nothingLeft, story)
      assert.deepEqual(end.others, start.others, story)
    }
    return { requests, story: words.split(/[: ]/)[0] ?? "" } satisfies Went
  }).pipe(Effect.scoped)

const bobs = Toy.bob

/** Each request in turn until there are no more; answers how often each end was met. */
export const each = (run: (index: number) => Effect.Effect<Went, unknown>, every = 1, offset = 0) =>
  Effect.gen(function* () {
    const ends = new Map<string, number>()
    const failed: Array<string> = []
    let points = 0
    for (let index = 1; ; index++) {
      if ((index + offset) % every !== 0) continue
      const exit = yield* Effect.exit(run(index))
      if (Exit.isSuccess(exit) && exit.value.requests < index) break
      points += 1
      if (Exit.isSuccess(exit)) ends.set(exit.value.story, (ends.get(exit.value.story) ?? 0) + 1)
      else
        failed.push(
          `request ${index}: ${String(exit.cause.reasons.map((r) => (r._tag === "Die" ? r.defect : r)))}`
        )
      if (index > 600) break
    }
    return { points, ends, failed }
  })
