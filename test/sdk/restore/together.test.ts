/** Several StatefulSets put back at one time: all or none of them are as the snapshot has it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { selector } from "../../../packages/sdk/src/App.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { names, sorted } from "../../../packages/sdk/src/restore/order.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import { configmaps, persistentvolumeclaims } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive, type World } from "../../simulation/world.ts"
import { ann, on } from "../scale/callers.ts"
import { withStorage } from "../snapshot/world.ts"
import { faultsAt } from "./faultsAt.ts"
import { assertSettled, every } from "./world.ts"

const app = selector("shop", "tier=shop")
const all = { namespace: "shop", name: "all" }
const members = ["db-0", "db-1", "web-0", "web-1"]

const claimOf = (world: World, name: string) => world.sandbox.store.get(persistentvolumeclaims, "shop", name)
const bytesOf = (world: World, pod: string) =>
  world.sandbox.volumes.get(claimOf(world, `data-${pod}`)?.spec.volumeName ?? "")

const write = (world: World, when: string) => {
  for (const pod of members) bytesOf(world, pod)?.write("mark", when)
}

/** From when all of them are, which has to be one time. */
const stateOf = (world: World): string => {
  const marks = members.map((pod) => bytesOf(world, pod)?.readText("mark") ?? `${pod} has none`)
  for (const name of ["db", "web"]) {
    const set = world.sandbox.store.get(statefulsets, "shop", name)
    assert.deepInclude(set?.status, { readyReplicas: 2 }, name)
    assert.strictEqual(set?.spec.replicas, 2)
  }
  assert.lengthOf([...new Set(marks)], 1, marks.join())
  return marks[0] ?? ""
}

/** `db`, and `web` that names it; a snapshot of both says `before`, and both say `after` since. */
const withBoth = Effect.gen(function* () {
  const world = yield* withStorage({ replicas: 2, whenScaled: "Delete" })
  const label = { metadata: { labels: { tier: "shop" } } }
  const target = { api: kinds.statefulsets, namespace: "shop", name: "db" }
  yield* on(world)(Resource.patch(target, { _tag: "Merge", value: label }))
  const set = world.sandbox.store.get(statefulsets, "shop", "db")
  const [container] = set?.spec.template.spec.containers ?? []
  const env = [{ name: "DB", value: "postgres://db:5432/shop" }]
  world.sandbox.create({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "web", namespace: "shop", ...label.metadata },
    spec: {
      ...set?.spec,
      replicas: 2,
      serviceName: "web",
      persistentVolumeClaimRetentionPolicy: { whenScaled: "Retain", whenDeleted: "Retain" },
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { ...set?.spec.template.spec, containers: [{ ...container, env }] }
      }
    }
  })
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db", namespace: "shop" },
    spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 5432 }] }
  }
  world.sandbox.create(service)
  yield* drive(Effect.sleep("10 seconds"))
  write(world, "before")
  const { outcome, unmet } = yield* drive(on(world)(Snapshot.take(app, { name: "all", identity: ann })))
  assert.strictEqual(outcome, "Succeeded", unmet.join())
  write(world, "after")
  world.log.length = 0
  return world
})

const settled = (world: World) => {
  assertSettled(world)
  const web = world.sandbox.store.get(statefulsets, "shop", "web")
  assert.notInclude(JSON.stringify(web?.metadata.annotations ?? {}), "kubectl-stateful.dev/operation")
}

describe("a restore of several StatefulSets", () => {
  it.effect("stops all before a volume moves, starts first those that others name, and is undone", () =>
    Effect.gen(function* () {
      const world = yield* withBoth
      const plan = yield* on(world)(Restore.prepare(all))
      assert.deepEqual(plan.refusals, [])
      assert.include(plan.effects[0], "they start in this order, and stop in reverse: db, web")
      const { id, outcome, unmet } = yield* drive(on(world)(Restore.restore(all, { identity: ann })))
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.strictEqual(stateOf(world), "before")
      settled(world)
      const first = (line: string) => world.log.indexOf(line)
      assert.isBelow(first("gone web-0"), first("delete db-1"))
      assert.isBelow(first("gone db-0"), first("ready db-0"))
      assert.isBelow(first("ready db-1"), first("create web-0"))
      const undo = (of: string) =>
        drive(on(world)(Restore.undo({ namespace: "shop", id: of }, { identity: ann })))
      const undone = yield* undo(id ?? "")
      assert.strictEqual(undone.outcome, "Succeeded", undone.unmet.join())
      assert.strictEqual(stateOf(world), "after")
      // Only the last journals are kept; what was set aside tells by itself whose it was.
      for (const { metadata } of world.sandbox.store.list(configmaps, "shop"))
        if (/^kubectl-stateful-[0-9a-f]{8}$/.test(metadata.name))
          yield* on(world)(Resource.remove({ api: kinds.configmaps, namespace: "shop", name: metadata.name }))
      const again = yield* undo(undone.id ?? "")
      assert.strictEqual(again.outcome, "Succeeded", again.unmet.join())
      assert.strictEqual(stateOf(world), "before")
      settled(world)
    })
  )

  it.effect("goes by the order that is asked for, and refuses one that names a stranger", () =>
    Effect.gen(function* () {
      const world = yield* withBoth
      const { effects } = yield* on(world)(Restore.prepare(all, { order: ["web"] }))
      assert.match(effects[0] ?? "", /stop in reverse: web, db$/)
      const { refusals } = yield* on(world)(Restore.prepare(all, { order: ["cache"] }))
      assert.match(refusals[0]?.reason ?? "", /cache is not a StatefulSet or Deployment of this restore/)
    })
  )

  it.effect("that fails or loses its caller at any request leaves one state of all", () =>
    Effect.gen(function* () {
      const points = yield* faultsAt({ first: 11, stride: every * 6, make: withBoth, stateOf, settled })
      assert.isAbove(points, 1)
    })
  )
})

describe("the order", () => {
  it("is by who names whom, and by name where they name each other", () => {
    const pairs = new Set(["web>db", "web>cache", "cache>db", "a>b", "b>a"])
    const refers = (from: string, to: string) => pairs.has(`${from}>${to}`)
    assert.deepEqual(sorted(["web", "cache", "db"], refers), ["db", "cache", "web"])
    assert.deepEqual(sorted(["b", "a"], refers), ["a", "b"])
  })

  it("knows a host in a text from a part of a word", () => {
    for (const text of ["db", "db:5432", "db-0.db.shop.svc", "redis://db/0", "x,db"])
      assert.isTrue(names(text, "db"), text)
    for (const text of ["dbname", "my-db", "db-1", "db_user"]) assert.isFalse(names(text, "db"), text)
  })
})
