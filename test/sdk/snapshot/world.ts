/** What the tests of snapshots share: a world whose storage can snapshot, and what is left of a set. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { statefulSet } from "../../../packages/sdk/src/App.ts"
import type { KubeObject } from "../../../packages/sandbox/src/apimachinery/KubeObject.ts"
import { driver } from "../../../packages/sandbox/src/node/Nodes.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import {
  configmaps,
  persistentvolumeclaims,
  secrets
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import {
  volumegroupsnapshotcontents,
  volumegroupsnapshots,
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import type { ResourceType } from "../../../packages/sandbox/src/apimachinery/ResourceType.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive, makeWorld, type World, type WorldOptions, withCluster } from "../../simulation/world.ts"
import { ann, on } from "../scale/callers.ts"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"

export const app = statefulSet("shop", "db")

/** A fixed part of all points; `SNAPSHOT_EVERY=1` takes each of them (`npm run prove -- snapshot`). */
export const every = Number(process.env["SNAPSHOT_EVERY"] ?? 47)

/** Of a Secret that the application uses, as the API has it. */
export const password = "cGFzc3dvcmQtbm9ib2R5LXNlZXM="

export const withStorage = (options: Partial<WorldOptions> = {}) =>
  Effect.gen(function* () {
    const world = yield* makeWorld({ replicas: 3, readyAfter: 100, ...options })
    const secret = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "pass", namespace: "shop" },
      data: { password }
    }
    world.sandbox.create(secret)
    return world
  })

export const take = (world: World, options: Partial<Snapshot.SnapshotOptions> = {}) =>
  drive(on(world)(Snapshot.take(app, { name: "nightly", identity: ann, ...options })))

/** A class of the sandbox's own driver, whose parameters say how its cuts go. */
export const classes = (world: World, name: string, parameters: object) => {
  const draft = {
    apiVersion: "snapshot.storage.k8s.io/v1",
    kind: "VolumeSnapshotClass",
    metadata: { name },
    driver,
    deletionPolicy: "Delete",
    parameters
  }
  world.sandbox.create(draft)
}

export const names = <A extends KubeObject>(world: World, type: ResourceType<A>) =>
  world.sandbox.store.list(type, "shop").map(({ metadata }) => metadata.name)

export const contents = (world: World) => [
  ...world.sandbox.store.list(volumesnapshotcontents),
  ...world.sandbox.store.list(volumegroupsnapshotcontents)
]

export const policies = (world: World) => [...new Set(contents(world).map(({ spec }) => spec.deletionPolicy))]

export const replicasOf = (world: World) => world.sandbox.store.get(statefulsets, "shop", "db")?.spec.replicas

/** Nothing of an operation is left: no snapshot, no content, no record, no token, no label. */
export const assertNothingLeft = (world: World) => {
  assert.deepEqual(names(world, volumesnapshots), [])
  assert.deepEqual(names(world, volumegroupsnapshots), [])
  assert.deepEqual(contents(world), [])
  assert.notInclude(JSON.stringify(world.sandbox.store.list(secrets, "shop")), "snapshot.v1")
  const records = names(world, configmaps).filter((name) => name.startsWith("kubectl-stateful.snapshot."))
  assert.deepEqual(records, [])
  const set = world.sandbox.store.get(statefulsets, "shop", "db")
  assert.notInclude(JSON.stringify(set?.metadata.annotations ?? {}), "kubectl-stateful.dev/operation")
  const claims = world.sandbox.store.list(persistentvolumeclaims, "shop")
  assert.notInclude(JSON.stringify(claims), "cut-with")
}

/** Whoever sends such a request dies of it, and it never arrives. */
export const dying = (world: World, is: (request: Request) => boolean) => {
  const inner = world.sandbox.cluster
  const request: typeof inner.request = (asked) => (is(asked) ? Effect.die("killed") : inner.request(asked))
  return withCluster({ ...inner, request })
}
