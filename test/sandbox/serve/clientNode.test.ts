import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  NetworkingV1Api,
  V1NetworkPolicy,
  V1Pod,
  V1StatefulSet
} from "@kubernetes/client-node"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { statefulSet } from "../../../packages/sdk/src/App.ts"
import { ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import { layer } from "../../../packages/sdk/src/kubernetes/index.ts"
import { connect } from "../../../packages/sdk/src/promise.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { read } from "../../../packages/sdk/src/State.ts"
import { kubeconfig } from "../../../packages/sandbox/src/serve/Kubeconfig.ts"
import { type Up, up } from "./served.ts"

const labels = { app: "web" }
const web: V1StatefulSet = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "web", namespace: "shop" },
  spec: {
    replicas: 1,
    serviceName: "web",
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "web" }] } }
  }
}

/** A KubeConfig as their documentation has it. */
const configOf = (server: Up): Effect.Effect<KubeConfig> =>
  Effect.map(kubeconfig(server.served, "shop"), (text) => {
    const config = new KubeConfig()
    config.loadFromString(text)
    return config
  })

const started = Effect.gen(function* () {
  const server = yield* up({ startMillis: 0 })
  const config = yield* configOf(server)
  yield* Effect.promise(() =>
    config.makeApiClient(AppsV1Api).createNamespacedStatefulSet({ namespace: "shop", body: web })
  )
  return { server, config }
})

describe("a program with @kubernetes/client-node", () => {
  it.live("reads and scales by its KubeConfig, with and without Effect", () =>
    Effect.gen(function* () {
      const { config } = yield* started
      const ref = statefulSet("shop", "web")
      const { replicas } = yield* Effect.provide(read(ref), layer({ kubeConfig: config }))
      assert.deepEqual(
        replicas.map(({ name }) => name),
        ["web-0"]
      )
      yield* Effect.promise(async () => {
        await using connection = connect({ kubeConfig: config })
        const { outcome } = await connection.scale(ref, { replicas: 2, identity: "ann" })
        assert.strictEqual(outcome, "Succeeded")
      })
      const found = yield* Effect.promise(() =>
        config.makeApiClient(AppsV1Api).readNamespacedStatefulSet({ namespace: "shop", name: "web" })
      )
      assert.strictEqual(found.spec?.replicas, 2)
    }).pipe(Effect.scoped)
  )

  it.live("is known by an authenticator of its own, which is asked as often as it wants to be", () =>
    Effect.gen(function* () {
      const { server, config } = yield* started
      const [{ token }] = server.served.logins
      let asked = 0
      config.users = [{ name: "own", authProvider: { name: "own" } }]
      config.contexts = config.contexts.map((one) => ({ ...one, user: "own" }))
      config.addAuthenticator({
        isAuthProvider: ({ authProvider }) => authProvider?.name === "own",
        applyAuthentication: async (_, options) => {
          asked++
          Object.assign(options.headers ?? {}, { Authorization: `Bearer ${token}` })
        }
      })
      const { replicas } = yield* Effect.provide(
        read(statefulSet("shop", "web")),
        layer({ kubeConfig: config })
      )
      assert.lengthOf(replicas, 1)
      assert.isAbove(asked, 1)
    }).pipe(Effect.scoped)
  )

  it.live("hears of an authenticator that fails, and not what it said: that may be a secret", () =>
    Effect.gen(function* () {
      const { config } = yield* started
      config.users = [{ name: "own", authProvider: { name: "own" } }]
      config.contexts = config.contexts.map((one) => ({ ...one, user: "own" }))
      config.addAuthenticator({
        isAuthProvider: () => true,
        applyAuthentication: () => Promise.reject(new Error("password hunter2 refused"))
      })
      const asking = Resource.get(kinds.namespaces, { name: "shop" })
      const error = yield* Effect.flip(Effect.provide(asking, layer({ kubeConfig: config })))
      assert.instanceOf(error, ClusterError)
      assert.strictEqual(error.reason._tag, "Config")
      assert.notInclude(`${error.message} ${error.action}`, "hunter2")
    }).pipe(Effect.scoped)
  )

  it.live("has its context chosen by name, as a kubeconfig's is", () =>
    Effect.gen(function* () {
      const { config } = yield* started
      const error = yield* Effect.flip(
        Effect.provide(read(statefulSet("shop", "web")), layer({ kubeConfig: config, context: "nowhere" }))
      )
      assert.include(error.message, 'context "nowhere" does not exist')
    }).pipe(Effect.scoped)
  )

  it.live("gives its models where objects are taken: dates, undefined fields and renamed ones", () =>
    Effect.gen(function* () {
      const { config } = yield* started
      const live = layer({ kubeConfig: config })

      // What they have read, we can read.
      const set = yield* Effect.promise(() =>
        config.makeApiClient(AppsV1Api).readNamespacedStatefulSet({ namespace: "shop", name: "web" })
      )
      assert.instanceOf(set, V1StatefulSet)
      assert.instanceOf(set.metadata?.creationTimestamp, Date)
      const accepted = kinds.statefulsets.accept(set)
      assert.isTrue(Result.isSuccess(accepted))
      assert.match(String(Result.getOrThrow(accepted).metadata.creationTimestamp), /^\d{4}-.*:\d\dZ$/)
      assert.strictEqual(
        (yield* Effect.provide(Scale.prepare(statefulSet(set), { replicas: 3 }), live)).app._tag,
        "StatefulSet"
      )

      // What they have made, we can write.
      const pod = Object.assign(new V1Pod(), {
        metadata: { name: "one", namespace: "shop", labels: undefined, creationTimestamp: new Date(0) },
        spec: { containers: [{ name: "a", image: "a" }] }
      })
      yield* Effect.provide(Resource.create({ api: kinds.pods, namespace: "shop" }, pod), live)
      const read = yield* Effect.promise(() =>
        config.makeApiClient(CoreV1Api).readNamespacedPod({ namespace: "shop", name: "one" })
      )
      assert.strictEqual(read.spec?.containers[0]?.image, "a")

      const api = config.makeApiClient(NetworkingV1Api)
      const made = yield* Effect.promise(() =>
        api.createNamespacedNetworkPolicy({
          namespace: "shop",
          body: {
            metadata: { name: "closed" },
            spec: { podSelector: {}, ingress: [{ _from: [{ podSelector: {} }] }] }
          }
        })
      )
      assert.instanceOf(made, V1NetworkPolicy)
      const copy = { api: Resource.networkPolicies, namespace: "shop", name: "closed" }
      yield* Effect.provide(Resource.replace(copy, made), live)
      const after = yield* Effect.promise(() =>
        api.readNamespacedNetworkPolicy({ namespace: "shop", name: "closed" })
      )
      assert.deepEqual(after.spec, made.spec)
    }).pipe(Effect.scoped)
  )

  it("has no application in an object without a name", () => {
    assert.throws(() => statefulSet(new V1StatefulSet()), "metadata.name")
  })
})
