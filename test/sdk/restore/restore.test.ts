import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { configmaps, persistentvolumeclaims } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { drive, ref } from "../../simulation/world.ts"
import { ann, on, refusal, set } from "../scale/callers.ts"
import { take, withStorage } from "../snapshot/world.ts"
import {
  assertNothingLost,
  assertSettled,
  claimNames,
  policies,
  restore,
  snapshot,
  stateOf,
  withSnapshot,
  write
} from "./world.ts"

const final = ["data-db-0", "data-db-1", "data-db-2"]

describe("a restore in place", () => {
  it.effect("gives each member the volume of the cut, and keeps the one from before under Retain", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const { id, outcome, unmet, result } = yield* restore(world)
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.strictEqual(stateOf(world), "before")
      assertNothingLost(world, "after")
      assert.deepEqual(claimNames(world), [...final, ...final.map((claim) => `${claim}-${id}`)].toSorted())
      assert.deepEqual(policies(world), {
        ...Object.fromEntries(final.map((claim) => [claim, "Delete"])),
        ...Object.fromEntries(final.map((claim) => [`${claim}-${id}`, "Retain"]))
      })
      assert.deepInclude(result, { set: "nightly", replicas: 3, claims: final })
      assertSettled(world)
    })
  )

  it.effect("stops no pod before every new volume was filled and seen", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      yield* restore(world)
      const stopped = world.log.findIndex((line) => /^delete db-\d$/.test(line))
      const proven = world.log.findLastIndex((line) => /^gone db-\d-prove-/.test(line))
      assert.isAbove(proven, -1)
      assert.isBelow(proven, stopped)
    })
  )

  it.effect("is undone, and that is undone again: each time the volumes of the other state are kept", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ whenScaled: "Delete" })
      const first = yield* restore(world)
      write(world, "since")
      const undo = (id: string) =>
        drive(on(world)(Restore.undo({ namespace: "shop", id }, { identity: ann })))
      const second = yield* undo(first.id ?? "")
      assert.strictEqual(second.outcome, "Succeeded", second.unmet.join())
      assert.strictEqual(stateOf(world), "after")
      assertNothingLost(world, "since")
      assertSettled(world)
      const third = yield* undo(second.id ?? "")
      assert.strictEqual(third.outcome, "Succeeded", third.unmet.join())
      assert.strictEqual(stateOf(world), "since")
      assertNothingLost(world, "after")
      assert.deepEqual(
        final.map((claim) => policies(world)[claim]),
        ["Delete", "Delete", "Delete"]
      )
      // Only the last journals are kept; what was set aside tells by itself whose it was.
      for (const { metadata } of world.sandbox.store.list(configmaps, "shop"))
        if (/^kubectl-stateful-[0-9a-f]{8}$/.test(metadata.name))
          yield* on(world)(Resource.remove({ api: kinds.configmaps, namespace: "shop", name: metadata.name }))
      const fourth = yield* undo(third.id ?? "")
      assert.strictEqual(fourth.outcome, "Succeeded", fourth.unmet.join())
      assert.strictEqual(stateOf(world), "after")
      assertSettled(world)
      const nobody = yield* refusal(on(world)(Restore.prepareUndo({ namespace: "shop", id: third.id ?? "" })))
      assert.match(nobody.message, /no operation .*, and nothing that it set aside/)
    })
  )

  it.effect("is not undone twice", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const first = yield* restore(world)
      yield* drive(on(world)(Restore.undo({ namespace: "shop", id: first.id ?? "" }, { identity: ann })))
      const gone = yield* refusal(on(world)(Restore.prepareUndo({ namespace: "shop", id: first.id ?? "" })))
      assert.match(gone.message, /claim data-db-0-[0-9a-f]{8}, in which restore .* no longer exists/)
    })
  )

  it.effect("has the count of the snapshot: 3 members onto 5, and 5 onto 3", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      for (const replicas of [5, 1]) {
        yield* drive(on(world)(Scale.scale(ref, { replicas, identity: ann })))
        const { outcome, unmet } = yield* restore(world)
        assert.strictEqual(outcome, "Succeeded", unmet.join())
        assert.strictEqual(stateOf(world), "before")
        assertNothingLost(world, "after")
      }
    })
  )

  it.effect("puts back a claim that somebody deleted, whose data is gone", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const claim = { api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-2" }
      yield* on(world)(Resource.patch(set, { _tag: "Merge", value: { spec: { replicas: 2 } } }))
      yield* drive(Effect.sleep("5 seconds"))
      yield* on(world)(Resource.remove(claim))
      yield* drive(Effect.sleep("5 seconds"))
      assert.isUndefined(world.sandbox.store.get(persistentvolumeclaims, "shop", "data-db-2"))
      const { outcome, unmet } = yield* restore(world)
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.strictEqual(stateOf(world), "before")
    })
  )

  it.effect(
    "brings back a StatefulSet that was deleted with its claims, and applied again with no replicas",
    () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot()
        const spec = world.sandbox.store.get(statefulsets, "shop", "db")?.spec
        yield* on(world)(Resource.remove(set))
        yield* drive(Effect.sleep("10 seconds"))
        for (const name of final)
          yield* on(world)(Resource.remove({ api: kinds.persistentvolumeclaims, namespace: "shop", name }))
        yield* drive(Effect.sleep("10 seconds"))
        assert.deepEqual(claimNames(world), [])
        const nobody = yield* refusal(on(world)(Restore.prepare(snapshot)))
        assert.match(nobody.action ?? "", /apply its manifest with replicas: 0/)
        yield* on(world)(
          Resource.create(
            { api: kinds.statefulsets, namespace: "shop" },
            { metadata: { name: "db", namespace: "shop" }, spec: { ...spec, replicas: 0 } }
          )
        )
        const { outcome, unmet, result } = yield* restore(world)
        assert.strictEqual(outcome, "Succeeded", unmet.join())
        assert.strictEqual(stateOf(world), "before")
        assert.deepInclude(result, { replicas: 3, kept: [] })
        assertSettled(world)
      })
  )

  it.effect(
    "that has stopped no pod is aborted without stopping any, and leaves nothing of what it made",
    () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot()
        const counts = new Set<unknown>()
        world.sandbox.store.listen(({ object }) => {
          if (object.kind === "StatefulSet") counts.add(Reflect.get(Object(object.spec), "replicas"))
        })
        world.sandbox.refuse({
          name: "policy.example.com",
          refuse: (_, object) => (object.metadata.name.includes("prove") ? "no pods today" : undefined)
        })
        const error = yield* Effect.flip(restore(world))
        assert.match(error.message, /no pods today/)
        const plan = yield* on(world)(Restore.prepare(snapshot))
        const { refusals } = yield* on(world)(Restore.dryRun(plan, "client"))
        const id = /abort ([0-9a-f]{8})/.exec(refusals[0]?.remedy ?? "")?.[1] ?? ""
        const ended = yield* drive(on(world)(Restore.abort({ namespace: "shop", id }, { identity: ann })))
        assert.strictEqual(ended.outcome, "Aborted", ended.unmet.join())
        assert.deepEqual([...counts], [3])
        assert.deepEqual(claimNames(world), final)
        assert.strictEqual(stateOf(world), "after")
        assertSettled(world)
      })
  )

  it.effect("of a cut without any file stops before the application is touched, unless it is allowed", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world)
      write(world, "after")
      const error = yield* Effect.flip(restore(world))
      assert.match(error.message, /not restored: data-db-\d: it failed with exit code 2/)
      assert.strictEqual(stateOf(world), "after")
    })
  )
})
