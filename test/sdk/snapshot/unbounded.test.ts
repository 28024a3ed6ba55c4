import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster, Request } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { ofFunctions, type Quiesce, quiesceOf } from "../../../packages/sdk/src/Quiesce.ts"
import { atCall, type Call, type Fault, when } from "../../../packages/sandbox/src/Fault.ts"
import { inject } from "../../../packages/sandbox/src/FaultyCluster.ts"
import { driver } from "../../../packages/sandbox/src/node/Nodes.ts"
import { pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { thaw } from "../../../packages/sdk/src/Thaw.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { bob, on } from "../scale/callers.ts"
import { assertThawed, assertTruth, freezable, type Freezer, options } from "./freezing.ts"
import { app, assertNothingLeft } from "./world.ts"

const quiesce = Result.getOrThrow(
  quiesceOf("./calls.yaml", {
    guarantee: "blocks-writes",
    quiesce: { post: "http://:8080/freeze?pod={pod}&ms={deadline}", release: "http://:8080/release" },
    thaw: { post: "http://:8080/thaw" },
    probe: { get: "http://:8080/ready" }
  })
)

/** The pods' own servers: each has a lock that stays where nobody lets it go. */
interface Servers {
  readonly asked: Array<Request>
  /** How often an answer is 500, by what is asked; the call has its effect all the same. */
  readonly failing: Map<string, number>
  /** What is never answered. */
  readonly silent: Set<string>
}

const act = ({ holds, log, now }: Freezer, world: World, what: string, pod: string): number => {
  log.push(`${what} ${pod}`)
  const open = holds.filter((hold) => hold.pod === pod && hold.end === null)
  const uid = world.sandbox.store.get(pods, "shop", pod)?.metadata.uid ?? ""
  if (what === "freeze") holds.push({ pod, uid, begin: now(), end: null, isStuck: false })
  if (what === "release" || what === "thaw") for (const hold of open) hold.end = now()
  return what === "release" && open.length === 0 ? 409 : 200
}

const serving = (more: Partial<Parameters<typeof freezable>[0]> = {}) =>
  Effect.gen(function* () {
    const { world, freezer } = yield* freezable(more)
    const servers: Servers = { asked: [], failing: new Map(), silent: new Set() }
    const { cluster } = world.sandbox
    const through: Cluster["Service"] = {
      ...cluster,
      request: (request) => {
        const found = /\/pods\/http:([\w-]+):8080\/proxy\/(\w+)$/.exec(request.path)
        if (found === null) return cluster.request(request)
        const [, pod = "", what = ""] = found
        return Effect.suspend(() => {
          servers.asked.push(request)
          const status = act(freezer, world, what, pod)
          if (servers.silent.has(what)) return Effect.never
          const left = servers.failing.get(what) ?? 0
          servers.failing.set(what, left - 1)
          const body = Stream.make(new TextEncoder().encode("said by the pod\n"))
          return Effect.succeed({ status: left > 0 ? 500 : status, headers: {}, body })
        })
      }
    }
    const served: World = { ...world, sandbox: { ...world.sandbox, cluster: through } }
    return { world: served, freezer, servers }
  })

const asked = (more: Partial<Snapshot.SnapshotOptions> = {}) =>
  options({ quiesce, allowUnboundedFreeze: true, ...more })

const taken = (world: World, more: Partial<Snapshot.SnapshotOptions> = {}) =>
  drive(on(world)(Snapshot.take(app, asked(more))))

const slow = (world: World, millis: number) => {
  const draft = {
    apiVersion: "snapshot.storage.k8s.io/v1",
    kind: "VolumeSnapshotClass",
    metadata: { name: "slow" },
    driver,
    deletionPolicy: "Delete",
    parameters: { cutDelay: `${millis}ms` }
  }
  world.sandbox.create(draft)
  return { class: "slow", groupClass: "none" }
}

const asksForCut = ({ write, request }: Call) => write && /\/volume(group)?snapshots$/.test(request.path)
const everyPod = ["db-0", "db-1", "db-2"]
const said = ({ log }: Freezer, what: string) => log.filter((line) => line.startsWith(`${what} `)).toSorted()

describe("a freeze that nothing in the pods ends", () => {
  it.effect("is refused unless it is allowed; auto takes a group then, and says why", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* serving()
      const refused = yield* Effect.flip(taken(world, { allowUnboundedFreeze: false }))
      assert.match(
        refused.message,
        /quiesces by a request: if this process crashes, nothing in the pods ends the freeze/
      )
      assert.include(String(refused.action), "--allow-unbounded-freeze")
      const { result } = yield* taken(world, { allowUnboundedFreeze: false, consistency: "auto" })
      assert.deepInclude(result, { level: "group" })
      assert.match((result as Snapshot.SnapshotResult).why.join(), /not quiesced: .*by a request/)
      assert.deepEqual(freezer.holds, [])
    })
  )

  it.effect(
    "holds every member while all is cut, and its record, its list and its result say what it was",
    () =>
      Effect.gen(function* () {
        const { world, freezer, servers } = yield* serving()
        const { outcome, result } = yield* taken(world)
        assert.strictEqual(outcome, "Succeeded")
        const proof = (result as Snapshot.SnapshotResult).quiesced
        assert.deepInclude(proof, { guarantee: "blocks-writes", unbounded: "request" })
        const [listed] = yield* on(world)(Snapshot.list("shop"))
        assert.deepInclude(listed?.summary.quiesced, { unbounded: "request" })
        assertTruth(world, freezer, "quiesced")
        assert.deepEqual(
          said(freezer, "release"),
          everyPod.map((pod) => `release ${pod}`)
        )
        const freeze = servers.asked.find(({ path }) => path.endsWith("/freeze"))
        assert.strictEqual(freeze?.method, "POST")
        assert.deepEqual(freeze?.query, [
          ["pod", /db-\d/.exec(freeze?.path ?? "")?.[0] ?? ""],
          ["ms", "10000"]
        ])
      })
  )

  it.effect("of which one quiesce fails is thawed wherever it was tried, at once, and leaves nothing", () =>
    Effect.gen(function* () {
      const { world, freezer, servers } = yield* serving()
      servers.failing.set("freeze", 1)
      const error = yield* Effect.flip(taken(world))
      assert.match(error.message, /could not be quiesced: 500: said by the pod/)
      assert.match(String(error.action), /nothing in the pods ends a freeze: .*thaw db -n shop --profile/)
      // Whoever is held is released, and the one that failed may be: it is thawed.
      for (const { begin, end } of freezer.holds) assert.isAtMost((end ?? Infinity) - begin, 2000)
      assertNothingLeft(world)
    })
  )

  it.effect("whose release is refused was not held all the time: it is thawed, and not called quiesced", () =>
    Effect.gen(function* () {
      const { world, freezer, servers } = yield* serving()
      servers.failing.set("release", 1)
      const error = yield* Effect.flip(taken(world))
      assert.strictEqual(error.reason._tag, "LevelMissed")
      assert.match(error.message, /did not stay quiesced: its release failed: 500: said by the pod/)
      const journal = JSON.stringify(yield* on(world)(Journal.list("shop", "db")))
      assert.notInclude(journal, "said by the pod")
      for (const { end } of freezer.holds) assert.isNotNull(end)
      assertNothingLeft(world)
    })
  )

  it.effect("is ended by its caller at the deadline: a cut is late, or a pod does not answer", () =>
    Effect.gen(function* () {
      for (const silent of [[], ["freeze"], ["release"]]) {
        const { world, freezer, servers } = yield* serving()
        for (const what of silent) servers.silent.add(what)
        const late = silent.length === 0 ? slow(world, 12_000) : {}
        const error = yield* Effect.flip(taken(world, late))
        assert.strictEqual(error.reason._tag, "LevelMissed", silent.join())
        assert.lengthOf(freezer.holds, 3)
        assertThawed(freezer, silent.join())
        assertNothingLeft(world)
      }
    })
  )

  it.effect("sends a thaw again that failed, since nothing else ends it", () =>
    Effect.gen(function* () {
      const { world, freezer, servers } = yield* serving()
      // Of the release alone nobody knows whether it had an effect.
      servers.failing.set("release", 3)
      const first = when(
        ({ request }) => request.path.endsWith("/thaw") && freezer.holds.length > 0,
        { _tag: "Fail" },
        4
      )
      const { cluster } = inject(world.sandbox.cluster, first)
      const ended = yield* drive(Effect.result(withCluster(cluster)(Snapshot.take(app, asked()))))
      assert.strictEqual(ended._tag, "Failure")
      const [failure] = ended._tag === "Failure" ? [ended.failure] : []
      assert.notMatch(failure?.message ?? "", /it is unknown whether/)
      for (const pod of everyPod)
        assert.isAtLeast(said(freezer, "thaw").filter((line) => line.endsWith(pod)).length, 1)
      assertNothingLeft(world)
    })
  )

  it.effect("is ended before its caller leaves, who is interrupted", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* serving()
      const running = yield* Effect.forkChild(
        Effect.exit(on(world)(Snapshot.take(app, asked(slow(world, 4000)))))
      )
      for (let waited = 0; waited < 10_000 && freezer.holds.length < 3; waited += 10)
        yield* TestClock.adjust(10)
      yield* TestClock.adjust(100)
      yield* drive(Fiber.interrupt(running))
      assert.lengthOf(freezer.holds, 3)
      for (const { begin, end } of freezer.holds) assert.isAtMost((end ?? Infinity) - begin, 2000)
    })
  )
})

/** Killed while every member is held: nobody ends that any more. */
const killed = Effect.gen(function* () {
  const { world, freezer, servers } = yield* serving()
  const kill = when(asksForCut, { _tag: "Kill", applied: true })
  const { cluster } = inject(world.sandbox.cluster, kill)
  yield* drive(Effect.exit(withCluster(cluster)(Snapshot.take(app, asked()))))
  yield* drive(Effect.sleep(30_000))
  assert.lengthOf(
    freezer.holds.filter(({ end }) => end === null),
    3
  )
  const [open] = yield* on(world)(Journal.list("shop", "db"))
  return { world, freezer, servers, at: { namespace: "shop", id: open?.plan.id ?? "" } }
})

describe("a freeze that nothing in the pods ends, whose caller was killed", () => {
  for (const [way, takeUp] of [
    ["abort", Snapshot.abort],
    ["resume", Snapshot.resume]
  ] as const) {
    it.effect(`is ended by ${way} with the profile`, () =>
      Effect.gen(function* () {
        const { world, freezer, at } = yield* killed
        const ended = yield* drive(Effect.result(on(world)(takeUp(at, { identity: bob, quiesce }))))
        for (const { end } of freezer.holds) assert.isNotNull(end)
        assert.strictEqual(ended._tag, way === "abort" ? "Success" : "Failure")
        assertNothingLeft(world)
      })
    )
  }

  it.effect(
    "is no success of an abort that has no profile: it names the members and the way to thaw them",
    () =>
      Effect.gen(function* () {
        const { world, freezer, at } = yield* killed
        const { outcome, unmet } = yield* drive(on(world)(Snapshot.abort(at, { identity: bob })))
        assert.notStrictEqual(outcome, "Aborted")
        assert.match(
          unmet.join(),
          /it is unknown whether db-0, db-1, db-2 was thawed: .*kubectl stateful thaw db -n shop --profile .\/calls.yaml/
        )
        const thawed = yield* on(world)(thaw(app, quiesce))
        assert.deepEqual(
          thawed.map(({ outcome: { _tag } }) => _tag),
          ["Succeeded", "Succeeded", "Succeeded"]
        )
        for (const { end } of freezer.holds) assert.isNotNull(end)
      })
  )
})

describe("an abort of a freeze that nothing in the pods ends", () => {
  it.effect("names every member where its StatefulSet is gone, and its pods are not", () =>
    Effect.gen(function* () {
      const { world, freezer, at } = yield* killed
      const found = { api: kinds.statefulsets, namespace: "shop", name: "db" }
      yield* on(world)(Resource.remove(found, { propagation: "Orphan" }))
      const { outcome, unmet } = yield* drive(on(world)(Snapshot.abort(at, { identity: bob, quiesce })))
      assert.lengthOf(
        freezer.holds.filter(({ end }) => end === null),
        3
      )
      assert.strictEqual(outcome, "Incomplete")
      assert.match(unmet.join(), /it is unknown whether db-0, db-1, db-2 was thawed/)
    })
  )
})

const faults: ReadonlyArray<Fault> = [
  { _tag: "Kill", applied: true },
  { _tag: "Kill", applied: false },
  { _tag: "LoseReply" },
  { _tag: "Fail" }
]

/** A fixed part of all points; `SNAPSHOT_EVERY=1` takes each of them. */
const step = Number(process.env["SNAPSHOT_EVERY"] ?? 97)

describe("a freeze by requests with a fault at any request around it", () => {
  it.effect("is ended by its caller, or by an abort, and is quiesced in truth, or nothing is left", () =>
    Effect.gen(function* () {
      const probe = yield* serving()
      const { cluster: counted, record } = inject(
        probe.world.sandbox.cluster,
        when(() => false, { _tag: "Fail" })
      )
      yield* drive(withCluster(counted)(Snapshot.take(app, asked())))
      const isFreeze = ({ request }: Call) => /\/proxy\//.test(request.path)
      const first = record.calls.find(isFreeze)?.index ?? assert.fail("nothing was asked of a pod")
      const last = record.calls.findLast(isFreeze)?.index ?? 0
      for (const [shift, fault] of faults.entries()) {
        for (let index = first + shift; index <= last + 3; index += step) {
          const { world, freezer } = yield* serving()
          const { cluster, record: one } = inject(world.sandbox.cluster, atCall(index, fault))
          const ended = yield* drive(
            Effect.exit(Effect.result(withCluster(cluster)(Snapshot.take(app, asked()))))
          )
          const what = one.replay()
          if (fault._tag !== "Kill") assertThawed(freezer, what)
          const open = (yield* on(world)(Journal.list("shop", "db"))).find(({ status }) =>
            Journal.isOpen(status)
          )
          if (open !== undefined) {
            const at = { namespace: "shop", id: open.plan.id }
            yield* drive(Effect.exit(on(world)(Snapshot.abort(at, { identity: bob, quiesce }))))
          }
          for (const { pod, end } of freezer.holds) assert.isNotNull(end, `${what}: ${pod}`)
          const [listed] = yield* on(world)(Snapshot.list("shop"))
          const level = listed?.summary.level ?? "none"
          assertTruth(world, freezer, level, what)
          if (level === "none") assertNothingLeft(world)
          else assert.strictEqual(level, "quiesced", what)
          assert.isTrue(ended._tag === "Success" || fault._tag === "Kill", what)
        }
      }
    })
  )
})

describe("functions that hold members", () => {
  const held = (freezer: Freezer, more: Partial<Parameters<typeof ofFunctions>[0]> = {}): Quiesce =>
    ofFunctions({
      name: "lock",
      guarantee: "blocks-writes",
      version: "1",
      quiesce: ({ pod }) =>
        Effect.sync(
          () => void freezer.holds.push({ pod, uid: "", begin: freezer.now(), end: null, isStuck: false })
        ),
      release: ({ pod }) =>
        Effect.suspend(() => {
          const open = freezer.holds.find((hold) => hold.pod === pod && hold.end === null)
          if (open === undefined) return Effect.fail({ message: "it was not locked" })
          open.end = freezer.now()
          return Effect.void
        }),
      thaw: ({ pod }) =>
        Effect.sync(() => {
          freezer.log.push(`thaw ${pod}`)
          for (const hold of freezer.holds) if (hold.pod === pod) hold.end ??= freezer.now()
        }),
      ...more
    })

  it.effect("run nothing in the pods, and need no right to", () =>
    Effect.gen(function* () {
      const { world, freezer } = yield* freezable()
      const more = { allowUnboundedFreeze: true, quiesce: held(freezer) }
      const plan = yield* on(world)(Snapshot.prepare(app, options(more)))
      assert.notInclude(JSON.stringify(plan.access), "exec")
      const { result } = yield* taken(world, more)
      assert.deepInclude((result as Snapshot.SnapshotResult).quiesced, { unbounded: "function" })
      assertTruth(world, freezer, "quiesced")
    })
  )

  for (const [what, never] of [
    ["never return, though they are interrupted", Effect.uninterruptible(Effect.never)],
    ["die", Effect.die(new Error("a bug in it"))]
  ] as const) {
    it.effect(`and ${what}, hold nobody beyond the deadline`, () =>
      Effect.gen(function* () {
        const { world, freezer } = yield* freezable()
        const stuck = held(freezer, {
          quiesce: ({ pod }) =>
            Effect.andThen(
              Effect.sync(
                () =>
                  void freezer.holds.push({ pod, uid: "", begin: freezer.now(), end: null, isStuck: false })
              ),
              never
            )
        })
        const error = yield* Effect.flip(taken(world, { quiesce: stuck }))
        assert.strictEqual(error.reason._tag, "LevelMissed")
        assert.isNotEmpty(freezer.holds)
        assertThawed(freezer)
        for (const { pod } of freezer.holds) assert.include(freezer.log, `thaw ${pod}`)
        assertNothingLeft(world)
      })
    )
  }
})
