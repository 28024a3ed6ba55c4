import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect as connectTo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { make, type Sandbox, start } from "../../packages/sandbox/src/promise.ts"
import { connect, statefulSet } from "../../packages/sdk/src/promise.ts"

const labels = { app: "db" }
const db = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: "default" },
  spec: {
    replicas: 2,
    serviceName: "db",
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "db" }] } }
  }
}
const ref = statefulSet("default", "db")

const failureOf = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail("nothing was thrown")
}
const thrownBy = (act: () => unknown) => failureOf(Promise.resolve().then(act))

/** Of the pods, once both are there. */
const uids = async (sandbox: Sandbox): Promise<ReadonlyArray<string>> => {
  for await (const { replicas } of sandbox.connect().watch(ref)) {
    const found = replicas.flatMap(({ pod }) => (pod === null ? [] : [pod.uid]))
    if (found.length === 2) return found
  }
  return assert.fail("the watch has ended")
}

describe("a sandbox for programs without Effect", () => {
  it("is read with the SDK's verbs, and closes with all of its connections", async () => {
    const sandbox = await make({ startMillis: 0 })
    sandbox.create(db)
    const connection = sandbox.connect()
    const { replicas } = await connection.read(ref)
    assert.deepEqual(
      replicas.map(({ name }) => name),
      ["db-0", "db-1"]
    )
    await sandbox.close()
    const closed = { _tag: "ClusterError", reason: { _tag: "Closed" } }
    assert.deepInclude(await failureOf(connection.read(ref)), closed)
    assert.deepInclude(await thrownBy(() => sandbox.connect()), closed)
    assert.deepInclude(await failureOf(sandbox.serve()), closed)
    await sandbox.close()
  })

  it("throws the SDK's errors, as a live cluster's", async () => {
    await using sandbox = await make({ bare: true })
    sandbox.create(db)
    assert.deepInclude(await thrownBy(() => sandbox.create(db)), {
      _tag: "ClusterError",
      reason: { _tag: "AlreadyExists" },
      message: 'statefulsets.apps "db" already exists'
    })
  })

  it("puts faults between itself and one connection, and no other", async () => {
    await using sandbox = await make({ bare: true })
    sandbox.create(db)
    const { connection, record } = sandbox.inject(() => ({ _tag: "Kill", applied: false }))
    // The caller's death: its Promise ends as an interrupted one does.
    const dead = await failureOf(connection.operations({ namespace: "default" }))
    assert.match(String(dead), /interrupted/)
    assert.equal(record.replay(), "1 Kill before")
    assert.deepEqual((await sandbox.connect().operations({ namespace: "default" })).entries, [])
  })

  it("refuses a user what its rules do not allow", async () => {
    await using sandbox = await make({ bare: true })
    const allow = [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }]
    const connection = sandbox.connect({ name: "ann", allow })
    assert.deepInclude(await failureOf(connection.operations({ namespace: "default" })), {
      reason: { _tag: "Forbidden" }
    })
  })

  it("is the same again from the same seed, and another from another", async () => {
    const [one, same, other] = await Promise.all(
      [7, 7, 8].map(async (seed) => {
        await using sandbox = await make({ startMillis: 0, seed })
        sandbox.create(db)
        return await uids(sandbox)
      })
    )
    assert.deepEqual(same, one)
    assert.notDeepEqual(other, one)
  })

  it("is served to who has its kubeconfig, and to nobody once it is closed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sandbox-promise-"))
    try {
      const kubeconfig = join(folder, "config")
      const sandbox = await start("ledger")
      const served = await sandbox.serve()
      await writeFile(kubeconfig, served.kubeconfig, { mode: 0o600 })
      await using connection = connect({ kubeconfig })
      const ledger = statefulSet("shop", "ledger")
      assert.lengthOf((await connection.read(ledger)).replicas, 3)
      await sandbox.close()
      const socket = connectTo({ host: "127.0.0.1", port: Number(new URL(served.url).port) })
      assert.deepInclude(await failureOf(once(socket, "connect")), { code: "ECONNREFUSED" })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
