import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Clock from "effect/Clock"
import * as Stream from "effect/Stream"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { grants } from "../../packages/sdk/src/Access.ts"
import { type Cluster, ClusterError } from "../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../packages/sdk/src/operation/Journal.ts"
import type { OperationError } from "../../packages/sdk/src/operation/OperationError.ts"
import type { Profile } from "../../packages/sdk/src/Profile.ts"
import type { Report } from "../../packages/sdk/src/operation/Report.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import {
  persistentvolumeclaims,
  persistentvolumes,
  pods as podType
} from "../../packages/sdk/src/sandbox/resource/core.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../simulation/world.ts"

const ann = "ann@laptop"
const bob = "bob@desk"
const command = (...argv: ReadonlyArray<string>) =>
  ({ _tag: "Command", argv, container: null, timeout: 5000 }) as const
const hooks: Profile = { beforeRemove: command("leave", "{pod}"), afterAdd: command("join", "{pod}") }

const on = (world: World) => withCluster(world.sandbox.cluster)
const set = { api: Resource.statefulSets, namespace: "shop", name: "db" }

/** The OperationError that an effect ends in. */
const refusal = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    const failed = error as OperationError
    assert.strictEqual(failed._tag, "OperationError")
    return failed
  })

/** Runs until the log has this line, then the caller is interrupted. */
const interruptAt = (world: World, line: string, options: Scale.ScaleOptions) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.exit(on(world)(Scale.scale(ref, { ...options, identity: ann })))
    )
    for (let waited = 0; waited < 60_000 && !world.log.includes(line); waited += 50)
      yield* TestClock.adjust(50)
    yield* drive(Fiber.interrupt(fiber))
    const [entry] = yield* on(world)(Journal.list("shop", "db"))
    if (entry === undefined) throw new Error("no operation was begun")
    return entry
  })

/** What every authenticated user may ask. */
const reviews = [
  { apiGroups: ["authorization.k8s.io"], resources: ["selfsubjectaccessreviews"], verbs: ["create"] }
]

describe("scaling", () => {
  it.effect("adds replicas in order, with claims made ahead, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1 })
      const result = yield* drive(on(world)(Scale.scale(ref, { replicas: 3, identity: ann })))
      assert.strictEqual(result.outcome, "Succeeded")
      assert.deepEqual(world.log, ["create db-1", "ready db-1", "create db-2", "ready db-2"])
      const after = yield* on(world)(Resource.get(set))
      assert.deepEqual(after.metadata["annotations"] ?? {}, {})
    })
  )

  it.effect("writes its journal twice without hooks, and once more for each hook", () =>
    Effect.gen(function* () {
      const count = (profile: Profile) =>
        Effect.gen(function* () {
          const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
          let writes = 0
          const counting: Cluster["Service"] = {
            ...world.sandbox.cluster,
            request: (request) => {
              if (request.path.includes("/configmaps") && request.method !== "GET") writes += 1
              return world.sandbox.cluster.request(request)
            }
          }
          yield* drive(withCluster(counting)(Scale.scale(ref, { replicas: 3, profile, identity: ann })))
          return writes
        })
      assert.strictEqual(yield* count({}), 2)
      assert.strictEqual(yield* count(hooks), 4)
    })
  )

  it.effect("does nothing when there are so many already", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      const result = yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      assert.strictEqual(result.outcome, "Unchanged")
      assert.deepEqual(yield* on(world)(Journal.list("shop")), [])
    })
  )

  it.effect("says goodbye before it removes, hello after readiness, from the start ordinal on", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, start: 5, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 3, profile: hooks, identity: ann })))
      yield* drive(on(world)(Scale.scale(ref, { replicas: 2, profile: hooks, identity: ann })))
      assert.deepEqual(world.log, [
        "create db-7",
        "ready db-7",
        "join db-7",
        "leave db-7",
        "delete db-7",
        "gone db-7"
      ])
    })
  )

  it.effect("removes nothing when a goodbye fails", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      world.answers.set("leave", 3)
      const error = yield* refusal(
        drive(on(world)(Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann })))
      )
      assert.strictEqual(error.reason._tag, "HookFailed")
      assert.include(error.message, "beforeRemove in db-1 failed: exit code 3")
      assert.include(error.action ?? "", "kubectl stateful resume")
      assert.deepEqual(world.log, [])
    })
  )

  it.effect("rejoins a member that said goodbye when the scaling is aborted", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3 })
      const entry = yield* interruptAt(world, "leave db-2", { replicas: 1, profile: hooks })
      const result = yield* drive(
        on(world)(Scale.abort(at(entry.plan.id), { profile: hooks, identity: bob, hookOutcome: "succeeded" }))
      )
      assert.strictEqual(result.outcome, "Aborted")
      assert.deepEqual([...world.members].toSorted(), ["db-0", "db-1", "db-2"])
    })
  )

  it.effect("waits for a person when nobody knows what became of a hook", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      const cut: Cluster["Service"] = {
        ...world.sandbox.cluster,
        exec: (request) =>
          request.command.includes("leave")
            ? Effect.map(world.sandbox.cluster.exec(request), (session) => ({
                ...session,
                stdout: session.stderr,
                exit: Effect.as(session.exit, { _tag: "Unknown" as const, message: "the connection closed" })
              }))
            : world.sandbox.cluster.exec(request)
      }
      const scaling = Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann })
      const error = yield* refusal(drive(withCluster(cut)(scaling)))
      assert.strictEqual(error.reason._tag, "HookUnknown")
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      const id = entry?.plan.id ?? ""
      const again = yield* refusal(drive(on(world)(Scale.resume(at(id), { profile: hooks, identity: bob }))))
      assert.strictEqual(again.reason._tag, "HookUnknown")
      yield* drive(
        on(world)(Scale.resume(at(id), { profile: hooks, identity: bob, hookOutcome: "succeeded" }))
      )
      assert.deepEqual(world.log, ["leave db-1", "delete db-1", "gone db-1"])
    })
  )

  it.effect(
    "goes to zero and back to the count from before, and keeps data although whenScaled is Delete",
    () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 2, whenScaled: "Delete", readyAfter: 200 })
        yield* drive(on(world)(Scale.scale(ref, { replicas: 0, identity: ann })))
        assert.notInclude(world.log.join(), "drop")
        yield* drive(on(world)(Scale.scale(ref, { replicas: "last", identity: ann })))
        const after = yield* on(world)(Resource.get(set))
        assert.strictEqual(Reflect.get(Object(after["spec"]), "replicas"), 2)
        assert.deepEqual(after.metadata["annotations"] ?? {}, {})
      })
  )

  it.effect("has every volume under Retain while the last pods go, and puts their policies back", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const policies = () =>
        world.sandbox.store.list(persistentvolumes).map(({ spec }) => spec.persistentVolumeReclaimPolicy)
      const seen: Array<ReadonlyArray<unknown>> = []
      const stop = world.sandbox.store.listen((change) => {
        if (change.type === podType && change.kind === "DELETED") seen.push(policies())
      })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 0, identity: ann })))
      stop()
      assert.deepEqual(seen, [
        ["Retain", "Retain"],
        ["Retain", "Retain"]
      ])
      assert.deepEqual(policies(), ["Delete", "Delete"])
    })
  )

  it.effect("puts reclaim policies back when a scale to zero is aborted", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const entry = yield* interruptAt(world, "gone db-1", { replicas: 0 })
      yield* drive(on(world)(Scale.abort(at(entry.plan.id), { identity: bob })))
      const policies = world.sandbox.store.list(persistentvolumes)
      assert.deepEqual(
        policies.map(({ spec }) => spec.persistentVolumeReclaimPolicy),
        ["Delete", "Delete"]
      )
    })
  )

  it.effect("sets leftover claims aside with their volume kept, and starts empty", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      const claim = (name: string) => world.sandbox.store.get(persistentvolumeclaims, "shop", name)
      const before = claim("data-db-1")?.spec.volumeName
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2, leftoverClaims: "set-aside" }))
      yield* drive(on(world)(Scale.run(plan, { identity: ann })))
      const aside = claim(`data-db-1-${plan.id}`)
      assert.strictEqual(aside?.spec.volumeName, before)
      assert.strictEqual(aside?.status?.phase, "Bound")
      assert.strictEqual(aside?.metadata.labels?.["kubectl-stateful.dev/set-aside"], "db")
      const fresh = claim("data-db-1")
      assert.strictEqual(fresh?.status?.phase, "Bound")
      assert.notStrictEqual(fresh?.spec.volumeName, before)
      const volume = world.sandbox.store.get(persistentvolumes, undefined, before ?? "")
      assert.strictEqual(volume?.spec.persistentVolumeReclaimPolicy, "Retain")
    })
  )

  it.effect("names the sick member that makes OrderedReady stop, and gives up in time", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3 })
      world.sick.add("db-0")
      yield* TestClock.adjust("15 seconds")
      const waiting: Array<string> = []
      const error = yield* refusal(
        drive(
          on(world)(
            Scale.scale(ref, {
              replicas: 4,
              identity: ann,
              stepTimeout: 20_000,
              report: (event) =>
                Effect.sync(() => {
                  if (event._tag === "Waiting") waiting.push(`${event.replica}: ${event.for}`)
                })
            })
          )
        )
      )
      assert.strictEqual(error.reason._tag, "TimedOut")
      assert.include(waiting.join(), "db-0: ")
      assert.include(waiting.join(), "OrderedReady waits for it")
    })
  )

  it.effect("refuses a second caller, and says who acts, since when, and how to take over", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 20_000 })
      const fiber = yield* Effect.forkChild(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      yield* TestClock.adjust(3000)
      const error = yield* refusal(
        drive(
          Effect.gen(function* () {
            const [entry] = yield* on(world)(Journal.list("shop", "db"))
            return yield* on(world)(Scale.resume(at(entry?.plan.id ?? ""), { identity: bob }))
          })
        )
      )
      assert.strictEqual(error.reason._tag, "Held")
      assert.include(error.message, `${ann} runs operation`)
      assert.include(error.message, "since ")
      assert.include(error.action ?? "", "--take-over")
      yield* drive(Fiber.join(fiber))
    })
  )

  it.effect("a caller that slept while another took over changes nothing more", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      const gate = { closed: false }
      const writes: Array<string> = []
      const sleeper: Cluster["Service"] = {
        ...world.sandbox.cluster,
        request: (request) =>
          Effect.gen(function* () {
            while (gate.closed) yield* Effect.sleep(100)
            const response = yield* world.sandbox.cluster.request(request)
            if (request.method !== "GET" && response.status < 300)
              writes.push(`${request.method} ${request.path}`)
            return response
          })
      }
      const profile: Profile = { ...hooks, probe: command("is-member") }
      const first = yield* Effect.forkChild(
        Effect.exit(withCluster(sleeper)(Scale.scale(ref, { replicas: 4, profile, identity: ann })))
      )
      for (let waited = 0; waited < 30_000 && !world.log.includes("join db-1"); waited += 50) {
        yield* TestClock.adjust(50)
      }
      gate.closed = true
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      yield* drive(on(world)(Scale.abort(at(entry?.plan.id ?? ""), { profile, identity: bob })))
      writes.length = 0
      gate.closed = false
      const exit = yield* drive(Fiber.join(first))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepEqual(
        writes.filter((line) => !line.includes("accessreviews")),
        []
      )
      const after = yield* on(world)(Resource.get(set))
      assert.strictEqual(Reflect.get(Object(after["spec"]), "replicas"), 1)
    })
  )

  it.effect("the same plan twice has the same end and does nothing twice", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2, profile: hooks }))
      const options = { profile: hooks, identity: ann }
      const first = yield* drive(on(world)(Scale.run(plan, options)))
      const story = [...world.log]
      const second = yield* drive(on(world)(Scale.run(plan, options)))
      assert.strictEqual(first.outcome, second.outcome)
      assert.deepEqual(world.log, story)
    })
  )

  it.effect("refuses a plan whose facts have changed, and changes nothing", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 3 }))
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { spec: { minReadySeconds: 1 } } }))
      const error = yield* refusal(drive(on(world)(Scale.run(plan, { identity: ann }))))
      assert.strictEqual(error.reason._tag, "Changed")
      assert.deepEqual(yield* on(world)(Journal.list("shop")), [])
    })
  )

  it.effect("resumes only with the hooks that it was begun with", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3 })
      const entry = yield* interruptAt(world, "leave db-2", { replicas: 1, profile: hooks })
      const other: Profile = { ...hooks, beforeRemove: command("leave", "everything") }
      const error = yield* refusal(
        drive(on(world)(Scale.resume(at(entry.plan.id), { profile: other, identity: bob })))
      )
      assert.strictEqual(error.reason._tag, "Mismatch")
      assert.notInclude(JSON.stringify(entry), "leave")
    })
  )

  for (const [what, options] of [
    ["a negative count", { replicas: -1 }],
    ["a huge count", { replicas: 1_000_000 }],
    ["a fraction", { replicas: 1.5 }],
    ["another count than --current-replicas", { replicas: 3, currentReplicas: 7 }],
    ["another version than --resource-version", { replicas: 3, resourceVersion: "1" }],
    ["fewer than the quorum asked for", { replicas: 1, quorum: 2 }],
    ["a last count that nobody remembers", { replicas: "last" }]
  ] as const) {
    it.effect(`refuses ${what}, and changes nothing`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
        const error = yield* refusal(drive(on(world)(Scale.scale(ref, { ...options, identity: ann }))))
        assert.isNotEmpty(error.action ?? "")
        assert.deepEqual(world.log, [])
        assert.deepEqual(yield* on(world)(Journal.list("shop")), [])
      })
    )
  }

  it.effect("refuses a count that is none as refused, not as changed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      const error = yield* refusal(on(world)(Scale.prepare(ref, { replicas: -1 })))
      assert.strictEqual(error.reason._tag, "Refused")
    })
  )

  it.effect("refuses a StatefulSet that is being deleted, and says to wait", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      const value = { metadata: { finalizers: ["example.com/wait"] } }
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value }))
      yield* on(world)(Resource.remove(set))
      const error = yield* refusal(drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann }))))
      assert.strictEqual(error.reason._tag, "Refused")
      assert.include(error.message, "is being deleted")
      assert.include(error.action ?? "", "wait until it is gone")
    })
  )

  for (const [who, dress] of [
    [
      "an autoscaler",
      (world: World) =>
        Effect.sync(() =>
          world.sandbox.create({
            apiVersion: "autoscaling/v2",
            kind: "HorizontalPodAutoscaler",
            metadata: { name: "db-scaler", namespace: "shop" },
            spec: {
              maxReplicas: 5,
              scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "db" }
            }
          })
        )
    ],
    [
      "a GitOps tool",
      (world: World) =>
        Effect.andThen(
          Effect.scoped(
            world.sandbox.cluster.request({
              method: "PATCH",
              path: "/apis/apps/v1/namespaces/shop/statefulsets/db",
              query: [["fieldManager", "argocd-controller"]],
              headers: { "content-type": "application/merge-patch+json" },
              body: JSON.stringify({
                metadata: { labels: { "argocd.argoproj.io/instance": "shop" } },
                spec: { replicas: 3 }
              })
            })
          ),
          TestClock.adjust("5 seconds")
        )
    ]
  ] as const) {
    it.effect(`refuses while ${who} writes replicas, names it, and does so when told to`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
        yield* dress(world)
        const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2 }))
        assert.match(plan.refusals[0]?.reason ?? "", /also writes the replicas of statefulset "db"/)
        assert.include(plan.refusals[0]?.remedy ?? "", "--force-conflicts")
        const error = yield* refusal(drive(on(world)(Scale.run(plan, { identity: ann }))))
        assert.strictEqual(error.reason._tag, "Refused")
        const forced = yield* on(world)(Scale.prepare(ref, { replicas: 2, forceConflicts: true }))
        assert.deepEqual(forced.refusals, [])
      })
    )
  }

  for (const [what, broken, said] of [
    ["names a container that is not there", { container: "no-such" }, "no-such"],
    ["needs a shell that the image does not have", { container: "bare" }, "no sh"]
  ] as const) {
    it.effect(`a hook that ${what} is refused before anything is changed`, () =>
      Effect.gen(function* () {
        const world = yield* makeWorld({ replicas: 2, readyAfter: 100, bare: true })
        const profile: Profile = { beforeRemove: { ...command("leave", "{pod}"), ...broken } }
        const error = yield* refusal(
          drive(on(world)(Scale.scale(ref, { replicas: 1, profile, identity: ann })))
        )
        assert.strictEqual(error.reason._tag, "HookFailed")
        assert.include(error.message, said)
        assert.include(error.action ?? "", "nothing was changed")
        assert.deepEqual(yield* on(world)(Journal.list("shop")), [])
      })
    )
  }

  it.effect("a goodbye that hangs stops the operation in its time, and removes nothing", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
      world.hanging.add("leave")
      const error = yield* refusal(
        drive(on(world)(Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann })))
      )
      assert.strictEqual(error.reason._tag, "HookUnknown")
      assert.include(error.action ?? "", "--hook-outcome")
      assert.notInclude(world.log.join(), "delete")
    })
  )

  it.effect("a pod replaced during its goodbye is another member: nothing is removed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 100 })
      world.hanging.add("leave")
      const fiber = yield* Effect.forkChild(
        Effect.exit(on(world)(Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann })))
      )
      yield* TestClock.adjust("3 seconds")
      yield* on(world)(Resource.remove({ api: Resource.pods, namespace: "shop", name: "db-1" }))
      const exit = yield* drive(Fiber.join(fiber))
      assert.isTrue(Exit.isFailure(exit))
      const after = yield* on(world)(Resource.get(set))
      assert.strictEqual(Reflect.get(Object(after["spec"]), "replicas"), 2)
    })
  )

  it.effect("with credentials that expire half way it stops, says how to go on, and is resumed", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 2000 })
      const expired: Cluster["Service"] = {
        ...world.sandbox.cluster,
        request: (request) =>
          world.log.includes("create db-1")
            ? Effect.succeed({ status: 401, headers: {}, body: Stream.empty })
            : world.sandbox.cluster.request(request)
      }
      const error = yield* Effect.flip(
        drive(withCluster(expired)(Scale.scale(ref, { replicas: 3, identity: ann })))
      )
      const [entry] = yield* on(world)(Journal.list("shop", "db"))
      const id = entry?.plan.id ?? ""
      assert.strictEqual(error.reason._tag, "Unauthorized")
      assert.include(`${error.action}`, `kubectl stateful resume ${id}`)
      const result = yield* drive(on(world)(Scale.resume(at(id), { identity: bob })))
      assert.strictEqual(result.outcome, "Succeeded")
    })
  )

  it.effect("outlives a network that is lost for a minute", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 2000 })
      const lost = { until: Infinity }
      const flaky: Cluster["Service"] = {
        ...world.sandbox.cluster,
        request: (request) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => {
            if (lost.until === Infinity && world.log.includes("create db-1")) lost.until = now + 60_000
            return lost.until !== Infinity && now < lost.until
              ? Effect.fail(new ClusterError({ reason: { _tag: "Unavailable" }, message: "no route" }))
              : world.sandbox.cluster.request(request)
          })
      }
      const result = yield* drive(withCluster(flaky)(Scale.scale(ref, { replicas: 3, identity: ann })))
      assert.strictEqual(result.outcome, "Succeeded")
      assert.isAtLeast(result.millis, 60_000)
    })
  )

  it.effect("keeps the newest journals of operations that are over, and removes older ones", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      for (let round = 0; round < 12; round++) {
        yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
        yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      }
      const journals = yield* on(world)(Journal.list("shop", "db"))
      assert.strictEqual(journals.length, Journal.kept)
    })
  )

  it.effect("has a leader that is about to leave step down first, and waits until it does", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 100 })
      world.leader = "db-2"
      const profile: Profile = { ...hooks, roles: command("role"), stepDown: command("step-down") }
      const notes: Array<string> = []
      const report = (event: Report) =>
        Effect.sync(() => void (event._tag === "Note" && notes.push(event.message)))
      yield* drive(on(world)(Scale.scale(ref, { replicas: 2, profile, identity: ann, report })))
      assert.deepEqual(world.log, ["step-down db-2", "leave db-2", "delete db-2", "gone db-2"])
      assert.deepEqual(notes, ["db-2 gave leadership away"])
    })
  )

  it.effect("removes nobody while those that stay are ready but not healthy", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 100 })
      world.answers.set("is-well", 1)
      const profile: Profile = { ...hooks, roles: command("role"), health: command("is-well") }
      const error = yield* refusal(
        drive(on(world)(Scale.scale(ref, { replicas: 2, profile, identity: ann, stepTimeout: 20_000 })))
      )
      assert.strictEqual(error.reason._tag, "TimedOut")
      assert.include(error.message, "quorum: 0 healthy of 2 that stay")
      assert.deepEqual(world.log, [])
    })
  )

  it.effect("waits for minReadySeconds before it says that it is done", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100, minReadySeconds: 5 })
      yield* TestClock.adjust("10 seconds")
      const result = yield* drive(on(world)(Scale.scale(ref, { replicas: 2, identity: ann })))
      assert.isAtLeast(result.millis, 5000)
    })
  )

  it.effect("needs no rule beyond those of its plan", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 3, profile: hooks }))
      const user = world.sandbox.as({ name: "eve", allow: [...grants(plan.access), ...reviews] })
      const result = yield* drive(withCluster(user)(Scale.run(plan, { profile: hooks, identity: ann })))
      assert.strictEqual(result.outcome, "Succeeded")
    })
  )

  it.effect("names each missing permission before the first effect", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2 })
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 3, profile: hooks }))
      for (const missing of plan.access) {
        const deny = [
          {
            apiGroups: [missing.group],
            resources: [
              missing.subresource === null ? missing.resource : `${missing.resource}/${missing.subresource}`
            ],
            verbs: [missing.verb]
          }
        ]
        const user = world.sandbox.as({ name: "eve", deny })
        const error = yield* refusal(
          drive(withCluster(user)(Scale.run(plan, { profile: hooks, identity: ann }))).pipe(
            Effect.mapError((error) => error)
          )
        )
        assert.strictEqual(error.reason._tag, "Access", JSON.stringify(missing))
        assert.include(error.message, missing.resource)
      }
      assert.deepEqual(yield* on(world)(Journal.list("shop")), [])
    })
  )
})
