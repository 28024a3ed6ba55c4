import { assert, describe, it } from "@effect/vitest"
import { first, named } from "../appState.ts"
import { look } from "./cases.ts"
import { copies, deployed } from "./restart.ts"

describe("restart", () => {
  it("advises a second copy of a Deployment on one node's claim only with a claim that many nodes can have", () => {
    const advice = (mode: "ReadWriteOnce" | "ReadWriteMany") =>
      look("restart", "too-few-replicas", (draft) => {
        deployed(draft)
        for (const claim of draft.claims)
          Object.assign(claim, {
            workload: null,
            template: null,
            ordinal: null,
            usedBy: [],
            accessModes: [mode]
          })
        Object.assign(first(draft.claims), { usedBy: [first(draft.replicas).name] })
      }).findings.map(({ remedy }) => remedy)
    assert.match(first(advice("ReadWriteOnce")) ?? "", /ReadWriteMany PVC and run 2 replicas$/)
    assert.match(first(advice("ReadWriteMany")) ?? "", /more than once at a time, run 2 replicas$/)
  })

  it("knows that a Deployment's pod has no other node either, by its device, its selector or its volume", () => {
    for (const [by, name, rule] of [
      ["device", "nvidia.com/gpu", "device-on-one-node"],
      ["nodeSelector", "example.com/gpu=true", "selector-fits-one-node"],
      ["volume", "data-db-0", "volume-on-one-node"]
    ] as const) {
      const { findings } = look("restart", rule, (draft) => {
        deployed(draft)
        first(draft.placements).pins = [{ by, name, nodes: ["node-a"], domain: "node" }]
      })
      assert.deepStrictEqual(
        findings.map((one) => [one.answer, one.disruptions]),
        [["No", ["ServerGone", "RackGone"]]],
        by
      )
    }
  })

  it("does not wait for a Deployment's pod on a lost node once others have taken its place, and does before", () => {
    const evidence = (wanted: boolean) =>
      look("restart", "terminating-on-lost-node", (draft) => {
        deployed(draft)
        const replica = first(draft.replicas)
        Object.assign(replica, { ordinal: null, wanted })
        Object.assign(replica.pod ?? {}, { deleted: "2026-11-20T11:50:00Z", ready: false })
        named(draft.nodes, "node-a").ready = null
      }).findings.map((one) => one.evidence)
    assert.deepStrictEqual(evidence(false), [])
    assert.deepStrictEqual(evidence(true), [
      "db-0 is stuck terminating: node-a is unreachable, so volumes are not released"
    ])
  })

  it("knows that a budget never lets a Deployment's only pod go", () => {
    const { findings } = look("restart", "budget-blocks", (draft) => {
      deployed(draft)
      Object.assign(first(draft.budgets), {
        minAvailable: "1",
        maxUnavailable: null,
        desiredHealthy: 1,
        expectedPods: 1,
        pods: ["db-0"]
      })
    })
    assert.deepStrictEqual(
      findings.map((one) => [one.answer, one.disruptions, one.remedy]),
      [["No", ["Drain"], "if db may be down during a drain, set maxUnavailable 1 in PodDisruptionBudget db"]]
    )
  })

  it("tells that a drain may take all copies of a Deployment, where no budget keeps one", () => {
    const missing = look("restart", "budget-missing", (draft) => {
      copies(draft)
      draft.budgets = []
    })
    assert.deepStrictEqual(
      missing.findings.map((one) => [one.answer, one.disruptions]),
      [["YesWithDowntime", ["Drain"]]]
    )
    const allowing = (maxUnavailable: string) =>
      look("restart", "budget-below-quorum", (draft) => {
        copies(draft)
        Object.assign(first(draft.budgets), { maxUnavailable, expectedPods: 2, pods: ["db-0", "db-1"] })
      }).findings.map(({ evidence }) => evidence)
    assert.deepStrictEqual(allowing("100%"), ["PodDisruptionBudget db allows 2 of 2 evictions: db is down"])
    assert.deepStrictEqual(allowing("1"), [])
  })

  it("gives pods of a Deployment no claims of their own: one of them runs, or all can share", () => {
    const found = look("restart", "replica-not-ready", (draft) => {
      Object.assign(first(draft.workloads), { kind: "Deployment", claimTemplates: [] })
      for (const one of draft.replicas) Object.assign(one, { workload: "Deployment/db", ordinal: null })
      const pod = draft.replicas[1]?.pod
      if (pod) Object.assign(pod, { ready: false, reason: "ContainerCreating" })
      Object.assign(named(draft.claims, "data-db-0"), { usedBy: ["db-0", "db-1"] })
    }).findings
    assert.strictEqual(
      first(found).remedy,
      "run 1 replica; only if db can run more than once at a time, move data-db-0 to a ReadWriteMany PVC"
    )
  })
})
