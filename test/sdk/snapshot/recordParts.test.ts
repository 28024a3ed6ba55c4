/** The objects of a record: which of them are deleted with it, and which are somebody else's. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { configmaps, secrets } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshots } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import type { Progress } from "../../../packages/sdk/src/operation/Progress.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import * as Prune from "../../../packages/sdk/src/SnapshotPrune.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, on, refusal } from "../scale/callers.ts"
import { app, dying, names, take, withStorage } from "./world.ts"

const ref = { namespace: "shop", name: "nightly" }
const record = recordName("nightly")
const apis = { secrets: kinds.secrets, configmaps: kinds.configmaps }

/** A copy of an object of the record, as a backup tool makes one: with its labels and its type. */
const copy = (world: World, plural: keyof typeof apis, name: string, labels: object = {}) =>
  Effect.gen(function* () {
    const api = apis[plural]
    const found = yield* on(world)(Resource.getObject({ api, namespace: "shop", name: record }))
    const metadata = { name, labels: { ...Object(Reflect.get(found.metadata, "labels")), ...labels } }
    if (name === record) yield* on(world)(Resource.remove({ api, namespace: "shop", name }))
    yield* on(world)(Resource.create({ api, namespace: "shop" }, { ...found, metadata }))
  })

const left = (world: World) =>
  [...names(world, secrets), ...names(world, configmaps)].filter((name) => name.startsWith(record))

const planned = (world: World) => on(world)(Prune.prepare(ref, { last: true }))

/** The notes of a run. */
const notesOf = (world: World, plan: Prune.PrunePlan) =>
  Effect.gen(function* () {
    const notes: Array<string> = []
    const report = (event: Progress) =>
      Effect.sync(() => void (event._tag === "Note" && notes.push(event.message)))
    yield* drive(on(world)(Prune.run(plan, { identity: ann, report })))
    return notes
  })

const without = (world: World, verbs: ReadonlyArray<string>) =>
  withCluster(world.sandbox.as({ name: "eve", deny: [{ apiGroups: [""], resources: ["secrets"], verbs }] }))

describe("a deletion of a snapshot", () => {
  it.effect("deletes no object of its record but those that it planned, by uid", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      for (const part of [`${record}.2`, `${record}.3`]) yield* copy(world, "secrets", part)
      const plan = yield* planned(world)
      yield* on(world)(Resource.remove({ api: kinds.secrets, namespace: "shop", name: `${record}.3` }))
      for (const part of [`${record}.3`, `${record}.4`]) yield* copy(world, "secrets", part)
      yield* copy(world, "configmaps", record)
      const notes = yield* notesOf(world, plan)
      assert.deepEqual(left(world), [`${record}.3`, `${record}.4`, record])
      assert.isNotNull(world.sandbox.store.get(configmaps, "shop", record))
      assert.deepEqual(notes, [
        `secret "${record}.3" is kept: it was created after the plan; check it`,
        `configmap "${record}" is kept: it was created after the plan; check it`
      ])
      assert.lengthOf(names(world, volumesnapshots), 0)
    })
  )

  it.effect("keeps and names Secrets that another operation created, or that only look like its parts", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      yield* take(world, { consistency: "crash" })
      yield* copy(world, "secrets", `${record}.2`)
      yield* copy(world, "secrets", `${record}.3`, { "kubectl-stateful.dev/made-by": "another" })
      yield* copy(world, "secrets", `${record}.old`)
      const plan = yield* planned(world)
      assert.deepEqual(plan.warnings, [
        `secret "${record}.3" is kept: it was not created with the record; check it`
      ])
      yield* notesOf(world, plan)
      assert.deepEqual(left(world), [`${record}.3`, `${record}.old`])
    })
  )

  for (const verb of ["get", "list"]) {
    it.effect(`that was planned without the right to ${verb} Secrets deletes nothing, whoever runs it`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        yield* take(world, { consistency: "crash" })
        yield* copy(world, "secrets", `${record}.2`)
        const plan = yield* without(world, [verb])(Prune.prepare(ref, { last: true }))
        assert.include(plan.unchecked[0], "no permission to read Secrets")
        const before = left(world)
        const same = without(world, [verb])(Prune.run(plan, { identity: ann }))
        assert.strictEqual((yield* refusal(drive(same))).reason._tag, "Access")
        assert.strictEqual((yield* refusal(notesOf(world, plan))).reason._tag, "Changed")
        assert.deepEqual(left(world), before)
        assert.lengthOf(names(world, volumesnapshots), 3)
      })
    )
  }
})

describe("an abort of a snapshot", () => {
  it.effect("keeps a copy of its record under another name", () =>
    Effect.gen(function* () {
      const world = yield* withStorage()
      const killed = dying(world, ({ method, path, body }) =>
        Boolean(method === "POST" && path.endsWith("/configmaps") && body?.includes("summary.json"))
      )
      const taking = Snapshot.take(app, { name: "nightly", consistency: "crash", identity: ann })
      yield* drive(Effect.exit(killed(taking)))
      yield* copy(world, "secrets", `${record}.2`)
      yield* copy(world, "secrets", `${record}.old`)
      const [entry] = yield* on(world)(Journal.list("shop"))
      const at = { namespace: "shop", id: entry?.plan.id ?? "" }
      yield* drive(on(world)(Snapshot.abort(at, { identity: bob })))
      assert.deepEqual(left(world), [`${record}.old`])
    })
  )
})
