/** Somebody else writes the count, mounts a claim, or falls ill, while an operation is under way. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import type { OperationError } from "../../../packages/sdk/src/operation/OperationError.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import {
  persistentvolumeclaims,
  persistentvolumes
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, type World } from "../../simulation/world.ts"
import { ann, bob, hooks, interruptAt, on, refusal, set } from "./callers.ts"

const countTo = (world: World, replicas: number) =>
  on(world)(
    Resource.patch(set, {
      _tag: "Json",
      operations: [{ op: "replace", path: "/spec/replicas", value: replicas }]
    })
  )
const countOf = (world: World) =>
  Effect.map(on(world)(Resource.getObject(set)), ({ spec }) => Reflect.get(Object(spec), "replicas"))

const claim = (world: World, name: string) => world.sandbox.store.get(persistentvolumeclaims, "shop", name)
const volume = (world: World, name: string) => world.sandbox.store.get(persistentvolumes, undefined, name)

/** The same pod again and again, until the log has the line. */
const until = (world: World, line: string) =>
  Effect.gen(function* () {
    for (let waited = 0; waited < 60_000 && !world.log.includes(line); waited += 100)
      yield* TestClock.adjust(100)
  })

/** The operation that an error says how to resume. */
const idIn = (error: OperationError): string =>
  /stateful resume ([0-9a-f]+)/.exec(error.action ?? "")?.[1] ?? assert.fail(`no way on in: ${error.message}`)

const reader = (mounts: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "reader", namespace: "shop" },
  spec: {
    containers: [{ name: "main", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: mounts } }]
  }
})

describe("an abort after somebody else's change of the count", () => {
  it.effect("keeps every claim that a pod may have had, and names them", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 300 })
      const { plan } = yield* interruptAt(world, "ready db-1", { replicas: 5, step: 1 })
      yield* countTo(world, 5)
      yield* until(world, "ready db-4")
      yield* countTo(world, 2)
      yield* until(world, "gone db-2")
      const result = yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.strictEqual(result.outcome, "Aborted")
      for (const name of ["data-db-1", "data-db-2", "data-db-3", "data-db-4"])
        assert.isDefined(claim(world, name), name)
      assert.match(result.notes.join(), /data-db-4 kept: another client changed db in the meantime/)
    })
  )

  it.effect("removes the claims that nobody had where nobody else wrote", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 300 })
      const { plan } = yield* interruptAt(world, "ready db-1", { replicas: 5, step: 1 })
      yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.isUndefined(claim(world, "data-db-4"))
    })
  )

  it.effect("goes back from a count that the plan never had", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 300 })
      const { plan } = yield* interruptAt(world, "ready db-1", { replicas: 3, step: 1 })
      yield* countTo(world, 6)
      yield* until(world, "ready db-5")
      const again = yield* refusal(drive(on(world)(Scale.resume(at(plan.id), { identity: bob }))))
      assert.include(again.message, "another client set replicas of db to 6")
      yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      assert.strictEqual(yield* countOf(world), 1)
    })
  )
})

describe("an abort", () => {
  it.effect("removes no member while too few would be well", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, policy: "Parallel", readyAfter: 300 })
      const { plan } = yield* interruptAt(world, "ready db-4", { replicas: 6, step: 2 })
      world.sick.add("db-0").add("db-1")
      yield* TestClock.adjust("5 seconds")
      world.log.length = 0
      const error = yield* refusal(
        drive(on(world)(Scale.abort(at(plan.id), { identity: bob, stepTimeout: 10_000 })))
      )
      assert.match(error.message, /quorum: \d of the \d remaining members healthy, \d needed/)
      assert.notInclude(world.log.join(), "delete db-3")
    })
  )

  it.effect("of a return from zero leaves what `last` means", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 300 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 0, identity: ann })))
      // The newer one of two operations is known by when it was begun.
      yield* TestClock.adjust("5 seconds")
      const { plan } = yield* interruptAt(world, "ready db-0", { replicas: "last", step: 1 })
      yield* drive(on(world)(Scale.abort(at(plan.id), { identity: bob })))
      const again = yield* on(world)(Scale.prepare(ref, { replicas: "last" }))
      assert.include(JSON.stringify(again.steps), '"to":3')
    })
  )
})

describe("whoever resumes", () => {
  it.effect("gives a lower quorum again, since the journal that asks for it is input", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, policy: "Parallel", readyAfter: 300 })
      world.sick.add("db-0").add("db-1")
      yield* TestClock.adjust("5 seconds")
      const asked = { replicas: 1, profile: hooks, quorum: "none" } as const
      world.answers.set("leave", 1)
      const failed = yield* refusal(drive(on(world)(Scale.scale(ref, { ...asked, identity: ann }))))
      world.answers.delete("leave")
      const mine = { profile: hooks, identity: bob, stepTimeout: 10_000 }
      const strict = Scale.resume(at(idIn(failed)), { ...mine, quorum: "majority" })
      const error = yield* refusal(drive(on(world)(strict)))
      assert.include(error.message, "quorum: 0 of the ")
      const silent = yield* refusal(drive(on(world)(Scale.resume(at(idIn(failed)), mine))))
      assert.include(silent.action, "--quorum none")
      const lower = Scale.resume(at(idIn(failed)), { ...mine, quorum: "none" })
      const result = yield* drive(on(world)(lower))
      assert.strictEqual(result.outcome, "Succeeded")
    })
  )
})

describe("success", () => {
  it.effect("is not said of a count that somebody else set during the last hook", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 300 })
      const report = (event: Progress) =>
        event._tag === "Stage" && event.stage === "afterAdd" ? Effect.ignore(countTo(world, 4)) : Effect.void
      const error = yield* refusal(
        drive(on(world)(Scale.scale(ref, { replicas: 2, profile: hooks, identity: ann, report })))
      )
      assert.include(error.message, "another client set replicas of db to 4")
    })
  )

  it.effect("is not said of a goodbye that nobody knows of, when the count was lowered by another", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 3, readyAfter: 300 })
      world.hanging.add("leave")
      const scaling = Scale.scale(ref, { replicas: 1, profile: hooks, identity: ann })
      const error = yield* refusal(drive(on(world)(scaling)))
      assert.strictEqual(error.reason._tag, "HookUnknown")
      const id = idIn(error)
      yield* countTo(world, 1)
      yield* until(world, "gone db-1")
      const mine = { profile: hooks, identity: bob }
      const again = yield* refusal(drive(on(world)(Scale.resume(at(id), mine))))
      assert.strictEqual(again.reason._tag, "HookUnknown")
      assert.include(again.message, "db-2")
      const said = yield* drive(on(world)(Scale.resume(at(id), { ...mine, hookOutcome: "succeeded" })))
      assert.strictEqual(said.outcome, "Succeeded")
    })
  )
})

describe("a leftover claim", () => {
  it.effect("is not set aside while a pod mounts it that came after the plan", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      const plan = yield* on(world)(Scale.prepare(ref, { replicas: 2, leftoverClaims: "set-aside" }))
      world.sandbox.create(reader("data-db-1"))
      const before = claim(world, "data-db-1")
      const error = yield* refusal(drive(on(world)(Scale.run(plan, { identity: ann }))))
      assert.include(error.message, "claim data-db-1 is mounted by reader: it was not moved")
      assert.strictEqual(claim(world, "data-db-1")?.metadata.uid, before?.metadata.uid)
      assert.isUndefined(claim(world, "data-db-1")?.metadata.deletionTimestamp)
      assert.strictEqual(
        volume(world, before?.spec.volumeName ?? "")?.spec.claimRef?.uid,
        before?.metadata.uid
      )
    })
  )

  it.effect("comes back by an abort with its volume's reclaim policy from before", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
      yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
      const data = claim(world, "data-db-1")?.spec.volumeName ?? ""
      assert.strictEqual(volume(world, data)?.spec.persistentVolumeReclaimPolicy, "Delete")
      world.sick.add("db-1")
      const scaling = Scale.scale(ref, {
        replicas: 2,
        leftoverClaims: "set-aside",
        identity: ann,
        stepTimeout: 5000
      })
      const error = yield* refusal(drive(on(world)(scaling)))
      const id = idIn(error)
      // Its new pod had the new claim: so that goes by hand, and the old one can come back.
      yield* countTo(world, 1)
      yield* until(world, "gone db-1")
      yield* on(world)(
        Resource.remove({ api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-1" })
      )
      yield* TestClock.adjust("5 seconds")
      const result = yield* drive(on(world)(Scale.abort(at(id), { identity: bob })))
      assert.strictEqual(result.outcome, "Aborted")
      assert.strictEqual(claim(world, "data-db-1")?.spec.volumeName, data)
      assert.strictEqual(volume(world, data)?.spec.persistentVolumeReclaimPolicy, "Delete")
    })
  )
})

describe("a claim of a StatefulSet's name that somebody else's pod has mounted", () => {
  const mounted = (mounts: string, options: Partial<Parameters<typeof makeWorld>[0]> = {}) =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 2, readyAfter: 200, ...options })
      world.sandbox.create(reader(mounts))
      yield* TestClock.adjust("5 seconds")
      return world
    })
  const reasons = (world: World, options: Scale.ScaleOptions) =>
    Effect.map(on(world)(Scale.prepare(ref, options)), ({ refusals }) =>
      refusals.map(({ reason }) => reason).join()
    )

  for (const leftoverClaims of ["keep", "set-aside"] as const) {
    it.effect(`is not given to a new pod (${leftoverClaims}), until that pod has ended`, () =>
      Effect.gen(function* () {
        const world = yield* mounted("data-db-1")
        yield* drive(on(world)(Scale.scale(ref, { replicas: 1, identity: ann })))
        const up = { replicas: 2, leftoverClaims }
        assert.include(yield* reasons(world, up), "claim data-db-1 is mounted by reader")
        yield* on(world)(Resource.remove({ api: kinds.pods, namespace: "shop", name: "reader" }, {}))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* reasons(world, up), "")
      })
    )
  }

  it.effect("is not deleted by a scale-down under whenScaled Delete", () =>
    Effect.gen(function* () {
      const world = yield* mounted("data-db-1", { whenScaled: "Delete" })
      const why = yield* reasons(world, { replicas: 1 })
      assert.include(why, "claim data-db-1 is mounted by reader too: whenScaled Delete takes its data")
      assert.strictEqual(yield* reasons(world, { replicas: 1, whenScaled: "Retain" }), "")
    })
  )
})
