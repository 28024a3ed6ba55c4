/** What the tests of restoring as another application share. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as RestoreClone from "../../../packages/sdk/src/RestoreClone.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import {
  configmaps,
  persistentvolumeclaims,
  persistentvolumes,
  pods,
  secrets,
  services
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import {
  volumesnapshotcontents,
  volumesnapshots
} from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import { standard } from "../../../packages/sandbox/src/registry/kinds/index.ts"
import { drive, type World } from "../../simulation/world.ts"
import { ann, on } from "../scale/callers.ts"
import { snapshot } from "./world.ts"

export { snapshot, stateOf, withSnapshot } from "./world.ts"

/** Another namespace. */
export const elsewhere = "rehearsal"

const policies = standard.find(({ kind }) => kind === "NetworkPolicy")

export const namespaceNamed = (world: World, name: string) =>
  on(world)(Resource.create({ api: kinds.namespaces }, { metadata: { name } }))

export const clone = (world: World, options: Partial<RestoreClone.CloneOptions> = {}) =>
  drive(on(world)(RestoreClone.clone(snapshot, { as: "copy", identity: ann, ...options })))

export const cloneInto = (world: World, options: Partial<RestoreClone.CloneOptions>) =>
  Effect.andThen(
    namespaceNamed(world, elsewhere),
    drive(on(world)(RestoreClone.clone(snapshot, { toNamespace: elsewhere, identity: ann, ...options })))
  )

/** What the volumes of a copy's members say, in their order. */
export const marks = (world: World, namespace: string, name: string): ReadonlyArray<string | null> =>
  world.sandbox.store
    .list(persistentvolumeclaims, namespace)
    .filter(({ metadata }) => new RegExp(`^data-${name}-\\d+$`).test(metadata.name))
    .toSorted((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1))
    .map(({ spec }) => world.sandbox.volumes.get(spec.volumeName ?? "")?.readText("mark") ?? null)

export const fences = (world: World, namespace: string): ReadonlyArray<string> =>
  policies === undefined
    ? []
    : world.sandbox.store.list(policies, namespace).map(({ metadata }) => metadata.name)

/** Nothing of a copy is left. */
export const assertGone = (world: World, namespace: string, name: string) => {
  const { store } = world.sandbox
  const of = [statefulsets, pods, services, configmaps, secrets].flatMap((type) =>
    store.list(type, namespace).map(({ metadata }) => metadata.name)
  )
  assert.deepEqual(
    of.filter((one) => (one === name || one.startsWith(`${name}-`)) && !one.startsWith("kubectl-stateful")),
    []
  )
  assert.deepEqual(fences(world, namespace), [])
  const claims = store
    .list(persistentvolumeclaims, namespace)
    .map(({ metadata }) => metadata.name)
    .filter((one) => one.startsWith(`data-${name}-`))
  assert.deepEqual(claims, [])
  if (namespace !== snapshot.namespace) {
    assert.deepEqual(store.list(volumesnapshots, namespace), [])
    for (const { spec } of store.list(volumesnapshotcontents))
      assert.notStrictEqual(spec.volumeSnapshotRef.namespace, namespace)
  }
  const left = store
    .list(persistentvolumes)
    .filter(
      ({ spec }) => spec.claimRef?.namespace === namespace && spec.claimRef.name.startsWith(`data-${name}-`)
    )
  assert.deepEqual(
    left.map(({ metadata }) => metadata.name),
    []
  )
}
