import { assert, describe, it } from "@effect/vitest"
import { first, named } from "../appState.ts"
import { type Case, look } from "./cases.ts"
import { restartCases } from "./restart.cases.ts"

describe("restart", () => {
  it("rounds a budget's percentages up, as the disruption controller does", () => {
    const allowing = look("restart", "budget-blocks", (draft) => {
      first(draft.budgets).maxUnavailable = "30%"
    })
    const blocking = look("restart", "budget-blocks", (draft) => {
      Object.assign(first(draft.budgets), { maxUnavailable: null, minAvailable: "67%" })
    })
    assert.deepStrictEqual([allowing.findings.length, blocking.findings.length], [0, 1])
  })

  describe("says what a budget can do for two members, of which quorum needs both", () => {
    const two =
      (budget: object): Case["change"] =>
      (draft) => {
        Object.assign(first(draft.workloads), { replicas: 2, ready: 2 })
        draft.replicas = draft.replicas.slice(0, 2)
        Object.assign(first(draft.budgets), { expectedPods: 2, pods: ["db-0", "db-1"], ...budget })
      }
    const said = (rule: string, budget: object, options = {}) =>
      look("restart", rule, two(budget), options).findings.map(({ answer, evidence, remedy }) => [
        answer,
        evidence,
        remedy
      ])
    const one = { minAvailable: null, maxUnavailable: "1" }
    const none = { minAvailable: "2", maxUnavailable: null }

    it("one that allows an eviction keeps no quorum, and no other budget would", () => {
      assert.deepStrictEqual(said("budget-keeps-quorum", one), [])
      assert.deepStrictEqual(said("budget-below-quorum", one), [
        [
          "YesWithDowntime",
          "PodDisruptionBudget db allows 1 of 2 evictions: quorum (2 of 2) is lost",
          "no budget both keeps quorum and allows drains: that takes more members"
        ]
      ])
    })

    it("one that allows none is opened only where its owner lets quorum go", () => {
      assert.deepStrictEqual(said("budget-blocks", none), [
        [
          "No",
          "PodDisruptionBudget db never allows an eviction (minAvailable 2 of 2)",
          "if db may lose quorum during a drain, set maxUnavailable 1 in PodDisruptionBudget db"
        ]
      ])
      assert.deepStrictEqual(
        said("budget-blocks", none, { quorum: 1 })[0]?.[2]?.slice(0, 13),
        "kubectl patch"
      )
    })

    it("one that allows both at once is to let go one at a time", () => {
      assert.match(
        said("budget-below-quorum", { ...one, maxUnavailable: "2" })[0]?.[2] ?? "",
        /^kubectl patch/
      )
    })
  })

  it("asks for no budget of a single replica, which it could only block", () => {
    const { findings } = look("restart", "budget-missing", (draft) => {
      first(draft.workloads).replicas = 1
      draft.replicas = draft.replicas.slice(0, 1)
      draft.budgets = []
    })
    assert.deepStrictEqual(findings, [])
  })

  it("gives no command for a budget whose selector the command does not take", () => {
    const { findings } = look("restart", "budget-missing", (draft) => {
      first(draft.workloads).selector = "app in (db, pg)"
      draft.budgets = []
    })
    assert.match(first(findings).remedy ?? "", /^create a PodDisruptionBudget/)
  })

  it("leaves a budget that somebody owns to its owner", () => {
    const owner = "Cluster.postgresql.cnpg.io/db"
    for (const rule of ["budget-blocks", "budget-below-quorum", "budgets-overlap"] as const) {
      for (const { change, says } of restartCases.filter(
        (one) => one.rule === rule && one.says !== "Unknown"
      )) {
        const { findings } = look("restart", rule, (draft) => {
          change(draft)
          for (const budget of draft.budgets ?? []) budget.owner = owner
        })
        const [found] = findings.filter(({ answer }) => answer === says)
        assert.notInclude(found?.remedy ?? "kubectl", "kubectl", rule)
      }
    }
  })

  it("counts for a budget the pods that are asked for, also while the first of them starts", () => {
    const { findings } = look("restart", "budget-blocks", (draft) => {
      for (const name of ["db-1", "db-2"]) named(draft.replicas, name).pod = null
      Object.assign(first(draft.budgets), {
        minAvailable: "2",
        maxUnavailable: null,
        expectedPods: 1,
        currentHealthy: 1,
        disruptionsAllowed: 0,
        pods: ["db-0"]
      })
    })
    assert.deepStrictEqual(findings, [])
  })
})
