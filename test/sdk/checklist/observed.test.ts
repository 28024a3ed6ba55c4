/** Answers about objects as people write them: from the lists of the API to what is printed. */
import { assert, describe, it } from "vitest"
import { answer } from "../../../packages/sdk/src/Checklist.ts"
import type { Observation } from "../../../packages/sdk/src/state/observation.ts"
import { claim, type Json, object, pod, service, stateOf } from "../objects.ts"
import { findings, made, at } from "./made.ts"

describe("a governing Service is told as what it is", () => {
  const leader = (by: string | null) => ({
    services: [service({ spec: { clusterIP: "10.0.0.1", selector: null } })],
    endpointslices: [
      object("db-leader", {
        metadata: {
          labels: {
            "kubernetes.io/service-name": "db",
            ...(by === null ? {} : { "endpointslice.kubernetes.io/managed-by": by })
          }
        },
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.0.0.9"] }]
      })
    ]
  })
  const rules = [
    "service-missing",
    "service-not-headless",
    "service-selects-others",
    "service-without-selector"
  ]
  const told = (changes: Observation["lists"]) =>
    rules.flatMap((rule) => findings(stateOf(changes), "restart", rule))

  it("without a selector it is left to whatever writes its endpoints", () => {
    for (const [by, words] of [
      ["leader.example.com", "leader.example.com"],
      ["endpointslicemirroring-controller.k8s.io", "an Endpoints object"],
      [null, "an Endpoints object"]
    ] as const) {
      const [one, ...others] = told(leader(by))
      assert.deepEqual(others, [])
      assert.deepEqual(
        [one?.rule, one?.answer, one?.evidence],
        [
          "service-without-selector",
          "Yes",
          `governing Service db has no selector: pods get no DNS names, ${words} sets its endpoints`
        ]
      )
      assert.isNull(one?.remedy)
    }
  })

  it("without a selector it gives no pod a name", () => {
    assert.deepEqual(
      stateOf(leader(null)).replicas.map((replica) => replica.pod?.fqdn),
      [null, null, null]
    )
    assert.equal(stateOf().replicas[0]?.pod?.fqdn, "db-0.db.shop.svc")
  })

  it("one that selects a role, which pods alone have, selects them", () => {
    const primary = (ordinal: number) =>
      pod(ordinal, ordinal === 0 ? { metadata: { labels: { role: "primary" } } } : {})
    assert.deepEqual(
      told({
        services: [service({ spec: { selector: { app: "db", role: "primary" } } })],
        pods: [0, 1, 2].map(primary)
      }),
      []
    )
  })

  it("none that has an address, or finds other pods, gets another selector by a command", () => {
    const others = (spec: Json, ready: boolean) => {
      const [found] = told({
        services: [service({ spec: { selector: { app: "proxy" }, ...spec } })],
        endpointslices: ready ? leader("endpointslice-controller.k8s.io").endpointslices : []
      }).filter((one) => one.rule === "service-selects-others")
      return found?.remedy ?? ""
    }
    assert.equal(others({}, false), "kubectl set selector service db app=db -n shop")
    assert.notMatch(others({}, true), /kubectl/)
    assert.notMatch(others({ clusterIP: "10.0.0.1" }, false), /kubectl/)
  })

  it("the address that clients have from outside is not made anew", () => {
    const [found] = told({ services: [service({ spec: { clusterIP: "10.0.0.1", type: "LoadBalancer" } })] })
    assert.deepEqual([found?.rule, found?.answer, found?.remedy], ["service-not-headless", "Yes", null])
  })
})

describe("remedies name volumes one by one", () => {
  it("whatever labels their claims carry", () => {
    const bare = [0, 1, 2].flatMap((ordinal) =>
      ["data", "wal"].map((name) => claim(`${name}-db-${ordinal}`, { metadata: { labels: null } }))
    )
    const [found] = findings(stateOf({ persistentvolumeclaims: bare }), "restore", "volumes-go-with-claims")
    assert.match(found?.remedy ?? "", /^kubectl patch pv pv-data-db-0 pv-wal-db-0 .*pv-wal-db-2 --type=merge/)
    for (const { findings: all } of answer(stateOf({ persistentvolumeclaims: bare })))
      for (const one of all) assert.notMatch(one.remedy ?? "", / -l |--selector=(?!app=db --max)/)
  })
})

describe("a budget of a role is its owner's", () => {
  const budget = (name: string, role: string | null, spec: Json, expectedPods: number) =>
    object(name, {
      spec: { selector: { matchLabels: { app: "db", ...(role === null ? {} : { role }) } }, ...spec },
      status: { expectedPods, desiredHealthy: 1, currentHealthy: expectedPods, disruptionsAllowed: 0 }
    })
  const pods = [0, 1, 2].map((ordinal) =>
    pod(ordinal, { metadata: { labels: { role: ordinal === 0 ? "master" : "replica" } } })
  )
  const told = (...poddisruptionbudgets: ReadonlyArray<Json>) =>
    (answer(stateOf({ pods, poddisruptionbudgets }))[0]?.findings ?? []).filter(({ rule }) =>
      rule.startsWith("budget")
    )

  it("no command loosens, doubles or deletes what keeps a leader", () => {
    const leader = budget("db", "master", { minAvailable: 1 }, 1)
    for (const all of [
      [leader],
      [leader, budget("db-all", null, { maxUnavailable: 1 }, 3)],
      [leader, budget("db-replicas", "replica", { maxUnavailable: 1 }, 2)]
    ]) {
      const found = told(...all)
      assert.isAbove(found.length, 0)
      for (const { remedy } of found) assert.notMatch(remedy ?? "", /kubectl/)
    }
  })

  it("is not counted over pods that it does not count", () => {
    assert.deepEqual(
      told(
        budget("db", "master", { minAvailable: 1 }, 1),
        budget("db-replicas", "replica", { maxUnavailable: 1 }, 2)
      ).map((one) => [one.rule, one.answer]),
      [["budget-blocks", "Unknown"]]
    )
  })

  it("is not told from one of all pods while the others are missing, and not changed then", () => {
    const leader = budget("db", "master", { minAvailable: 1 }, 1)
    const state = stateOf({ pods: pods.slice(0, 1), poddisruptionbudgets: [leader] })
    const remedies = (answer(state)[0]?.findings ?? [])
      .filter(({ rule }) => rule.startsWith("budget"))
      .map(({ remedy }) => remedy)
    assert.notMatch(remedies.join(), /kubectl/)
  })

  it("one over pods of others as well is not changed for this application's sake", () => {
    const [found] = told(budget("shared", null, { minAvailable: 9 }, 9))
    assert.equal(found?.remedy, "PodDisruptionBudget shared covers other pods too: create one for db only")
  })

  it("of two that count the same pods, the one that lets more go is spared", () => {
    const [found] = told(
      budget("loose", null, { maxUnavailable: 2 }, 3),
      budget("tight", null, { maxUnavailable: 1 }, 3)
    ).filter((one) => one.rule === "budgets-overlap")
    assert.equal(found?.remedy, "kubectl delete poddisruptionbudget loose -n shop")
  })

  it("pods that could not be read are not said to lack a budget", () => {
    const refused = { resource: "pods", reason: "Forbidden", message: "No" }
    const state = stateOf({
      pods: refused,
      poddisruptionbudgets: [budget("db", null, { maxUnavailable: 1 }, 3)]
    })
    assert.deepEqual(findings(state, "restart", "budget-missing"), [])
  })
})

describe("more replicas are no remedy for what may not replicate", () => {
  it("whoever owns the application is told what to ask, and no command is printed", () => {
    for (const replicas of [1, 2]) {
      const state = made({ mounts: [at("/data")], templates: ["data"], spec: { replicas } })
      const [found] = findings(state, "restart", "too-few-replicas")
      assert.equal(found?.remedy, "if db replicates its data, run 3 replicas (ask its owner)")
    }
  })
})
