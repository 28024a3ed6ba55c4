import { assert, describe, it } from "vitest"
import { statefulSet } from "../../../packages/sdk/src/App.ts"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import type { Observation } from "../../../packages/sdk/src/state/observation.ts"
import { observe, observeAll } from "../../../packages/sdk/src/State.ts"
import { growth } from "../growth.ts"
import { crowd, joined, namespaced, surrounded } from "./crowd.ts"

/** As a label's value it ends before the dash. */
const long = `${"a".repeat(62)}-b`

/** What one app's object has to do with another's, and names that begin as another's do. */
const entangled: Observation["lists"] = joined([
  surrounded("shop", "s1-0", 2),
  surrounded("warehouse", "s1", 3),
  surrounded("shop", long, 1),
  {
    pods: [
      namespaced("shop", "reader", {
        spec: {
          containers: [{ name: "main" }],
          volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data-s1-0" } }]
        },
        status: { phase: "Running" }
      })
    ],
    persistentvolumeclaims: [
      namespaced("shop", "data-s2-9", { metadata: { labels: { app: "s2" } }, spec: {} })
    ],
    services: [namespaced("shop", "all", { spec: { selector: { tier: "data" } } })],
    poddisruptionbudgets: [
      namespaced("shop", "everything", { spec: { minAvailable: 1, selector: {} } }),
      namespaced("shop", "nothing", { spec: { minAvailable: 1 } }),
      namespaced("shop", "some", {
        spec: {
          minAvailable: 1,
          selector: { matchExpressions: [{ key: "app", operator: "In", values: ["s1", "s2"] }] }
        }
      })
    ],
    configmaps: [
      namespaced("shop", "journal-of-long", {
        metadata: {
          labels: { "kubectl-stateful.dev/operation": "op-long", "kubectl-stateful.dev/app": "a".repeat(62) },
          annotations: { "kubectl-stateful.dev/guards": `StatefulSet/shop/${long}` }
        }
      }),
      namespaced("shop", "journal-of-nobody", {
        metadata: { labels: { "kubectl-stateful.dev/operation": "op-nobody" } }
      })
    ],
    statefulsets: [namespaced("shop", "odd", { spec: { replicas: "three" } })],
    namespaces: [{ metadata: { name: "shop", labels: { level: "baseline" } } }]
  }
])

describe("the states of all StatefulSets", () => {
  it("are those that reading each alone gives, however their objects are entangled", () => {
    const observation = crowd({ sets: 3, replicas: 3 }, entangled)
    const states = observeAll(observation)
    assert.lengthOf(states, 7)
    for (const state of states) {
      const ofNamespace = Object.fromEntries(
        Object.entries(observation.lists).map(([plural, list]) => [
          plural,
          (list as ReadonlyArray<{ metadata: { namespace?: string } }>).filter(
            ({ metadata }) => (metadata.namespace ?? state.namespace) === state.namespace
          )
        ])
      )
      const alone = observe({
        ...observation,
        lists: ofNamespace,
        ref: statefulSet(state.namespace, state.name)
      })
      assert.deepEqual(state, alone, state.name)
    }
    const [, s1] = states.filter(({ namespace }) => namespace === "shop").slice(1)
    assert.isAbove(s1?.events?.length ?? 0, 3)
    assert.isAbove(s1?.protection.snapshots?.length ?? 0, 1)
    assert.isAbove(s1?.operations?.length ?? 0, 1)
  })

  it("cost twice as much for twice the sets, all they are made of included", () => {
    const composing = growth((sets) => crowd({ sets, replicas: 5 }), 50, observeAll)
    assert.isBelow(composing, 2.1)
  })

  it("cost twice as much for twice the replicas of one set, and so do the answers about it", () => {
    const of = (replicas: number) => crowd({ sets: 1, replicas })
    assert.isBelow(growth(of, 200, observeAll), 2.1)
    const stateOf = (replicas: number) => observeAll(of(replicas)).slice(0, 1)
    assert.isBelow(
      growth(stateOf, 200, ([state]) => state && answer(state)),
      2.1
    )
  })
})
