import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { arrayAt, at, stringAt } from "../../packages/sandbox/src/apimachinery/Json.ts"
import { replicasets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { events, pods, secrets, serviceaccounts } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make, type Options, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import { statefulSet } from "./asking.ts"

const main = { name: "main", image: "db:1" }
const mounting = { ...main, volumeMounts: [{ name: "key", mountPath: "/key" }] }

/** A pod with this spec, a while after it was made. */
const podWith = (spec: object, options: Options = {}) =>
  Effect.gen(function* () {
    const sandbox = yield* make(options)
    sandbox.create({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec })
    yield* TestClock.adjust("3 seconds")
    return sandbox
  })

const podOf = (sandbox: Shape) => sandbox.registry.find(pods, "default", "p")

const waitsFor = (sandbox: Shape, list = "containerStatuses") =>
  arrayAt(podOf(sandbox).status, list).map((each) => {
    const [reason, message] = ["reason", "message"].map((field) => stringAt(each, "state", "waiting", field))
    return message === undefined ? reason : `${reason}: ${message}`
  })

const isReady = (sandbox: Shape): boolean =>
  arrayAt(podOf(sandbox).status, "conditions").some(
    (each) => stringAt(each, "type") === "Ready" && stringAt(each, "status") === "True"
  )

const told = (sandbox: Shape, name = "p"): ReadonlyArray<string> => [
  ...new Set(
    sandbox.store
      .list(events, "default")
      .filter((event) => at(event, "involvedObject", "name") === name && at(event, "type") === "Warning")
      .map((event) => `${String(at(event, "reason"))}: ${String(at(event, "message"))}`)
  )
]

const secret = (data: Record<string, string> = { p: "dg==" }) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "nowhere" },
  data
})
const configMap = (data: Record<string, string> = { p: "v" }) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "nowhere" },
  data
})

const volume = (source: object) => ({ containers: [mounting], volumes: [{ name: "key", ...source }] })
const inProjection = (...sources: ReadonlyArray<object>) => volume({ projected: { sources } })
const setUp = 'FailedMount: MountVolume.SetUp failed for volume "key" :'

describe("what a pod's volumes refer to, in the sandbox", () => {
  it.effect.each([
    ["a Secret", volume({ secret: { secretName: "nowhere" } }), 'secret "nowhere" not found'],
    ["a ConfigMap", volume({ configMap: { name: "nowhere" } }), 'configmap "nowhere" not found'],
    ["a Secret in a projection", inProjection({ secret: { name: "nowhere" } }), 'secret "nowhere" not found'],
    [
      "both of a projection",
      inProjection({ secret: { name: "nowhere" } }, { configMap: { name: "nowhere" } }),
      '[secret "nowhere" not found, configmap "nowhere" not found]'
    ]
  ] as const)("%s: nothing starts before it is there, and then by itself", ([, spec, why]) =>
    Effect.gen(function* () {
      const sandbox = yield* podWith(spec)
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(waitsFor(sandbox), ["ContainerCreating"])
      assert.deepStrictEqual(told(sandbox), [`${setUp} ${why}`])
      assert.strictEqual(podOf(sandbox).status.phase, "Pending")
      sandbox.create(secret())
      sandbox.create(configMap())
      yield* TestClock.adjust("130 seconds")
      assert.isTrue(isReady(sandbox))
    })
  )

  it.effect.each([
    [
      volume({ secret: { secretName: "nowhere", items: [{ key: "q", path: "q" }] } }),
      "references non-existent secret key: q"
    ],
    [
      volume({ configMap: { name: "nowhere", items: [{ key: "q", path: "q" }] } }),
      "configmap references non-existent config key: q"
    ]
  ] as const)("a key that lacks: nothing starts (%#)", ([spec, why]) =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(secret())
      sandbox.create(configMap())
      sandbox.create({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([waitsFor(sandbox), told(sandbox)], [["ContainerCreating"], [`${setUp} ${why}`]])
    })
  )

  it.effect.each([
    ["is optional", volume({ secret: { secretName: "nowhere", optional: true } })],
    [
      "is mounted by no container",
      { containers: [main], volumes: [{ name: "key", secret: { secretName: "nowhere" } }] }
    ],
    ["is what images are pulled with", { containers: [main], imagePullSecrets: [{ name: "nowhere" }] }]
  ] as const)("a Secret that %s keeps nothing from starting", ([, spec]) =>
    Effect.gen(function* () {
      const sandbox = yield* podWith(spec)
      assert.deepStrictEqual([isReady(sandbox), told(sandbox)], [true, []])
    })
  )

  it.effect("are mounted anew after a power cut, and so have to be there", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(secret())
      sandbox.create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "p" },
        spec: volume({ secret: { secretName: "nowhere" } })
      })
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(isReady(sandbox))
      sandbox.registry.remove(secrets, "default", "nowhere")
      yield* TestClock.adjust("1 minute")
      assert.isTrue(isReady(sandbox), "what runs goes on with what it has")
      const node = podOf(sandbox).spec.nodeName ?? ""
      sandbox.loseNode(node, "power")
      yield* TestClock.adjust("10 seconds")
      sandbox.findNode(node)
      yield* TestClock.adjust("10 seconds")
      assert.isFalse(isReady(sandbox))
      assert.deepStrictEqual(told(sandbox), [`${setUp} secret "nowhere" not found`])
    })
  )

  it.effect("a pod that waits for one can be deleted", () =>
    Effect.gen(function* () {
      const sandbox = yield* podWith(volume({ secret: { secretName: "nowhere" } }))
      sandbox.registry.remove(pods, "default", "p")
      yield* TestClock.adjust("1 second")
      assert.isUndefined(sandbox.store.get(pods, "default", "p"))
    })
  )
})

const env = (valueFrom: object) => ({ containers: [{ ...main, env: [{ name: "P", valueFrom }] }] })
const envFrom = (source: object) => ({ containers: [{ ...main, envFrom: [source] }] })
const secretKey = { secretKeyRef: { name: "nowhere", key: "p" } }
const configKey = { configMapKeyRef: { name: "nowhere", key: "p" } }

describe("what a container's environment refers to, in the sandbox", () => {
  it.effect.each([
    [env(secretKey), 'secret "nowhere" not found'],
    [env(configKey), 'configmap "nowhere" not found'],
    [envFrom({ secretRef: { name: "nowhere" } }), 'secret "nowhere" not found'],
    [envFrom({ configMapRef: { name: "nowhere" } }), 'configmap "nowhere" not found']
  ] as const)("keeps it from starting until it is there (%#)", ([spec, why]) =>
    Effect.gen(function* () {
      const sandbox = yield* podWith(spec)
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(waitsFor(sandbox), [`CreateContainerConfigError: ${why}`])
      assert.deepStrictEqual(told(sandbox), [`Failed: Error: ${why}`])
      assert.strictEqual(podOf(sandbox).status.phase, "Pending")
      sandbox.create(secret())
      sandbox.create(configMap())
      yield* TestClock.adjust("15 seconds")
      assert.isTrue(isReady(sandbox))
    })
  )

  it.effect.each([
    [env(secretKey), "couldn't find key p in Secret default/nowhere"],
    [env(configKey), "couldn't find key p in ConfigMap default/nowhere"]
  ] as const)("a key that lacks keeps it as well (%#)", ([spec, why]) =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(secret({ other: "dg==" }))
      sandbox.create(configMap({ other: "v" }))
      sandbox.create({ apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec })
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(waitsFor(sandbox), [`CreateContainerConfigError: ${why}`])
    })
  )

  it.effect("is not asked for where it is optional", () =>
    Effect.gen(function* () {
      const sandbox = yield* podWith(env({ secretKeyRef: { name: "nowhere", key: "p", optional: true } }))
      assert.isTrue(isReady(sandbox))
    })
  )

  it.effect("of an init container keeps the others waiting, and of one container that one alone", () =>
    Effect.gen(function* () {
      const first = { ...main, name: "first", env: [{ name: "P", valueFrom: secretKey }] }
      const sandbox = yield* podWith({ initContainers: [first], containers: [main] })
      const why = 'CreateContainerConfigError: secret "nowhere" not found'
      assert.deepStrictEqual(waitsFor(sandbox, "initContainerStatuses"), [why])
      assert.deepStrictEqual(waitsFor(sandbox), ["PodInitializing"])
      const beside = yield* podWith({ containers: [first, { ...main, name: "other" }] })
      assert.deepStrictEqual(waitsFor(beside), [why, undefined])
      assert.strictEqual(podOf(beside).status.phase, "Pending")
    })
  )
})

describe("a ServiceAccount that is gone, in the sandbox", () => {
  const gone = (name: string) =>
    `pods "${name}" is forbidden: error looking up service account default/runner: serviceaccount "runner" not found`
  const template = {
    metadata: { labels: { app: "db" } },
    spec: { serviceAccountName: "runner", containers: [main] }
  }
  const runner = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "runner" } }

  it.effect("keeps a StatefulSet's next pod from being created, and those that are there run on", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create(runner)
      sandbox.create(statefulSet("db", { replicas: 1, template }))
      yield* TestClock.adjust("10 seconds")
      sandbox.registry.remove(serviceaccounts, "default", "runner")
      sandbox.registry.remove(pods, "default", "db-0")
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(sandbox.store.get(pods, "default", "db-0"))
      assert.deepStrictEqual(told(sandbox, "db"), [
        `FailedCreate: Create Pod db-0 in StatefulSet db failed error: ${gone("db-0")}`
      ])
      sandbox.create(runner)
      yield* TestClock.adjust("1 minute")
      assert.isDefined(sandbox.store.get(pods, "default", "db-0"))
    })
  )

  it.effect("is told of a Deployment by its ReplicaSet: event and condition, until it is there", () =>
    Effect.gen(function* () {
      const sandbox = yield* make()
      sandbox.create({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: { replicas: 1, selector: { matchLabels: { app: "db" } }, template }
      })
      yield* TestClock.adjust("10 seconds")
      const set = () => sandbox.store.list(replicasets, "default")[0] ?? assert.fail("no ReplicaSet")
      const [said] = told(sandbox, set().metadata.name)
      assert.match(said ?? "", /^FailedCreate: Error creating: pods "web-\w+-" is forbidden: .* not found$/)
      const failures = () => (set().status.conditions ?? []).map(({ type, reason }) => `${type} ${reason}`)
      assert.deepStrictEqual(failures(), ["ReplicaFailure FailedCreate"])
      sandbox.create(runner)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([failures(), set().status.readyReplicas], [[], 1])
    })
  )
})
