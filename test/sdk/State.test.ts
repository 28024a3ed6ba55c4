import { readFileSync } from "node:fs"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { compareNames } from "../../packages/sdk/src/NameOrder.ts"
import type { Observation } from "../../packages/sdk/src/state/observation.ts"
import { observe } from "../../packages/sdk/src/State.ts"
import { AppState } from "../../packages/sdk/src/state/AppState.ts"
import { forbidden, object, observation, stateOf, statefulSet } from "./objects.ts"

/** Written by test/fixtures/capture.ts from a Kubernetes 1.36 cluster with real volumes. */
const fixture = (name: string): Observation =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), "utf8"))

describe("a healthy PostgreSQL on a real cluster", () => {
  const state = observe(fixture("postgres"))

  it("is a state by its own schema, also after a round trip through JSON", () => {
    assert.isTrue(Schema.is(AppState)(state))
    assert.deepEqual(JSON.parse(JSON.stringify(state)), state)
  })

  it("has three ready replicas, one in each zone, two of them in one rack", () => {
    assert.deepEqual(
      state.replicas.map(({ name, pod }) => [name, pod?.ready, pod?.reason, pod?.current]),
      ["db-0", "db-1", "db-2"].map((name) => [name, true, null, true])
    )
    assert.deepEqual(state.placements.map(({ zone }) => `${zone}`).toSorted(compareNames), ["a", "b", "c"])
    assert.deepEqual(state.placements.map(({ rack }) => `${rack}`).toSorted(compareNames), ["r1", "r1", "r2"])
  })

  it("has six claims on network volumes, each attached where its pod runs", () => {
    assert.deepEqual(
      state.claims.map(({ name }) => name),
      ["data-db-0", "wal-db-0", "data-db-1", "wal-db-1", "data-db-2", "wal-db-2"]
    )
    for (const { usedBy, volume } of state.claims) {
      const node = state.replicas.find(({ name }) => name === usedBy[0])?.pod?.node
      assert.deepEqual(volume?.attachedTo, [node ?? ""])
      assert.equal(volume?.source, "csi")
    }
    assert.deepEqual(
      state.placements.map(({ storage, pins }) => [storage, pins.length]),
      [
        ["network", 0],
        ["network", 0],
        ["network", 0]
      ]
    )
  })

  it("has a group snapshot of all claims, mapped back to them although its members are hashes", () => {
    const members = state.protection.snapshots?.filter(({ group }) => group === "nightly") ?? []
    assert.deepEqual(
      members.map(({ claim }) => `${claim}`).toSorted(compareNames),
      state.claims.map(({ name }) => name).toSorted(compareNames)
    )
    assert.isTrue(members.every(({ bound, readyToUse, cut }) => bound === true && readyToUse && cut !== null))
  })

  it("has its Service, budget, ConfigMap and Secret, and a governing Service that publishes all", () => {
    assert.deepInclude(state.services[0], {
      name: "db",
      governs: "StatefulSet/db",
      present: true,
      selectsPods: true,
      publishNotReadyAddresses: true,
      endpoints: { ready: 3, notReady: 0 }
    })
    assert.deepEqual(state.budgets?.[0]?.pods, ["db-0", "db-1", "db-2"])
    assert.deepEqual(
      state.references.map(({ kind, name, present }) => [kind, name, present]),
      [
        ["ConfigMap", "db-conf", true],
        ["Secret", "db-pass", true]
      ]
    )
    assert.deepEqual(state.workloads[0]?.writers, [])
  })
})

describe("the same after a scale-down, without its Secret", () => {
  const state = observe(fixture("postgres-degraded"))

  it("has two leftover claims of the removed ordinal, attached nowhere", () => {
    assert.deepEqual(
      state.claims.filter(({ leftover }) => leftover).map(({ name, usedBy }) => [name, usedBy]),
      [
        ["data-db-2", []],
        ["wal-db-2", []]
      ]
    )
  })

  it("names the missing Secret, and the replica that waits for it", () => {
    assert.deepInclude(
      state.references.find(({ name }) => name === "db-pass"),
      { present: false, required: true }
    )
    assert.equal(
      state.replicas[1]?.pod?.reason,
      'container postgres CreateContainerConfigError: secret "db-pass" not found'
    )
  })

  it("tells the events that say so", () => {
    assert.isTrue(state.events?.some((event) => event.object === "Pod/db-1" && /db-pass/.test(event.message)))
  })
})

describe("a state", () => {
  it("says of every list that could not be read what and why, and has null in its place", () => {
    const state = stateOf({
      nodes: forbidden("nodes"),
      poddisruptionbudgets: forbidden("poddisruptionbudgets.policy"),
      horizontalpodautoscalers: forbidden("horizontalpodautoscalers.autoscaling"),
      configmaps: forbidden("configmaps"),
      events: forbidden("events"),
      storageclasses: forbidden("storageclasses.storage.k8s.io")
    })
    const { nodes, budgets, autoscalers, operations, events, protection } = state
    assert.deepEqual(
      [nodes, budgets, autoscalers, operations, events, protection.storageClasses],
      [null, null, null, null, null, null]
    )
    assert.equal(state.unread.length, 6)
    assert.isTrue(Schema.is(AppState)(state))
  })

  it("of a StatefulSet that cannot be understood has no workload, and says where it is at fault", () => {
    const state = stateOf({ statefulsets: [statefulSet({ spec: { replicas: "three" } })] })
    assert.deepEqual(state.workloads, [])
    assert.match(state.unread[0]?.message ?? "", /^statefulsets.apps\/db: spec.replicas: expected/)
  })

  it("is not changed by the order in which the API lists things", () => {
    const straight = observation()
    const reversed = {
      ...straight,
      lists: Object.fromEntries(
        Object.entries(straight.lists).map(([plural, list]) => [
          plural,
          Array.isArray(list) ? list.toReversed() : list
        ])
      )
    }
    assert.deepEqual(observe(reversed), observe(straight))
  })

  it("finds operations by their label, those of this app only, newest first", () => {
    const journal = (id: string, app: string, created: string) =>
      object(`operation-${id}`, {
        metadata: {
          creationTimestamp: created,
          labels: { "kubectl-stateful.dev/operation": id, "kubectl-stateful.dev/app": app },
          annotations: { "kubectl-stateful.dev/verb": "scale", "kubectl-stateful.dev/phase": "Running" }
        }
      })
    const configmaps = [
      journal("1", "db", "2026-11-20T09:00:00Z"),
      journal("2", "db", "2026-11-20T10:00:00Z"),
      journal("3", "web", "2026-11-20T11:00:00Z"),
      object("db-conf")
    ]
    assert.deepEqual(
      stateOf({ configmaps }).operations?.map(({ id, verb, phase }) => [id, verb, phase]),
      [
        ["2", "scale", "Running"],
        ["1", "scale", "Running"]
      ]
    )
  })

  it("tells Warning events about its own objects, newest first, wherever the time stands", () => {
    const event = (name: string, involved: string, rest: Record<string, unknown>) =>
      object(name, {
        type: "Warning",
        involvedObject: { kind: "Pod", name: involved },
        message: name,
        ...rest
      })
    const events = [
      event("old", "db-0", { lastTimestamp: "2026-11-20T08:00:00Z", count: 4 }),
      event("new", "db-1", { series: { count: 9, lastObservedTime: "2026-11-20T09:30:00Z" } }),
      event("other", "web-0", { lastTimestamp: "2026-11-20T10:00:00Z" }),
      event("normal", "db-0", { type: "Normal", lastTimestamp: "2026-11-20T10:00:00Z" }),
      event("micro", "db-2", { eventTime: "2026-11-20T09:00:00.123456Z", lastTimestamp: null })
    ]
    assert.deepEqual(
      stateOf({ events }).events?.map(({ message, count }) => [message, count]),
      [
        ["new", 9],
        ["micro", 1],
        ["old", 4]
      ]
    )
  })
})
