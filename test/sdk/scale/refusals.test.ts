import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { grants } from "../../../packages/sdk/src/Access.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import { ann, hooks, on, refusal, reviews, set } from "./callers.ts"

describe("scaling", () => {
  for (const [what, options] of [
    ["a negative count", { replicas: -1 }],
    ["a huge count", { replicas: 1_000_000 }],
    ["a fraction", { replicas: 1.5 }],
    ["another count than --current-replicas", { replicas: 3, currentReplicas: 7 }],
    ["another version than --resource-version", { replicas: 3, resourceVersion: "1" }],
    ["fewer than the quorum asked for", { replicas: 1, quorum: 2 }],
    ["more than now, and fewer than the quorum asked for", { replicas: 3, quorum: 9 }],
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

  it.effect("a Helm release undoes nothing before its next upgrade: it is named, with the way out", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      yield* Effect.scoped(
        world.sandbox.cluster.request({
          method: "PATCH",
          path: "/apis/apps/v1/namespaces/shop/statefulsets/db",
          query: [["fieldManager", "helm"]],
          headers: { "content-type": "application/merge-patch+json" },
          body: JSON.stringify({
            metadata: { annotations: { "meta.helm.sh/release-name": "crm" } },
            spec: { replicas: 2 }
          })
        })
      )
      yield* TestClock.adjust("5 seconds")
      const notes = (replicas: number) =>
        Effect.map(on(world)(Scale.prepare(ref, { replicas })), ({ warnings, refusals }) => [
          ...refusals.map(({ reason }) => reason),
          ...warnings.filter((warning) => /helm|writes/i.test(warning))
        ])
      const note = (replicas: number) =>
        `Helm release "crm": set replicas to ${replicas} in its values too, or its next upgrade undoes this or stops at a conflict`
      assert.deepEqual(yield* notes(3), [note(3)])
      assert.deepEqual(yield* notes(2), [])
      // From now on Helm's own field manager owns no replicas any more, and an upgrade sets them all the same.
      yield* drive(on(world)(Scale.scale(ref, { replicas: 3, identity: ann })))
      assert.deepEqual(yield* notes(4), [note(4)])
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
