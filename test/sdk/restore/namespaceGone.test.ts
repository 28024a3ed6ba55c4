import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import * as RestoreClone from "../../../packages/sdk/src/RestoreClone.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import {
  configmaps,
  namespaces,
  persistentvolumes,
  pods,
  secrets
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshotcontents } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { drive, type World, withCluster } from "../../simulation/world.ts"
import { ann, movesCount, neighbour, refusal } from "../scale/callers.ts"
import { whileDeleted } from "../snapshot/namespaceGone.ts"
import { elsewhere, namespaceNamed } from "./cloneWorld.ts"
import { snapshot, stateOf, withSnapshot } from "./world.ts"

const at =
  (verb: string, end: string, body = "") =>
  ({ method, path, body: sent = "" }: Request) =>
    method === verb && path.endsWith(end) && sent.includes(body)

/** What of the namespace keeps reclaim policy Retain, as it is named; those of the set itself were declared before. */
const assertDeclared = (world: World, namespace: string, action: string) => {
  for (const { metadata, spec } of world.sandbox.store.list(persistentvolumes))
    if (spec.claimRef?.namespace === namespace && spec.persistentVolumeReclaimPolicy === "Retain")
      assert.include(action, `persistentvolume ${metadata.name}`)
  for (const { metadata, spec } of world.sandbox.store.list(volumesnapshotcontents))
    if (spec.volumeSnapshotRef.namespace === namespace && namespace !== "shop")
      assert.include(action, `volumesnapshotcontent ${metadata.name}`)
}

describe("a restore whose namespace is deleted meanwhile ends with that, and names what is kept,", () => {
  for (const [when, is] of [
    ["while its claims are filled", at("POST", "/pods", "-prove-")],
    ["while its volumes are moved", at("POST", "/persistentvolumeclaims", '"name":"data-db-1-')],
    ["while they get their places", at("POST", "/persistentvolumeclaims", '"name":"data-db-1"')]
  ] as const)
    it.effect(when, () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot()
        const run = Restore.restore(snapshot, { identity: ann })
        const { action } = yield* whileDeleted(world, "shop", is, run)
        assertDeclared(world, "shop", action)
      })
    )
})

describe("a copy into a namespace that is deleted meanwhile ends with that, and names what is kept,", () => {
  for (const [when, is] of [
    ["before a cut is there", at("POST", `/${elsewhere}/volumesnapshots`)],
    ["before it is started", at("PATCH", `/${elsewhere}/statefulsets/db`, '"/spec/replicas"')]
  ] as const)
    it.effect(when, () =>
      Effect.gen(function* () {
        const world = yield* withSnapshot()
        yield* namespaceNamed(world, elsewhere)
        const run = RestoreClone.clone(snapshot, { toNamespace: elsewhere, identity: ann })
        const { action } = yield* whileDeleted(world, elsewhere, is, run)
        assertDeclared(world, elsewhere, action)
        assert.strictEqual(stateOf(world), "after")
        const own = world.sandbox.store.list(pods, "shop").map(({ metadata }) => metadata.name)
        assert.deepEqual(own.toSorted(), ["db-0", "db-1", "db-2"])
      })
    )
})

describe("an operation whose namespace is deleted and recreated meanwhile", () => {
  it.effect("touches nothing in the new one, sends nobody to its journal, and names what is kept", () =>
    Effect.gen(function* () {
      const world = yield* withSnapshot()
      const { registry, store } = world.sandbox
      const remake = Effect.gen(function* () {
        const { kind, apiVersion, spec } = store.get(statefulsets, "shop", "db") ?? assert.fail("no set")
        registry.remove(namespaces, undefined, "shop", {})
        // Sooner than the next renewal of a Lease, which would notice it.
        yield* Effect.sleep("1 second")
        world.sandbox.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } })
        yield* Effect.sleep("200 millis")
        world.sandbox.create({
          apiVersion,
          kind,
          metadata: { name: "db", namespace: "shop" },
          spec: { ...spec, replicas: 3 }
        })
        yield* Effect.sleep("2 seconds")
      })
      const run = withCluster(neighbour(world, movesCount, remake))(
        Restore.restore(snapshot, { identity: ann })
      )
      const { reason, message, action = "" } = yield* refusal(drive(run))
      assert.strictEqual(reason._tag, "NotFound", message)
      assert.match(message, /the journal of operation [0-9a-f]{8} and all that it owned are gone/)
      assert.notMatch(action, /resume|abort/)
      const volumes = store.list(persistentvolumes)
      const kept = volumes.filter(({ spec }) => spec.persistentVolumeReclaimPolicy === "Retain")
      assert.lengthOf(kept, 6)
      for (const { metadata } of kept) assert.include(action, `persistentvolume ${metadata.name}`)
      assert.lengthOf(volumes, 9)
      const set = store.get(statefulsets, "shop", "db")
      assert.strictEqual(set?.spec.replicas, 3)
      assert.notInclude(JSON.stringify(set), "kubectl-stateful.dev")
      const left = [...store.list(configmaps, "shop"), ...store.list(secrets, "shop")]
      assert.notInclude(JSON.stringify(left), "kubectl-stateful")
    })
  )
})
