import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { isObject } from "../../packages/sandbox/src/apimachinery/Json.ts"
import type { Program } from "../../packages/sandbox/src/node/Program.ts"
import { deployments, replicasets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make, type Shape } from "../../packages/sandbox/src/Sandbox.ts"
import { bare } from "./asking.ts"

const template = (image: string) => ({
  metadata: { labels: { app: "web" } },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: "main", image }] }
})

const deployment = (spec: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: { replicas: 4, selector: { matchLabels: { app: "web" } }, template: template("web:1"), ...spec }
})

/** Containers of image `bad` never get ready. */
const program: Program = { isReady: (host) => host.container.image !== "bad:1" }

const running = (spec: object = {}) =>
  Effect.gen(function* () {
    const sandbox = yield* make({ programs: () => program })
    sandbox.create(deployment(spec))
    yield* TestClock.adjust("10 seconds")
    return sandbox
  })

const change = (sandbox: Shape, spec: object) =>
  sandbox.registry.update(deployments, "default", "web", (current) => ({
    ...current,
    spec: { ...(isObject(current.spec) ? current.spec : {}), ...spec }
  }))

const webOf = (sandbox: Shape) => sandbox.registry.find(deployments, "default", "web")
const sets = (sandbox: Shape) =>
  sandbox.store
    .list(replicasets, "default")
    .map(
      ({ metadata, spec }) =>
        `${metadata.annotations?.["deployment.kubernetes.io/revision"]}: ${spec.replicas} of ${spec.template.spec.containers[0]?.image}`
    )
    .toSorted()
const conditionOf = (sandbox: Shape, type: string) => {
  const found = webOf(sandbox).status.conditions?.find((each) => each.type === type)
  return `${found?.status} ${found?.reason}`
}

describe("a Deployment in the sandbox", () => {
  it.effect("keeps its pods by a ReplicaSet whose name and labels tell the template", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      const [set] = sandbox.store.list(replicasets, "default")
      const hash = set?.metadata.labels?.["pod-template-hash"] ?? ""
      assert.strictEqual(set?.metadata.name, `web-${hash}`)
      assert.strictEqual(set?.spec.selector.matchLabels?.["pod-template-hash"], hash)
      const found = sandbox.store.list(pods, "default")
      assert.lengthOf(found, 4)
      for (const pod of found) {
        assert.match(pod.metadata.name, new RegExp(`^web-${hash}-[a-z0-9]{5}$`))
        assert.strictEqual(pod.metadata.ownerReferences?.[0]?.kind, "ReplicaSet")
      }
      const { conditions: _, ...status } = webOf(sandbox).status
      assert.deepStrictEqual<unknown>(status, {
        observedGeneration: 1,
        replicas: 4,
        updatedReplicas: 4,
        readyReplicas: 4,
        availableReplicas: 4,
        terminatingReplicas: 0
      })
      assert.strictEqual(conditionOf(sandbox, "Available"), "True MinimumReplicasAvailable")
      assert.strictEqual(conditionOf(sandbox, "Progressing"), "True NewReplicaSetAvailable")
    })
  )

  it.effect("rolls to a new template within its surge and its minimum", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      let most = 0
      let least = Number.POSITIVE_INFINITY
      sandbox.store.listen(({ type }) => {
        if (type !== pods && type !== replicasets) return
        // As with a real one the ReplicaSets act each for itself: what is asked of them adds up, always.
        const asked = sandbox.store.list(replicasets, "default").map(({ spec }) => spec.replicas)
        most = Math.max(
          most,
          asked.reduce((sum, each) => sum + each, 0)
        )
        const alive = sandbox.store
          .list(pods, "default")
          .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        least = Math.min(
          least,
          alive.filter(({ status }) =>
            status.conditions?.some((each) => each.type === "Ready" && each.status === "True")
          ).length
        )
      })
      change(sandbox, { template: template("web:2") })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(sets(sandbox), ["1: 0 of web:1", "2: 4 of web:2"])
      assert.strictEqual(webOf(sandbox).metadata.annotations?.["deployment.kubernetes.io/revision"], "2")
      assert.strictEqual(most, 5)
      assert.strictEqual(least, 3)
    })
  )

  it.effect("stands still before a bad template takes the minimum, and says so after its deadline", () =>
    Effect.gen(function* () {
      const sandbox = yield* running({ progressDeadlineSeconds: 60 })
      change(sandbox, { template: template("bad:1") })
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(sets(sandbox), ["1: 3 of web:1", "2: 2 of bad:1"])
      assert.strictEqual(conditionOf(sandbox, "Progressing"), "True ReplicaSetUpdated")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(conditionOf(sandbox, "Progressing"), "False ProgressDeadlineExceeded")
      assert.strictEqual(conditionOf(sandbox, "Available"), "True MinimumReplicasAvailable")
      change(sandbox, { template: template("web:1") })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(sets(sandbox), ["2: 0 of bad:1", "3: 4 of web:1"])
      assert.strictEqual(conditionOf(sandbox, "Progressing"), "True NewReplicaSetAvailable")
    })
  )

  it.effect("with Recreate ends all old pods before the first new one", () =>
    Effect.gen(function* () {
      const sandbox = yield* running({ strategy: { type: "Recreate" } })
      const images: Array<string> = []
      sandbox.store.listen(({ type }) => {
        if (type !== pods) return
        const found = sandbox.store.list(pods, "default").map(({ spec }) => spec.containers[0]?.image ?? "")
        images.push([...new Set(found)].join(" "))
      })
      change(sandbox, { template: template("web:2") })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([...new Set(images)], ["web:1", "", "web:2"])
    })
  )

  it.effect("scales, and lets the youngest go first", () =>
    Effect.gen(function* () {
      const sandbox = yield* running({ replicas: 2 })
      const first = sandbox.store.list(pods, "default").map(({ metadata }) => metadata.name)
      change(sandbox, { replicas: 5 })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(webOf(sandbox).status.availableReplicas, 5)
      change(sandbox, { replicas: 2 })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(
        sandbox.store.list(pods, "default").map(({ metadata }) => metadata.name),
        first
      )
    })
  )

  it.effect("that is paused is scaled and not rolled", () =>
    Effect.gen(function* () {
      const sandbox = yield* running({ replicas: 2 })
      change(sandbox, { paused: true, replicas: 3, template: template("web:2") })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(sets(sandbox), ["1: 3 of web:1"])
      change(sandbox, { paused: false })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(sets(sandbox), ["1: 0 of web:1", "2: 3 of web:2"])
    })
  )

  it.effect("keeps as many old ReplicaSets as its history's limit", () =>
    Effect.gen(function* () {
      const sandbox = yield* running({ replicas: 1, revisionHistoryLimit: 1 })
      for (const image of ["web:2", "web:3", "web:4"]) {
        change(sandbox, { template: template(image) })
        yield* TestClock.adjust("1 minute")
      }
      assert.deepStrictEqual(sets(sandbox), ["3: 0 of web:3", "4: 1 of web:4"])
    })
  )

  it.effect("takes its ReplicaSets and pods with it", () =>
    Effect.gen(function* () {
      const sandbox = yield* running()
      sandbox.registry.remove(deployments, "default", "web")
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(sandbox.store.list(replicasets), 0)
      assert.lengthOf(sandbox.store.list(pods, "default"), 0)
    })
  )

  it.effect("has the server's defaults, and is refused where it makes no sense", () =>
    Effect.gen(function* () {
      const { ask } = yield* bare()
      const path = "/apis/apps/v1/namespaces/default/deployments"
      const made = ask("POST", path, deployment()).body
      const spec = isObject(made) && isObject(made["spec"]) ? made["spec"] : {}
      assert.deepStrictEqual(
        [spec["strategy"], spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]],
        [{ type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } }, 10, 600]
      )
      for (const wrong of [
        { selector: { matchLabels: { app: "other" } } },
        { strategy: { type: "Blue" } },
        { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
        { replicas: -1 }
      ]) {
        assert.strictEqual(ask("POST", path, { ...deployment(wrong), metadata: { name: "x" } }).status, 422)
      }
    })
  )
})
