import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { at, numberAt } from "../../packages/sandbox/src/apimachinery/Json.ts"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { events, nodes, pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make, type Options, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import { apps, bare, statefulSet } from "./asking.ts"

const claims = {
  volumeClaimTemplates: [
    {
      metadata: { name: "data" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
    }
  ]
}

const settled = (options: Options, spec: object) =>
  Effect.gen(function* () {
    const sandbox = yield* make(options)
    sandbox.create(statefulSet("db", spec))
    yield* TestClock.adjust("1 minute")
    return sandbox
  })

const setOf = (sandbox: Shape) => sandbox.registry.find(statefulsets, "default", "db")

const told = (sandbox: Shape, name: string) =>
  sandbox.store
    .list(events, "default")
    .filter((event) => at(event, "involvedObject", "name") === name)
    .map((event) => `${String(at(event, "reason"))}: ${String(at(event, "message"))}`)

const writers = (body: unknown) => {
  const entries = at(body, "metadata", "managedFields")
  return Array.isArray(entries)
    ? entries.map((each) => [at(each, "manager"), at(each, "subresource"), at(each, "fieldsV1")])
    : []
}
const replicas = { "f:spec": { "f:replicas": {} } }

describe("managedFields in the sandbox", () => {
  it.effect("say who wrote spec.replicas last: by fieldManager, else by User-Agent", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask("POST", `${apps}?fieldManager=kubectl-create`, statefulSet("db"))
      assert.deepStrictEqual(writers(ask("GET", `${apps}/db`).body), [
        ["kubectl-create", undefined, replicas]
      ])
      patch("merge", `${apps}/db?fieldManager=argocd-controller`, { spec: { replicas: 5 } })
      assert.deepStrictEqual(writers(ask("GET", `${apps}/db`).body), [
        ["argocd-controller", undefined, replicas]
      ])
      ask(
        "PATCH",
        `${apps}/db/scale`,
        { spec: { replicas: 2 } },
        {
          "content-type": "application/merge-patch+json",
          "user-agent": "kubectl/v1.36.3 (linux/amd64) kubernetes/abc"
        }
      )
      assert.deepStrictEqual(writers(ask("GET", `${apps}/db`).body), [["kubectl", "scale", replicas]])
    })
  )

  it.effect("keep the owner of replicas when somebody writes the same number, or something else", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      ask("POST", `${apps}?fieldManager=helm`, statefulSet("db", { replicas: 2 }))
      patch("merge", `${apps}/db?fieldManager=a`, { spec: { replicas: 2 } })
      patch("merge", `${apps}/db?fieldManager=b`, { metadata: { labels: { x: "y" } } })
      assert.deepStrictEqual(writers(ask("GET", `${apps}/db`).body), [["helm", undefined, replicas]])
    })
  )

  it.effect("keep what a client brought along, but for the replicas that another has written since", () =>
    Effect.gen(function* () {
      const { ask, patch } = yield* bare()
      const brought = {
        manager: "argocd-controller",
        operation: "Apply",
        apiVersion: "apps/v1",
        fieldsType: "FieldsV1",
        fieldsV1: { "f:spec": { "f:replicas": {}, "f:serviceName": {} } }
      }
      const draft = statefulSet("db")
      ask("POST", `${apps}?fieldManager=x`, {
        ...draft,
        metadata: { ...draft.metadata, managedFields: [brought] }
      })
      patch("merge", `${apps}/db?fieldManager=kubectl`, { spec: { replicas: 3 } })
      assert.deepStrictEqual(writers(ask("GET", `${apps}/db`).body), [
        ["argocd-controller", undefined, { "f:spec": { "f:serviceName": {} } }],
        ["kubectl", undefined, replicas]
      ])
    })
  )
})

describe("a rival writer in the sandbox", () => {
  it.effect("puts the replicas back under its own name, until it is switched off", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({}, { replicas: 3 })
      const stop = sandbox.rival({ manager: "argocd-controller", name: "db", replicas: 3 })
      const scale = (count: number) =>
        sandbox.registry.update(
          statefulsets,
          "default",
          "db",
          (current) => ({ ...current, spec: { ...setOf(sandbox).spec, replicas: count } }),
          { manager: "kubectl" }
        )
      scale(1)
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(setOf(sandbox).spec.replicas, 1)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(setOf(sandbox).spec.replicas, 3)
      assert.deepStrictEqual(writers(setOf(sandbox)), [["argocd-controller", undefined, replicas]])
      stop()
      scale(1)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(setOf(sandbox).spec.replicas, 1)
    })
  )

  it.effect("that is an autoscaler writes the scale subresource", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({}, { replicas: 1 })
      sandbox.rival({
        manager: "kube-controller-manager",
        name: "db",
        replicas: 2,
        afterMillis: 15_000,
        scale: true
      })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(setOf(sandbox).status.readyReplicas, 2)
      assert.deepStrictEqual(writers(setOf(sandbox)), [["kube-controller-manager", "scale", replicas]])
    })
  )
})

describe("the StatefulSet controller's pace in the sandbox", () => {
  /** Virtual milliseconds from the creation until all are ready, a replica. */
  const perReplica = (count: number, spec: object, options: Options) =>
    Effect.gen(function* () {
      const sandbox = yield* make({
        startMillis: 1,
        provisioning: { shared: { millis: 1 } },
        nodes: Array.from({ length: 4 }, (_, i) => ({ name: `node-${i}`, allocatable: { pods: "1000" } })),
        ...options
      })
      const start = sandbox.registry.now()
      sandbox.create(statefulSet("db", { replicas: count, ...spec }))
      while (numberAt(setOf(sandbox).status, "readyReplicas") !== count) yield* TestClock.adjust("100 millis")
      return (sandbox.registry.now() - start) / count
    })

  it.effect("at 20 writes a second bounds an ordered start: two writes a pod, and one more a claim", () =>
    Effect.gen(function* () {
      const pace = { perSecond: 20 }
      // A real one took 117, 162 and 220 ms; without the burst of 30 the sums are 100 and 150.
      assert.closeTo(yield* perReplica(100, {}, { pace }), 100, 20)
      assert.closeTo(yield* perReplica(100, claims, { pace }), 150, 20)
      assert.isBelow(yield* perReplica(100, {}, {}), 20)
    })
  )

  it.effect("bounds a parallel start as well", () =>
    Effect.gen(function* () {
      const spec = { ...claims, podManagementPolicy: "Parallel" }
      assert.closeTo(yield* perReplica(100, spec, { pace: { perSecond: 20 } }), 100, 20)
    })
  )
})

describe("events in the sandbox", () => {
  it.effect("tell of a replica's way from its claim to its start", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({}, { replicas: 1, ...claims })
      assert.sameMembers(told(sandbox, "db"), [
        "SuccessfulCreate: Create Claim data-db-0 Pod db-0 in StatefulSet db success",
        "SuccessfulCreate: Create Pod db-0 in StatefulSet db successful"
      ])
      const node = sandbox.registry.find(pods, "default", "db-0").spec.nodeName
      assert.includeMembers(told(sandbox, "db-0"), [
        `Scheduled: Successfully assigned default/db-0 to ${node}`,
        "Started: Container started"
      ])
    })
  )

  it.effect("tell of its end", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({}, { replicas: 1 })
      sandbox.registry.update(statefulsets, "default", "db", (current) => ({
        ...current,
        spec: { ...setOf(sandbox).spec, replicas: 0 }
      }))
      yield* TestClock.adjust("1 minute")
      assert.include(told(sandbox, "db"), "SuccessfulDelete: delete Pod db-0 in StatefulSet db successful")
      assert.include(told(sandbox, "db-0"), "Killing: Stopping container main")
    })
  )

  it.effect("tell why a pod has no node, and why one could not be made", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      for (const { metadata } of sandbox.store.list(nodes)) {
        sandbox.registry.update(nodes, undefined, metadata.name, (current) => ({
          ...current,
          spec: { unschedulable: true }
        }))
      }
      sandbox.create(statefulSet("db", { replicas: 1 }))
      sandbox.create({
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "q" },
        spec: { hard: { pods: "1" } }
      })
      yield* TestClock.adjust("10 seconds")
      sandbox.create(statefulSet("other", { replicas: 1 }))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(told(sandbox, "db-0"), [
        "FailedScheduling: 0/3 nodes are available: 3 node(s) were unschedulable."
      ])
      assert.deepStrictEqual(told(sandbox, "other"), [
        'FailedCreate: Create Pod other-0 in StatefulSet other failed error: pods "other-0" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'
      ])
    })
  )

  it.effect("that are equal are one, with a count, and are gone an hour after the last", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled(
        { programs: () => ({ isReady: () => false }) },
        {
          replicas: 1,
          template: {
            metadata: { labels: { app: "db" } },
            spec: {
              containers: [{ name: "main", image: "db:1", readinessProbe: { exec: { command: ["true"] } } }]
            }
          }
        }
      )
      const unhealthy = () =>
        sandbox.store.list(events, "default").filter((event) => at(event, "reason") === "Unhealthy")
      assert.lengthOf(unhealthy(), 1)
      assert.strictEqual(at(unhealthy()[0], "count"), 6)
      sandbox.registry.remove(statefulsets, "default", "db")
      yield* TestClock.adjust("2 hours")
      assert.lengthOf(sandbox.store.list(events), 0)
    })
  )

  it.effect("that differ in their words alone are combined after the tenth", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({}, { replicas: 25, podManagementPolicy: "Parallel" })
      const created = sandbox.store
        .list(events, "default")
        .filter((event) => at(event, "reason") === "SuccessfulCreate")
      assert.lengthOf(created, 11)
      const combined = created.filter((event) => event.message?.startsWith("(combined from"))
      assert.deepStrictEqual(
        combined.map((event) => [at(event, "message"), at(event, "count")]),
        [["(combined from similar events): Create Pod db-24 in StatefulSet db successful", 15]]
      )
    })
  )

  it.effect("are not kept where nobody wants them", () =>
    Effect.gen(function* () {
      const sandbox = yield* settled({ events: false }, { replicas: 1 })
      assert.lengthOf(sandbox.store.list(events), 0)
    })
  )
})

describe("a pod in the sandbox", () => {
  const draft = (spec: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "job", namespace: "default" },
    spec
  })
  const exits = (codes: Readonly<Record<string, number>>): Options => ({
    programs: (_, { name }) => ({
      onStart: () => Effect.as(Effect.sleep("1 second"), codes[name] ?? 0)
    })
  })
  const phase = (sandbox: Shape) => sandbox.registry.find(pods, "default", "job").status.phase

  it.effect("that is not to be restarted ends as its containers do", () =>
    Effect.gen(function* () {
      for (const [code, end] of [
        [0, "Succeeded"],
        [3, "Failed"]
      ] as const) {
        const sandbox = yield* make(exits({ main: code }))
        sandbox.create(draft({ restartPolicy: "Never", containers: [{ name: "main", image: "x:1" }] }))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(phase(sandbox), end)
        const status = sandbox.registry.find(pods, "default", "job").status.containerStatuses?.[0]
        assert.strictEqual(at(status, "state", "terminated", "exitCode"), code)
      }
    })
  )

  it.effect("starts its containers after its init containers, one after another", () =>
    Effect.gen(function* () {
      const started: Array<string> = []
      const sandbox = yield* make({
        programs: (_, { name }) => ({
          onStart: () =>
            Effect.andThen(
              Effect.sync(() => started.push(name)),
              name === "main" ? Effect.never : Effect.as(Effect.sleep("2 seconds"), 0)
            )
        })
      })
      const initContainers = ["one", "two"].map((name) => ({ name, image: "x:1" }))
      sandbox.create(draft({ initContainers, containers: [{ name: "main", image: "x:1" }] }))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(started, ["one", "two"])
      assert.strictEqual(phase(sandbox), "Pending")
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual(started, ["one", "two", "main"])
      assert.strictEqual(phase(sandbox), "Running")
    })
  )

  it.effect("whose init container fails tries it again, and starts nothing else", () =>
    Effect.gen(function* () {
      const sandbox = yield* make(exits({ one: 1 }))
      sandbox.create(
        draft({
          initContainers: [{ name: "one", image: "x:1" }],
          containers: [{ name: "main", image: "x:1" }]
        })
      )
      yield* TestClock.adjust("30 seconds")
      const { status } = sandbox.registry.find(pods, "default", "job")
      assert.strictEqual(status.phase, "Pending")
      const init = at(status, "initContainerStatuses")
      assert.strictEqual(Array.isArray(init) ? at(init[0], "restartCount") : undefined, 2)
    })
  )

  it.effect("is not ready again before its probe has failed three times and then passed", () =>
    Effect.gen(function* () {
      let isWell = true
      const sandbox = yield* make({ programs: () => ({ isReady: () => isWell }) })
      const readinessProbe = { exec: { command: ["true"] }, periodSeconds: 10 }
      sandbox.create(draft({ containers: [{ name: "main", image: "x:1", readinessProbe }] }))
      const ready = () =>
        sandbox.registry.find(pods, "default", "job").status.conditions?.find(({ type }) => type === "Ready")
          ?.status
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(ready(), "True")
      isWell = false
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(ready(), "True")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(ready(), "False")
      isWell = true
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(ready(), "True")
    })
  )
})
