/** Restoring as another application by a record, or a journal, that somebody else has changed meanwhile. */
import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as RestoreClone from "../../../packages/sdk/src/RestoreClone.ts"
import {
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { encode, type SnapshotRecord } from "../../../packages/sdk/src/step/record.ts"
import { recordName } from "../../../packages/sdk/src/RecordName.ts"
import { readRecord } from "../../../packages/sdk/src/step/recordList.ts"
import { drive, type World, withCluster } from "../../simulation/world.ts"
import { ann, bob, on, refusal } from "../scale/callers.ts"
import { take } from "../snapshot/world.ts"
import { assertGone, elsewhere, namespaceNamed, snapshot, withSnapshot } from "./cloneWorld.ts"

const recordOf = (world: World, name: string) =>
  Effect.map(on(world)(readRecord("shop", name)), (found) => found ?? assert.fail(`no record ${name}`))

/** Writes a part of a record over the one that is there, as whoever may write Secrets can. */
const writePart = (world: World, parts: ReadonlyArray<string>, part: number, immutable = true) =>
  Effect.gen(function* () {
    const name = recordName("nightly", part)
    const target = { api: kinds.secrets, namespace: "shop", name }
    yield* Effect.ignore(on(world)(Resource.remove(target)))
    const value = {
      metadata: { name, annotations: { "kubectl-stateful.dev/part": `${part} of ${parts.length}` } },
      type: "kubectl-stateful.dev/snapshot.v1",
      data: { record: parts[part - 1] },
      immutable
    }
    yield* on(world)(Resource.create({ api: kinds.secrets, namespace: "shop" }, value))
  })

/** The same record in two parts. */
const inTwo = (world: World) =>
  Effect.map(recordOf(world, "nightly"), (record) => {
    const data = { noise: randomBytes(900_000).toString("base64") }
    const metadata = { name: "noise", namespace: "shop" }
    const noise = { apiVersion: "v1", kind: "Secret", metadata, data }
    const parts = encode({ ...record, objects: [...record.objects, noise] } satisfies SnapshotRecord)
    assert.lengthOf(parts, 2)
    return parts
  })

describe("a record in several parts", () => {
  it.effect("is used only while each of them is the one that was planned with, and immutable", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const parts = yield* inTwo(world)
      yield* writePart(world, parts, 1)
      yield* writePart(world, parts, 2, false)
      const open = yield* on(world)(RestoreClone.prepare(snapshot, { as: "copy" }))
      assert.match(open.refusals.map(({ reason }) => reason).join(), /not immutable/)
      yield* writePart(world, parts, 2)
      const plan = yield* on(world)(RestoreClone.prepare(snapshot, { as: "copy" }))
      assert.deepEqual(plan.refusals, [])
      yield* writePart(world, parts, 2)
      const { message } = yield* refusal(drive(on(world)(RestoreClone.run(plan, { identity: ann }))))
      assert.match(message, /not the one that was planned with/)
      assertGone(world, "shop", "copy")
    })
  )
})

describe("a journal of a restore as another application", () => {
  it.effect("brings no cut there that is none of the record which its caller has agreed to", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      assert.strictEqual((yield* take(world, { name: "weekly" })).outcome, "Succeeded")
      yield* namespaceNamed(world, elsewhere)
      const inner = world.sandbox.cluster
      const dying: typeof inner = {
        ...inner,
        request: (request) =>
          request.method === "POST" && request.path.includes("/volumesnapshotcontents")
            ? Effect.die("killed")
            : inner.request(request)
      }
      const plan = yield* on(world)(RestoreClone.prepare(snapshot, { toNamespace: elsewhere }))
      yield* drive(Effect.exit(withCluster(dying)(RestoreClone.run(plan, { identity: ann }))))
      const journal = { api: kinds.configmaps, namespace: elsewhere, name: Journal.nameOf(plan.id) }
      const found = yield* on(world)(Resource.getObject(journal))
      const { cuts: others } = yield* recordOf(world, "weekly")
      const handles = new Map(others.map(({ claim, snapshotHandle }) => [claim, snapshotHandle]))
      const names = new Map(
        world.sandbox.store.list(volumesnapshotcontents).flatMap(({ spec, status }) => {
          const claim = others.find(({ snapshotHandle }) => snapshotHandle === status?.snapshotHandle)?.claim
          return claim === undefined ? [] : [[claim, spec.volumeSnapshotRef.name ?? ""] as const]
        })
      )
      const text = String(Reflect.get(Object(Reflect.get(found, "data")), "plan.json"))
      const forged = JSON.parse(text, (_, value: unknown) => {
        const claim = Reflect.get(Object(value), "cutOf") ?? Reflect.get(Object(value), "claim")
        const isCut = Reflect.has(Object(value), "handle") && handles.has(String(claim))
        if (!isCut) return value
        const isBrought = Reflect.has(Object(value), "cutOf")
        return {
          ...Object(value),
          handle: handles.get(String(claim)),
          ...(isBrought ? {} : { snapshot: names.get(String(claim)) })
        }
      })
      assert.notStrictEqual(JSON.stringify(forged), text)
      const data = { "plan.json": JSON.stringify(forged) }
      yield* on(world)(Resource.patch(journal, { _tag: "Merge", value: { data } }))
      const at = { namespace: elsewhere, id: plan.id }
      const options = { identity: bob, clone: "db", namespaces: ["shop"] }
      const error = yield* refusal(drive(on(world)(RestoreClone.resume(at, options))))
      assert.match(error.message, /is not one of snapshot nightly/)
      assert.deepEqual(world.sandbox.store.list(volumesnapshots, elsewhere), [])
      assert.strictEqual((yield* drive(on(world)(RestoreClone.abort(at, options)))).outcome, "Aborted")
      assertGone(world, elsewhere, "db")
    })
  )

  it.effect("starts nothing behind a fence that nobody has proven", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot({ enforces: false })
      const inner = world.sandbox.cluster
      const dying: typeof inner = {
        ...inner,
        request: (request) =>
          request.method === "POST" && request.path.endsWith("/pods")
            ? Effect.die("killed")
            : inner.request(request)
      }
      const plan = yield* on(world)(RestoreClone.prepare(snapshot, { as: "copy" }))
      yield* drive(Effect.exit(withCluster(dying)(RestoreClone.run(plan, { identity: ann }))))
      const journal = { api: kinds.configmaps, namespace: "shop", name: Journal.nameOf(plan.id) }
      const steps = plan.steps.filter(({ _tag }) => _tag !== "ProveFence")
      const data = { "plan.json": JSON.stringify({ ...plan, steps }) }
      yield* on(world)(Resource.patch(journal, { _tag: "Merge", value: { data } }))
      const at = { namespace: "shop", id: plan.id }
      const options = { identity: bob, clone: "copy" }
      const error = yield* refusal(drive(on(world)(RestoreClone.resume(at, options))))
      assert.match(error.message, /with an isolation that is not verified/)
      assert.strictEqual((yield* drive(on(world)(RestoreClone.abort(at, options)))).outcome, "Aborted")
      assertGone(world, "shop", "copy")
    })
  )
})
