import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { at } from "../../packages/sandbox/src/apimachinery/Json.ts"
import type { Program } from "../../packages/sandbox/src/node/Program.ts"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { pods, services } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { endpointslices } from "../../packages/sandbox/src/registry/kinds/index.ts"
import { make, type Options, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import { statefulSet } from "./asking.ts"

const service = (name: string, spec: object = {}, labels: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, labels },
  spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ name: "sql", port: 5432 }], ...spec }
})

/** Pods of image `sick` never get ready. */
const program: Program = { isReady: (host) => host.container.image !== "sick" }

const running = (options: Options = {}, spec: object = {}) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ programs: () => program, ...options })
    sandbox.create(service("db", {}, { team: "data" }))
    sandbox.create(statefulSet("db", { replicas: 3, ...spec }))
    yield* TestClock.adjust("30 seconds")
    return sandbox
  })

const slicesOf = (sandbox: Shape, name = "db") =>
  sandbox.store
    .list(endpointslices, "default")
    .filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name)

const endpointsOf = (sandbox: Shape, name = "db") =>
  slicesOf(sandbox, name).flatMap(({ endpoints }) => endpoints ?? [])

const endpointOf = (sandbox: Shape, pod: string, name = "db") =>
  endpointsOf(sandbox, name).find(({ targetRef }) => targetRef?.name === pod)

const template = (image: string, rest: object = {}) => ({
  template: { metadata: { labels: { app: "db" } }, spec: { containers: [{ name: "main", image, ...rest }] } }
})

describe("the EndpointSlices of a Service in the sandbox", () => {
  it.effect("name each pod with its address, node, zone, uid and, under its own Service, its hostname", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      sandbox.create(service("other"))
      yield* TestClock.adjust("1 second")
      const pod = sandbox.registry.find(pods, "default", "db-1")
      const expected = {
        addresses: [pod.status.podIP],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: pod.spec.nodeName,
        targetRef: { kind: "Pod", name: "db-1", namespace: "default", uid: pod.metadata.uid },
        zone: pod.spec.nodeName?.slice(-1)
      }
      assert.deepStrictEqual<unknown>(endpointOf(sandbox, "db-1"), { ...expected, hostname: "db-1" })
      assert.deepStrictEqual<unknown>(endpointOf(sandbox, "db-1", "other"), expected)
    })
  )

  it.effect("carry the Service's labels, the controller's mark, the Service as owner, and headless", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const [slice] = slicesOf(sandbox)
      assert.deepStrictEqual<unknown>(slice?.metadata.labels, {
        team: "data",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": "db",
        "service.kubernetes.io/headless": ""
      })
      const [owner] = slice?.metadata.ownerReferences ?? []
      assert.strictEqual(owner?.uid, sandbox.registry.find(services, "default", "db").metadata.uid)
      assert.deepStrictEqual<unknown>(slice?.ports, [{ name: "sql", port: 5432, protocol: "TCP" }])
      sandbox.registry.remove(services, "default", "db")
      yield* TestClock.adjust("1 second")
      assert.lengthOf(slicesOf(sandbox), 0)
    })
  )

  it.effect(
    "hold a pod that is not ready as not ready, and publishNotReadyAddresses says ready all the same",
    () =>
      Effect.gen(function* () {
        const sandbox = yield* running({}, { podManagementPolicy: "Parallel", ...template("sick") })
        sandbox.create(service("all", { publishNotReadyAddresses: true }))
        yield* TestClock.adjust("1 second")
        const no = { ready: false, serving: false, terminating: false }
        assert.deepStrictEqual<unknown>(endpointOf(sandbox, "db-0")?.conditions, no)
        assert.deepStrictEqual<unknown>(endpointOf(sandbox, "db-0", "all")?.conditions, {
          ...no,
          ready: true
        })
      })
  )

  it.effect("hold a pod that is going as serving and terminating, never as ready", () =>
    Effect.gen(function* () {
      const sandbox = yield* running({
        programs: () => ({ ...program, onStop: () => Effect.sleep("5 seconds") })
      })
      sandbox.registry.remove(pods, "default", "db-2")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual<unknown>(endpointOf(sandbox, "db-2")?.conditions, {
        ready: false,
        serving: true,
        terminating: true
      })
    })
  )

  it.effect("say of a pod on a lost node that it is not ready, though the pod says Running", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const pod = sandbox.registry.find(pods, "default", "db-1")
      sandbox.loseNode(pod.spec.nodeName ?? "")
      yield* TestClock.adjust("1 minute")
      assert.isFalse(endpointOf(sandbox, "db-1")?.conditions.ready)
      assert.strictEqual(sandbox.registry.find(pods, "default", "db-1").status.phase, "Running")
    })
  )

  it.effect("hold a hundred endpoints each at most, and none is moved to another slice", () =>
    Effect.gen(function* () {
      const sandbox = yield* running(
        { nodes: ["a", "b", "c"].map((zone) => ({ name: `node-${zone}`, zone })) },
        { replicas: 230, podManagementPolicy: "Parallel" }
      )
      const sizes = () => slicesOf(sandbox).map(({ endpoints }) => endpoints?.length ?? 0)
      assert.deepStrictEqual(
        sizes().toSorted((a, b) => b - a),
        [100, 100, 30]
      )
      const homes = () =>
        new Map(
          slicesOf(sandbox).flatMap(({ metadata, endpoints }) =>
            (endpoints ?? []).map(({ targetRef }) => [targetRef?.uid, metadata.name] as const)
          )
        )
      const before = homes()
      sandbox.registry.remove(pods, "default", "db-7")
      yield* TestClock.adjust("30 seconds")
      const after = homes()
      assert.strictEqual(after.size, 230)
      for (const [uid, slice] of after) {
        if (before.has(uid)) assert.strictEqual(before.get(uid), slice)
      }
    })
  )

  it.effect("are one, empty, for a Service whose selector finds nothing, and none without a selector", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(service("empty", { selector: { app: "nothing" } }))
      sandbox.create(service("external", { selector: {} }))
      yield* TestClock.adjust("1 second")
      const slices = sandbox.store.list(endpointslices, "default")
      assert.lengthOf(slices, 1)
      assert.isNull(slices[0]?.endpoints)
      assert.isNull(slices[0]?.ports)
    })
  )

  it.effect("find a port by the name that the pod gives it", () =>
    Effect.gen(function* () {
      const sandbox = yield* running({}, template("db:1", { ports: [{ name: "pg", containerPort: 15_432 }] }))
      sandbox.create(service("named", { ports: [{ port: 5432, targetPort: "pg" }] }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual<unknown>(slicesOf(sandbox, "named")[0]?.ports, [
        { name: "", port: 15_432, protocol: "TCP" }
      ])
    })
  )

  it.effect("are of one family each where the cluster has two and the Service asks for both", () =>
    Effect.gen(function* () {
      const sandbox = yield* running({ dualStack: true })
      sandbox.create(service("both", { ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv4", "IPv6"] }))
      yield* TestClock.adjust("1 second")
      const slices = slicesOf(sandbox, "both")
      assert.sameMembers(
        slices.map(({ addressType }) => addressType),
        ["IPv4", "IPv6"]
      )
      for (const { addressType, endpoints } of slices) {
        assert.lengthOf(endpoints ?? [], 3)
        for (const { addresses } of endpoints ?? [])
          assert.strictEqual(addresses[0]?.includes(":"), addressType === "IPv6")
      }
    })
  )

  it.effect("give no two pods one address", () =>
    Effect.gen(function* () {
      const sandbox = yield* running({}, { replicas: 300, podManagementPolicy: "Parallel" })
      const addresses = endpointsOf(sandbox).map((endpoint) => endpoint.addresses[0])
      assert.strictEqual(new Set(addresses).size, 300)
    })
  )
})

const budget = (spec: object) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "db" },
  spec: { selector: { matchLabels: { app: "db" } }, ...spec }
})

const budgetStatus = (sandbox: Shape) => {
  const type = sandbox.api.types.find(({ kind }) => kind === "PodDisruptionBudget")
  const status = type && sandbox.registry.find(type, "default", "db").status
  return ["expectedPods", "currentHealthy", "desiredHealthy", "disruptionsAllowed", "observedGeneration"].map(
    (field) => at(status, field)
  )
}

describe("a PodDisruptionBudget in the sandbox", () => {
  it.effect("says how many of its pods are, must be and may go", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      sandbox.create(budget({ minAvailable: 2 }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(budgetStatus(sandbox), [3, 3, 2, 1, 1])
      sandbox.loseNode(sandbox.registry.find(pods, "default", "db-1").spec.nodeName ?? "")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(budgetStatus(sandbox), [3, 2, 2, 0, 1])
    })
  )

  it.effect(
    "with maxUnavailable or a percentage expects what the controllers ask for, not what is there",
    () =>
      Effect.gen(function* () {
        for (const [spec, before, after] of [
          [{ maxUnavailable: 1 }, [3, 3, 2, 1, 1], [2, 2, 1, 1, 1]],
          [{ minAvailable: "50%" }, [3, 3, 2, 1, 1], [2, 2, 1, 1, 1]],
          [{ minAvailable: 2 }, [3, 3, 2, 1, 1], [2, 2, 2, 0, 1]]
        ] as const) {
          const sandbox = yield* running()
          sandbox.create(budget(spec))
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual<unknown>(budgetStatus(sandbox), before)
          sandbox.registry.update(statefulsets, "default", "db", (current) => ({
            ...current,
            spec: { ...sandbox.registry.find(statefulsets, "default", "db").spec, replicas: 2 }
          }))
          yield* TestClock.adjust("5 seconds")
          assert.deepStrictEqual<unknown>(budgetStatus(sandbox), after)
        }
      })
  )

  it.effect("over no pods allows nothing", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(budget({ minAvailable: "50%" }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(budgetStatus(sandbox), [0, 0, 0, 0, 1])
    })
  )
})

describe("a ResourceQuota in the sandbox", () => {
  it.effect("says what is used of what it limits, as it comes and goes", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      const hard = {
        pods: "5",
        "requests.cpu": "2",
        "requests.memory": "1Gi",
        "requests.storage": "10Gi",
        persistentvolumeclaims: "5",
        "count/configmaps": "10"
      }
      sandbox.create({ apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "q" }, spec: { hard } })
      const asks = { resources: { requests: { cpu: "50m", memory: "8Mi" } } }
      sandbox.create(
        statefulSet("db", {
          replicas: 2,
          ...template("db:1", asks),
          volumeClaimTemplates: [
            {
              metadata: { name: "data" },
              spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "400Mi" } } }
            }
          ]
        })
      )
      yield* TestClock.adjust("30 seconds")
      const type = sandbox.api.types.find(({ kind }) => kind === "ResourceQuota")
      const status = () => type && sandbox.registry.find(type, "default", "q").status
      assert.deepStrictEqual<unknown>(status(), {
        hard,
        used: {
          pods: "2",
          "requests.cpu": "100m",
          "requests.memory": "16Mi",
          "requests.storage": "800Mi",
          persistentvolumeclaims: "2",
          "count/configmaps": "0"
        }
      })
      sandbox.registry.remove(statefulsets, "default", "db")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(at(status(), "used", "pods"), "0")
      assert.strictEqual(at(status(), "used", "persistentvolumeclaims"), "2")
    })
  )
})
