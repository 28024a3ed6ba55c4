import { nameOf } from "@kubectl-stateful/sdk/App"
/** Operations of any verb are found, resumed and aborted by what their journal says. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Journal from "../../packages/sdk/src/operation/Journal.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"
import * as Verbs from "../../packages/sdk/src/Verbs.ts"
import { drive, makeWorld, ref, withCluster, type World } from "../simulation/world.ts"
import { ann, bob, interruptAt, on, refusal, reviews } from "./scale/callers.ts"

const stopped = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 4, readyAfter: 200 })
  const { plan } = yield* interruptAt(world, "delete db-3", { replicas: 0 })
  return { world, id: plan.id }
})

/** The journal again, under another id or verb. */
const copy = (world: World, id: string, change: { readonly id: string; readonly verb?: string }) =>
  Effect.gen(function* () {
    const entry = yield* on(world)(Journal.find("shop", id))
    yield* on(world)(Journal.create({ ...entry, plan: { ...entry.plan, ...change } }))
  })

describe("an operation", () => {
  it.effect("is found by the beginning of its id, or as the only one that is not over", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      const expected = { namespace: "shop", id, verb: "scale", name: "db", phase: "Stopped" }
      assert.deepEqual(yield* on(world)(Verbs.find({ namespace: "shop" })), expected)
      assert.deepEqual(yield* on(world)(Verbs.find({ namespace: "shop", id: id.slice(0, 4) })), expected)
    })
  )

  it.effect("is not guessed where none matches, or several do", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      const none = yield* refusal(on(world)(Verbs.find({ namespace: "shop", id: "zzzz" })))
      assert.include(none.message, "no operation zzzz in namespace shop")
      yield* copy(world, id, { id: "0badcafe" })
      const several = yield* refusal(on(world)(Verbs.find({ namespace: "shop" })))
      assert.include(several.message, "2 operations match")
      assert.include(several.message, "0badcafe")
    })
  )

  it.effect("is resumed and aborted by the verb that its journal names", () =>
    Effect.gen(function* () {
      const first = yield* stopped
      const at = { namespace: "shop", id: first.id }
      const resumed = yield* drive(on(first.world)(Verbs.resume(at, { identity: bob })))
      assert.strictEqual(resumed.outcome, "Succeeded")
      const second = yield* stopped
      const aborted = yield* drive(
        on(second.world)(Verbs.abort({ namespace: "shop", id: second.id }, { identity: bob }))
      )
      assert.strictEqual(aborted.outcome, "Aborted")
    })
  )

  it.effect("of a verb that this version does not know is left alone", () =>
    Effect.gen(function* () {
      const { world, id } = yield* stopped
      for (const verb of ["teleport", "constructor"]) {
        const other = verb === "teleport" ? "0badcafe" : "0badcaff"
        yield* copy(world, id, { id: other, verb })
        const error = yield* refusal(
          drive(on(world)(Verbs.abort({ namespace: "shop", id: other }, { identity: bob })))
        )
        assert.strictEqual(error.reason._tag, "Mismatch")
        assert.include(error.message, verb)
      }
    })
  )
})

describe("several StatefulSets", () => {
  const second = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "web", namespace: "shop" },
    spec: {
      replicas: 1,
      serviceName: "web",
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "web:1" }] }
      }
    }
  }
  const both = (replicas: number, currentReplicas?: number) => [
    { ref, options: { replicas } },
    {
      ref: { ...ref, name: "web" },
      options: { replicas, ...(currentReplicas === undefined ? {} : { currentReplicas }) }
    }
  ]
  const countOf = (world: World, name: string) =>
    Effect.map(
      on(world)(Resource.getObject({ api: kinds.statefulsets, namespace: "shop", name })),
      ({ spec }) => Reflect.get(Object(spec), "replicas") as unknown
    )

  it.effect("are scaled one after another, and none is begun where one is refused", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      world.sandbox.create(second)
      const run = ({ plan, options }: Scale.Planned) => Scale.run(plan, { ...options, identity: ann })
      const refused = yield* on(world)(Scale.prepareAll(both(2, 7)))
      const error = yield* refusal(drive(on(world)(Scale.inOrder(refused, run))))
      assert.strictEqual(error.reason._tag, "Refused")
      assert.strictEqual(yield* countOf(world, "db"), 1)
      const results = yield* drive(on(world)(Scale.scaleAll(both(2), { identity: ann })))
      assert.deepEqual(
        results.map(({ app, outcome }) => [nameOf(app), outcome]),
        [
          ["db", "Succeeded"],
          ["web", "Succeeded"]
        ]
      )
      assert.strictEqual(yield* countOf(world, "web"), 2)
    })
  )

  it.effect("are not begun where what the last of them needs is not permitted", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      world.sandbox.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } })
      world.sandbox.create({ ...second, metadata: { ...second.metadata, namespace: "other" } })
      const options = { replicas: 2 }
      const asked = [
        { ref, options },
        { ref: { namespace: "other", name: "web" }, options }
      ]
      const all = { apiGroups: ["*"], resources: ["*"] }
      const poor = world.sandbox.as({
        name: ann,
        allow: [
          ...reviews,
          { ...all, verbs: ["get", "list", "watch"] },
          { ...all, verbs: ["*"], namespaces: ["shop"] }
        ]
      })
      const error = yield* refusal(drive(withCluster(poor)(Scale.scaleAll(asked, { identity: ann }))))
      assert.strictEqual(error.reason._tag, "Access")
      assert.strictEqual(yield* countOf(world, "db"), 1)
    })
  )

  it.effect("are begun where a Role allows what each needs by its name", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 200 })
      world.sandbox.create(second)
      const all = { apiGroups: ["*"], resources: ["*"] }
      const own = { apiGroups: ["apps"], resources: ["statefulsets", "statefulsets/scale"] }
      const named = world.sandbox.as({
        name: ann,
        allow: [
          ...reviews,
          { ...all, verbs: ["list", "watch"] },
          { ...own, verbs: ["*"], resourceNames: ["db", "web"] },
          { apiGroups: ["", "coordination.k8s.io", "events.k8s.io"], resources: ["*"], verbs: ["*"] }
        ]
      })
      const options = { replicas: 2 }
      const asked = ["db", "web"].map((name) => ({ ref: { ...ref, name }, options }))
      yield* drive(withCluster(named)(Scale.scaleAll(asked, { identity: ann })))
      assert.deepEqual([yield* countOf(world, "db"), yield* countOf(world, "web")], [2, 2])
    })
  )
})
