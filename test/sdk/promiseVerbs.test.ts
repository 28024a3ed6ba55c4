import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { hostname } from "node:os"
import { assert, describe, it } from "vitest"
import { start } from "../../packages/sandbox/src/promise.ts"
import { Cluster } from "../../packages/sdk/src/Cluster.ts"
import * as Sandbox from "../../packages/sandbox/src/Sandbox.ts"
import * as Sdk from "../../packages/sdk/src/index.ts"
import {
  command,
  connect,
  type Connection,
  hook,
  hooks,
  OperationError,
  connectTo,
  type Plans,
  type Progress,
  restoring,
  seed,
  statefulSet
} from "../../packages/sdk/src/promise.ts"
import * as Scale from "../../packages/sdk/src/Scale.ts"

const ledger = statefulSet("shop", "ledger")

/** Everything that a program can ask for, by name: one that is left out is a fault of the compiler's. */
const verbs: Readonly<Record<Exclude<keyof Connection, "plan" | typeof Symbol.asyncDispose>, true>> = {
  abort: true,
  close: true,
  describeSnapshot: true,
  diffSnapshots: true,
  drill: true,
  dryRun: true,
  execute: true,
  exportSnapshot: true,
  findOperation: true,
  importSnapshot: true,
  operations: true,
  peers: true,
  pruneSnapshot: true,
  read: true,
  readAll: true,
  release: true,
  restore: true,
  restoreAs: true,
  restoreFromVolumeSnapshots: true,
  resume: true,
  router: true,
  run: true,
  scale: true,
  scaleAll: true,
  snapshot: true,
  snapshots: true,
  thaw: true,
  undoRestore: true,
  watch: true,
  watchAll: true,
  watchPeers: true
}

/** Each verb that changes something has a plan of the same name; of several sets each has its own. */
const planned: Readonly<Record<keyof Plans, true>> = {
  importSnapshot: true,
  pruneSnapshot: true,
  release: true,
  restore: true,
  restoreAs: true,
  restoreFromVolumeSnapshots: true,
  scale: true,
  snapshot: true,
  undoRestore: true
}

const rejected = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  return assert.fail("it did not reject")
}

describe("a program that knows no Effect", () => {
  it("has every verb, and the plan of each that changes something", async () => {
    const layer = Layer.effect(
      Cluster,
      Effect.map(Sandbox.make(), ({ cluster }) => cluster)
    )
    await using cluster = connectTo(layer)
    assert.deepEqual(Object.keys(cluster).toSorted(), [...Object.keys(verbs), "plan"].toSorted())
    assert.deepEqual(Object.keys(cluster.plan).toSorted(), Object.keys(planned).toSorted())
    for (const name of Object.keys(planned)) assert.property(cluster, name)
  })

  it("plans, tries and runs, with asynchronous hooks, and hears of each event", async () => {
    await using sandbox = await start("ledger")
    const cluster = sandbox.connect()
    const log: Array<string> = []
    const events: Array<Progress["_tag"]> = []
    const profile = {
      afterAdd: hook("1", async ({ pod }, signal) => {
        assert.isFalse(signal.aborted)
        log.push(`hello ${pod}`)
      })
    }
    const plan = await cluster.plan.scale(ledger, { replicas: 4, profile })
    assert.include(plan.effects[0], "ledger 3 -> 4")
    const tried = await cluster.dryRun(plan, "server")
    assert.deepEqual(tried.refusals, [])
    const { id, outcome } = await cluster.execute(plan, {
      profile,
      report: ({ _tag }) => {
        events.push(_tag)
        throw new Error("whoever watches stops nothing")
      }
    })
    assert.strictEqual(outcome, "Succeeded")
    assert.strictEqual(id, plan.id)
    assert.deepEqual(log, ["hello ledger-3"])
    assert.includeMembers(events, ["Started", "Step", "Stage", "Ended"])
  })

  it("learns which operation an error has left, and takes it up by that", async () => {
    await using sandbox = await start("ledger")
    const cluster = sandbox.connect()
    const profile = {
      afterAdd: hook("1", async () => {
        throw Object.assign(new Error("no"), { exitCode: 3 })
      })
    }
    const error = await rejected(cluster.scale(ledger, { replicas: 4, profile }))
    if (!(error instanceof OperationError)) return assert.fail(String(error))
    assert.strictEqual(error.reason._tag, "HookFailed")
    const at = error.operation ?? assert.fail("no operation is named")
    assert.deepEqual(await cluster.findOperation({ namespace: "shop" }), {
      ...at,
      verb: "scale",
      name: "ledger",
      phase: "Stopped"
    })
    const { outcome } = await cluster.abort(at, { profile })
    assert.strictEqual(outcome, "Aborted")
  })

  it("need not say who it is: on a live cluster it is its user, on its machine", async () => {
    await using sandbox = await start("ledger")
    const { kubeconfig } = await sandbox.serve()
    const { KubeConfig } = await import("@kubernetes/client-node")
    const kubeConfig = new KubeConfig()
    kubeConfig.loadFromString(kubeconfig)
    await using cluster = connect({ kubeConfig })
    await cluster.scale(ledger, { replicas: 2 })
    const { entries } = await cluster.operations({ namespace: "shop" })
    assert.include(entries[0]?.status.holder, hostname())
  })

  it("has each section of a profile by its name", () => {
    assert.property(hooks("etcd"), "beforeRemove")
    assert.strictEqual(seed("etcd").profile, "etcd")
    assert.isObject(restoring("etcd"))
    assert.throws(() => hooks("oracle"), "no built-in profile oracle")
    assert.strictEqual(command(["true"])._tag, "Command")
  })

  it("has a reference that every verb takes", () => {
    // Each is lazy: it is the compiler that says whether it fits.
    for (const effect of [Scale.scale(ledger), Sdk.Scale.prepare(ledger), Sdk.Snapshot.take(ledger)]) {
      assert.isTrue(Effect.isEffect(effect))
    }
  })
})
