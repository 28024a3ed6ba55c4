import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { assert, describe, it } from "vitest"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import { over, statefulSet } from "../../packages/sdk/src/promise.ts"
import * as Sandbox from "../../packages/sdk/src/sandbox/Sandbox.ts"

const labels = { app: "db" }
const db = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: "default" },
  spec: {
    replicas: 3,
    serviceName: "db",
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "db" }] } }
  }
}

/** A small cluster with one StatefulSet. */
const withDb = Layer.effect(
  Cluster,
  Effect.map(Sandbox.make(), (sandbox) => {
    sandbox.create(db)
    return sandbox.cluster
  })
)

describe("a connection for programs without Effect", () => {
  it("reads an application's state as a Promise", async () => {
    await using cluster = over(withDb)
    const state = await cluster.read(statefulSet("default", "db"))
    assert.deepEqual(
      state.replicas.map(({ name }) => name),
      ["db-0", "db-1", "db-2"]
    )
  })

  it("lists operations, and rejects where there is none to take up", async () => {
    await using cluster = over(withDb)
    assert.deepEqual(await cluster.operations({ namespace: "default" }), [])
    const missing = { namespace: "default", id: "44b98c3f" }
    for (const takeUp of [cluster.resume, cluster.abort]) {
      const failure = await takeUp(missing, { identity: "ann@laptop" }).catch((error: unknown) => error)
      assert.deepInclude(failure, { _tag: "OperationError" })
    }
  })

  it("rejects with the verb's own tagged error", async () => {
    await using cluster = over(withDb)
    const failure = await cluster.read(statefulSet("default", "bd")).catch((error: unknown) => error)
    assert.deepInclude(failure, { _tag: "AppNotFound" })
  })

  it("reads every StatefulSet of the cluster", async () => {
    await using cluster = over(withDb)
    const states = await cluster.readAll({ namespace: null })
    assert.deepEqual(
      states.map(({ name }) => name),
      ["db"]
    )
  })

  it("gives the state at once when it is watched, and lets go when the loop is left", async () => {
    await using cluster = over(withDb)
    for await (const state of cluster.watch(statefulSet("default", "db"))) {
      assert.equal(state.name, "db")
      break
    }
  })

  it("ends what an AbortSignal asks it to end", async () => {
    await using cluster = over(withDb)
    const stop = AbortSignal.abort()
    const ended = await cluster.run(Effect.never, { signal: stop }).then(
      () => "resolved",
      () => "rejected"
    )
    assert.equal(ended, "rejected")
  })
})
