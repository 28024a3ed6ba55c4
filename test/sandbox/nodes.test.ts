import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { at, stringAt } from "../../packages/sandbox/src/apimachinery/Json.ts"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { events, nodes, pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make, type Options, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import { statefulSet } from "./asking.ts"

const sixNodes = ["a", "b", "c"].flatMap((zone) => [1, 2].map((n) => ({ name: `node-${zone}${n}`, zone })))

/** A StatefulSet of three whose replicas are ready, each in a zone of its own. */
const running = (options: Options = {}, spec: object = {}) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ nodes: sixNodes, ...options })
    sandbox.create(statefulSet("db", { replicas: 3, ...spec }))
    yield* TestClock.adjust("30 seconds")
    return sandbox
  })

const podOf = (sandbox: Shape, name: string) => sandbox.registry.find(pods, "default", name)
const nodeOf = (sandbox: Shape, pod: string) => podOf(sandbox, pod).spec.nodeName ?? ""
const conditionOf = (object: { readonly status?: unknown }, type: string) => {
  const conditions = at(object.status, "conditions")
  return Array.isArray(conditions) ? conditions.find((each) => stringAt(each, "type") === type) : undefined
}
const statusOf = (object: { readonly status?: unknown }, type: string) =>
  stringAt(conditionOf(object, type), "status")
const taintsOf = (sandbox: Shape, node: string) =>
  (sandbox.registry.find(nodes, undefined, node).spec.taints ?? []).map(
    ({ key, effect }) => `${key}:${effect}`
  )

const taint = (sandbox: Shape, node: string, key: string, value: string) =>
  sandbox.registry.update(nodes, undefined, node, (current) => ({
    ...current,
    spec: {
      ...sandbox.registry.find(nodes, undefined, node).spec,
      taints: [
        ...(sandbox.registry.find(nodes, undefined, node).spec.taints ?? []),
        { key, value, effect: "NoExecute" }
      ]
    }
  }))

const unreachable = ["NoSchedule", "NoExecute"].map((effect) => `node.kubernetes.io/unreachable:${effect}`)

describe("a lost node in the sandbox", () => {
  it.effect("is waited for as long as the grace period says, fifty seconds by default", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const node = nodeOf(sandbox, "db-1")
      sandbox.loseNode(node)
      yield* TestClock.adjust("49 seconds")
      assert.strictEqual(statusOf(sandbox.registry.find(nodes, undefined, node), "Ready"), "True")
      yield* TestClock.adjust("2 seconds")
      const lost = sandbox.registry.find(nodes, undefined, node)
      for (const type of ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]) {
        assert.strictEqual(statusOf(lost, type), "Unknown")
      }
      assert.strictEqual(stringAt(conditionOf(lost, "Ready"), "reason"), "NodeStatusUnknown")
    })
  )

  it.effect("leaves its pods Running with containers that are ready, and only Ready says False", () =>
    Effect.gen(function* () {
      const sandbox = yield* running({ nodeLifecycle: { graceMillis: 12_000 } })
      sandbox.loseNode(nodeOf(sandbox, "db-1"))
      yield* TestClock.adjust("13 seconds")
      const pod = podOf(sandbox, "db-1")
      assert.strictEqual(pod.status.phase, "Running")
      assert.strictEqual(at(pod.status.containerStatuses?.[0], "ready"), true)
      assert.strictEqual(statusOf(pod, "Ready"), "False")
      assert.strictEqual(statusOf(pod, "ContainersReady"), "True")
      assert.strictEqual(sandbox.registry.find(statefulsets, "default", "db").status.readyReplicas, 2)
      assert.isUndefined(pod.metadata.deletionTimestamp)
    })
  )

  it.effect("is Unknown first, then gets the taint NoSchedule, then NoExecute", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const node = nodeOf(sandbox, "db-1")
      const seen: Array<string> = []
      sandbox.store.listen(({ type, object }) => {
        if (type === nodes && object.metadata.name === node) {
          seen.push([statusOf(object, "Ready"), ...taintsOf(sandbox, node)].join(" "))
        }
      })
      sandbox.loseNode(node)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        seen.filter((each, i) => each !== seen[i - 1]),
        [
          "True",
          "Unknown",
          `Unknown ${unreachable.slice(0, 1).join(" ")}`,
          `Unknown ${unreachable.join(" ")}`
        ]
      )
    })
  )

  it.effect("loses its pods to eviction after five minutes, and they stay Terminating for ever", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const { uid } = podOf(sandbox, "db-1").metadata
      sandbox.loseNode(nodeOf(sandbox, "db-1"))
      yield* TestClock.adjust("5 minutes")
      assert.isUndefined(podOf(sandbox, "db-1").metadata.deletionTimestamp)
      yield* TestClock.adjust("1 minute")
      const evicted = podOf(sandbox, "db-1")
      assert.isDefined(evicted.metadata.deletionTimestamp)
      assert.strictEqual(
        stringAt(conditionOf(evicted, "DisruptionTarget"), "reason"),
        "DeletionByTaintManager"
      )
      const told = sandbox.store
        .list(events, "default")
        .find((event) => at(event, "reason") === "TaintManagerEviction")
      assert.strictEqual(at(told, "message"), "Marking for deletion Pod default/db-1")
      yield* TestClock.adjust("7 days")
      assert.strictEqual(podOf(sandbox, "db-1").metadata.uid, uid)
      assert.strictEqual(podOf(sandbox, "db-1").status.phase, "Running")
    })
  )

  it.effect(
    "keeps a pod that tolerates the taint for ever, and drops one that bears it for ten seconds",
    () =>
      Effect.gen(function* () {
        const tolerating = (tolerationSeconds?: number) => ({
          template: {
            metadata: { labels: { app: "db" } },
            spec: {
              containers: [{ name: "main", image: "db:1" }],
              tolerations: [
                {
                  key: "node.kubernetes.io/unreachable",
                  operator: "Exists",
                  effect: "NoExecute",
                  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds })
                }
              ]
            }
          }
        })
        for (const [seconds, isMarked] of [
          [undefined, false],
          [10, true]
        ] as const) {
          const sandbox = yield* running({}, tolerating(seconds))
          sandbox.loseNode(nodeOf(sandbox, "db-1"))
          yield* TestClock.adjust("65 seconds")
          assert.strictEqual(podOf(sandbox, "db-1").metadata.deletionTimestamp !== undefined, isMarked)
        }
      })
  )

  it.effect("declared out of service gives its pods up by force, and the set replaces them elsewhere", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const { uid } = podOf(sandbox, "db-1").metadata
      const node = nodeOf(sandbox, "db-1")
      sandbox.loseNode(node, "power")
      yield* TestClock.adjust("1 minute")
      taint(sandbox, node, "node.kubernetes.io/out-of-service", "nodeshutdown")
      yield* TestClock.adjust("30 seconds")
      const next = podOf(sandbox, "db-1")
      assert.notStrictEqual(next.metadata.uid, uid)
      assert.notStrictEqual(next.spec.nodeName, node)
      assert.strictEqual(statusOf(next, "Ready"), "True")
    })
  )

  it.effect("declared out of service while it is well only evicts: the pods end as any other", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const seen: Array<unknown> = []
      sandbox.store.listen(({ type, object }) => {
        if (type === pods && object.metadata.name === "db-1")
          seen.push(object.metadata.deletionGracePeriodSeconds)
      })
      taint(sandbox, nodeOf(sandbox, "db-1"), "node.kubernetes.io/out-of-service", "nodeshutdown")
      yield* TestClock.adjust("30 seconds")
      assert.include(seen, 30)
    })
  )

  it.effect("that is heard of again is ready at once, its taints go, and nothing is evicted", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const node = nodeOf(sandbox, "db-1")
      sandbox.loseNode(node)
      yield* TestClock.adjust("2 minutes")
      sandbox.findNode(node)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(statusOf(sandbox.registry.find(nodes, undefined, node), "Ready"), "True")
      assert.deepStrictEqual(taintsOf(sandbox, node), [])
      assert.strictEqual(statusOf(podOf(sandbox, "db-1"), "Ready"), "True")
      assert.strictEqual(at(podOf(sandbox, "db-1").status.containerStatuses?.[0], "restartCount"), 0)
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(podOf(sandbox, "db-1").metadata.deletionTimestamp)
    })
  )

  it.effect("that was without power starts its containers anew", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const node = nodeOf(sandbox, "db-1")
      sandbox.loseNode(node, "power")
      yield* TestClock.adjust("2 minutes")
      sandbox.findNode(node)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(at(podOf(sandbox, "db-1").status.containerStatuses?.[0], "restartCount"), 1)
      assert.strictEqual(statusOf(podOf(sandbox, "db-1"), "Ready"), "True")
    })
  )

  it.effect("cut off from the network keeps a deleted pod's process running: two of one name", () =>
    Effect.gen(function* () {
      const alive = new Set<string>()
      const sandbox = yield* running({
        programs: () => ({
          onStart: ({ pod }) =>
            Effect.andThen(
              Effect.acquireRelease(
                Effect.sync(() => alive.add(pod.metadata.uid)),
                () => Effect.sync(() => alive.delete(pod.metadata.uid))
              ),
              Effect.never
            )
        })
      })
      const { uid } = podOf(sandbox, "db-1").metadata
      const node = nodeOf(sandbox, "db-1")
      sandbox.loseNode(node)
      yield* TestClock.adjust("1 minute")
      sandbox.registry.remove(pods, "default", "db-1", { gracePeriodSeconds: 0 })
      yield* TestClock.adjust("1 minute")
      assert.isTrue(alive.has(uid) && alive.has(podOf(sandbox, "db-1").metadata.uid))
      sandbox.findNode(node)
      yield* TestClock.adjust("1 second")
      assert.isFalse(alive.has(uid))
      assert.strictEqual(alive.size, 3)
    })
  )

  it.effect("is not evicted from when all nodes are lost: the fault is taken for the controller's own", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      for (const { name } of sixNodes) sandbox.loseNode(name)
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(podOf(sandbox, "db-0").metadata.deletionTimestamp)
      assert.deepStrictEqual(taintsOf(sandbox, "node-a1"), unreachable.slice(0, 1))
    })
  )

  it.effect("in a zone that loses both waits ten seconds for the second eviction taint", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      sandbox.loseNode("node-a1")
      sandbox.loseNode("node-a2")
      yield* TestClock.adjust("55 seconds")
      const tainted = () =>
        ["node-a1", "node-a2"].filter((node) => taintsOf(sandbox, node).length === 2).length
      assert.strictEqual(tainted(), 1)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(tainted(), 2)
    })
  )
})

describe("a node in the sandbox", () => {
  it.effect("that is cordoned gets a taint, keeps its pods, and takes no more", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      for (const { name } of sixNodes.slice(0, 5)) {
        sandbox.registry.update(nodes, undefined, name, (current) => ({
          ...current,
          spec: { unschedulable: true }
        }))
      }
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(taintsOf(sandbox, "node-a1"), ["node.kubernetes.io/unschedulable:NoSchedule"])
      sandbox.registry.remove(pods, "default", "db-0")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(nodeOf(sandbox, "db-0"), "node-c2")
      sandbox.registry.update(nodes, undefined, "node-a1", (current) => ({
        ...current,
        spec: { taints: sandbox.registry.find(nodes, undefined, "node-a1").spec.taints }
      }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(taintsOf(sandbox, "node-a1"), [])
    })
  )

  it.effect("that is deleted has its pods collected after forty to eighty seconds", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const { uid } = podOf(sandbox, "db-1").metadata
      sandbox.loseNode(nodeOf(sandbox, "db-1"), "power")
      sandbox.registry.remove(nodes, undefined, nodeOf(sandbox, "db-1"))
      yield* TestClock.adjust("40 seconds")
      assert.strictEqual(podOf(sandbox, "db-1").metadata.uid, uid)
      yield* TestClock.adjust("1 minute")
      assert.notStrictEqual(podOf(sandbox, "db-1").metadata.uid, uid)
      assert.strictEqual(statusOf(podOf(sandbox, "db-1"), "Ready"), "True")
    })
  )

  it.effect(
    "that is deleted has them collected in time by a clock whose timers come late, as a real one's do",
    () =>
      Effect.gen(function* () {
        const clock = yield* Clock.Clock
        const late: Clock.Clock = {
          currentTimeMillis: clock.currentTimeMillis,
          currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
          currentTimeNanos: clock.currentTimeNanos,
          currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
          monotonicTimeNanos: clock.monotonicTimeNanos,
          monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
          sleep: (duration) => clock.sleep(Duration.sum(duration, Duration.millis(3)))
        }
        const sandbox = yield* Effect.provideService(make({ nodes: sixNodes }), Clock.Clock, late)
        sandbox.create(statefulSet("db", { replicas: 3 }))
        yield* TestClock.adjust("30 seconds")
        const { uid } = podOf(sandbox, "db-1").metadata
        sandbox.registry.remove(nodes, undefined, nodeOf(sandbox, "db-1"))
        yield* TestClock.adjust("85 seconds")
        assert.notStrictEqual(sandbox.store.get(pods, "default", "db-1")?.metadata.uid, uid)
      })
  )

  it.effect("lends its zone and region to the labels of the pods bound to it", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const { labels } = podOf(sandbox, "db-0").metadata
      const { labels: home } = sandbox.registry.find(nodes, undefined, nodeOf(sandbox, "db-0")).metadata
      for (const key of ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"]) {
        assert.strictEqual(labels?.[key], home?.[key])
      }
    })
  )
})
