/** Pods that run were admitted under the rules of their time: a restore stops none that could not come back. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { pods } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { drive, type World } from "../../simulation/world.ts"
import { ann, on, refusal } from "../scale/callers.ts"
import { withConfig } from "./configured.ts"
import { openOf, restore, snapshot, stateOf, withSnapshot } from "./world.ts"

const uids = (world: World) =>
  world.sandbox.store
    .list(pods, "shop")
    .filter(({ metadata }) => /^db-\d$/.test(metadata.name))
    .map(({ metadata }) => metadata.uid)

const quota = (world: World, hard: object) => {
  const metadata = { name: "team", namespace: "shop" }
  world.sandbox.create({ apiVersion: "v1", kind: "ResourceQuota", metadata, spec: { hard } })
  return drive(Effect.sleep("2 seconds"))
}

/** Refuses what a person creates: only controllers may, and what is exempt by its label. */
const onlyControllers = (world: World) =>
  world.sandbox.refuse({
    name: "no-bare-pods",
    refuse: (verb, { kind, metadata: { labels, ownerReferences } }) =>
      verb === "CREATE" &&
      kind === "Pod" &&
      ownerReferences === undefined &&
      labels?.["app.kubernetes.io/managed-by"] !== "kubectl-stateful"
        ? "pods are created by controllers only"
        : undefined
  })

/** What the pod that is only tried meets, and no other one. */
const tried = (world: World, why: string) =>
  world.sandbox.refuse({
    name: "policy",
    refuse: (verb, { kind, metadata: { labels, name } }) =>
      verb === "CREATE" &&
      kind === "Pod" &&
      /^db-\d$/.test(name) &&
      labels?.["app.kubernetes.io/managed-by"] === "kubectl-stateful"
        ? why
        : undefined
  })

describe("a restore", () => {
  it.effect("stops no pod that a quota of today does not let come back, and says which", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const before = uids(world)
      yield* quota(world, { "limits.memory": "64Gi" })
      const failed = yield* refusal(restore(world))
      assert.match(failed.message, /^the pods of db would not start again: .*must specify limits\.memory/)
      assert.strictEqual(failed.reason._tag, "Refused")
      const plan = yield* on(world)(Restore.prepare(snapshot))
      const rehearsed = yield* refusal(drive(on(world)(Restore.dryRun(plan, "server"))))
      assert.match(rehearsed.message, /would not start again/)
      assert.isNull(yield* openOf(world))
      assert.deepEqual(uids(world), before)
      assert.strictEqual(stateOf(world), "after")
    })
  )

  it.effect("is not refused by a quota that is full of the pods that run", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const first = yield* restore(world)
      yield* quota(world, { pods: `${world.sandbox.store.list(pods, "shop").length}` })
      const at = { namespace: "shop", id: first.id ?? "" }
      const undone = yield* drive(on(world)(Restore.undo(at, { identity: ann })))
      assert.strictEqual(undone.outcome, "Succeeded", undone.unmet.join())
      assert.strictEqual(stateOf(world), "after")
    })
  )

  it.effect("is refused before an undo stops what a policy of today refuses", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const first = yield* restore(world)
      tried(world, "image db is not signed")
      const before = uids(world)
      const at = { namespace: "shop", id: first.id ?? "" }
      const failed = yield* refusal(drive(on(world)(Restore.undo(at, { identity: ann }))))
      assert.include(failed.message, "image db is not signed")
      assert.deepEqual(uids(world), before)
    })
  )

  it.effect("goes on where pods of people are refused, or a webhook does no dry run", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      onlyControllers(world)
      tried(world, 'admission webhook "policy.example.com" does not support dry run')
      const { outcome, unmet } = yield* restore(world)
      assert.strictEqual(outcome, "Succeeded", unmet.join())
      assert.strictEqual(stateOf(world), "before")
    })
  )

  it.effect("with a pod template tries the one that it restores", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      const before = uids(world)
      world.sandbox.refuse({
        name: "policy",
        refuse: (verb, object) =>
          verb === "CREATE" && /^db-\d$/.test(object.metadata.name) && /"db:1"/.test(JSON.stringify(object))
            ? "db:1 is too old"
            : undefined
      })
      for (const how of [{ withConfig: true }, { only: "config" }] as const) {
        const failed = yield* refusal(restore(world, how))
        assert.match(failed.message, /the pods of db would not start again: .*db:1 is too old/)
      }
      assert.deepEqual(uids(world), before)
      assert.strictEqual((yield* restore(world)).outcome, "Succeeded")
    })
  )
})
