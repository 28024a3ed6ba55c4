/** What somebody else may legally do with sets and with what they are made of, one act at a time. */
import * as Effect from "effect/Effect"
import { kinds, volumeGroupSnapshotContents } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import {
  volumegroupsnapshotcontents,
  volumegroupsnapshots,
  volumesnapshotcontents,
  volumesnapshots
} from "../../packages/sandbox/src/registry/kinds/storage.ts"
import { type Act, actsOn, markOf, newClaim, openJournal } from "./acts.ts"
import type { World } from "./world.ts"

type Doing = ReturnType<Act["does"]>

/** The set that the run is about, and a claim beside the application with a cut of its own. */
export const setName = "nightly"
export const stranger = "stranger"

const nothing: Doing = Effect.void
const at = (api: Resource.ApiResource, name: string) => ({ api, namespace: "shop", name })
const merge = (target: Resource.Target, value: object): Doing =>
  Resource.patch(target, { _tag: "Merge", value })

/** The cut of a claim that belongs to the set. */
const cutOf = ({ sandbox: { store } }: World, claim: string) =>
  store
    .list(volumesnapshots, "shop")
    .find(
      ({ metadata, spec }) =>
        spec.source.persistentVolumeClaimName === claim &&
        (metadata.name.startsWith(setName) || metadata.ownerReferences?.[0]?.name === setName)
    )
const contentOf = (world: World, claim: string) => {
  const cut = cutOf(world, claim)
  return world.sandbox.store
    .list(volumesnapshotcontents)
    .find(({ spec }) => spec.volumeSnapshotRef.uid === cut?.metadata.uid)
}
const groupOf = ({ sandbox: { store } }: World) => store.get(volumegroupsnapshots, "shop", setName)
const groupContentOf = (world: World) =>
  world.sandbox.store
    .list(volumegroupsnapshotcontents)
    .find(({ spec }) => spec.volumeGroupSnapshotRef.uid === groupOf(world)?.metadata.uid)

interface Named {
  readonly metadata: { readonly name: string }
}

/** An act on what is found, while it is there. */
const onFound = (
  name: string,
  find: (world: World) => Named | undefined,
  does: (name: string, world: World) => Doing
): Act => ({
  name,
  does: (world) => {
    const found = find(world)
    return found === undefined ? nothing : does(found.metadata.name, world)
  }
})

const theCut = (world: World) => cutOf(world, "data-db-1")
const theContent = (world: World) => contentOf(world, "data-db-1")
const record = `kubectl-stateful.snapshot.${setName}`

const cutFrom = (name: string, claim: string): Doing =>
  Resource.create(
    { api: kinds.volumesnapshots, namespace: "shop" },
    { metadata: { name, namespace: "shop" }, spec: { source: { persistentVolumeClaimName: claim } } }
  )

const replacedBy =
  (claim: string) =>
  (name: string): Doing =>
    Effect.gen(function* () {
      yield* Resource.remove(at(kinds.volumesnapshots, name))
      yield* Effect.sleep(300)
      yield* cutFrom(name, claim)
    })

const policyOn = (api: Resource.ApiResource, deletionPolicy: string) => (name: string) =>
  merge({ api, name }, { spec: { deletionPolicy } })

const cutLabel = markOf("cut-with")

const onSets: ReadonlyArray<Act> = [
  onFound("delete a cut", theCut, (name) => Resource.remove(at(kinds.volumesnapshots, name))),
  onFound("delete and make anew a cut", theCut, replacedBy("data-db-1")),
  onFound("put a stranger's cut in the place of one", theCut, replacedBy(stranger)),
  onFound("take the marks off a cut", theCut, (name) =>
    merge(at(kinds.volumesnapshots, name), { metadata: { labels: null, annotations: null } })
  ),
  ...["Delete", "Retain"].map((policy) =>
    onFound(`set ${policy} on a content`, theContent, policyOn(kinds.volumesnapshotcontents, policy))
  ),
  onFound("delete a content", theContent, (name) =>
    Resource.remove({ api: kinds.volumesnapshotcontents, name })
  ),
  onFound("delete the group", groupOf, (name) => Resource.remove(at(kinds.volumegroupsnapshots, name))),
  onFound("take the marks off the group", groupOf, (name) =>
    merge(at(kinds.volumegroupsnapshots, name), { metadata: { labels: null, annotations: null } })
  ),
  ...["Delete", "Retain"].map((policy) =>
    onFound(
      `set ${policy} on the content of the group`,
      groupContentOf,
      policyOn(volumeGroupSnapshotContents, policy)
    )
  ),
  {
    name: "put a stranger's claim into the group",
    does: (world) => {
      const own = world.sandbox.store
        .list(volumegroupsnapshots, "shop")
        .find(({ metadata }) => metadata.name === setName)
      const label =
        own?.spec.source.selector?.matchLabels?.[cutLabel] ?? openJournal(world)?.metadata.name.slice(-8)
      return merge(at(kinds.persistentvolumeclaims, stranger), {
        metadata: { labels: { [cutLabel]: label ?? null } }
      })
    }
  },
  {
    name: "take a claim out of the group",
    does: () =>
      merge(at(kinds.persistentvolumeclaims, "data-db-1"), { metadata: { labels: { [cutLabel]: null } } })
  },
  {
    name: "a stranger's cut of the name that one will have",
    does: () => cutFrom(`${setName}-data-db-1`, stranger)
  },
  {
    name: "a stranger's group of the set's name",
    does: () =>
      Resource.create(
        { api: kinds.volumegroupsnapshots, namespace: "shop" },
        {
          metadata: { name: setName, namespace: "shop" },
          spec: { source: { selector: { matchLabels: { of: "nobody" } } } }
        }
      )
  },
  { name: "delete the record", does: () => Resource.remove(at(kinds.secrets, record)) },
  { name: "empty the record", does: () => merge(at(kinds.secrets, record), { data: null }) },
  {
    name: "a Secret of the record's name",
    does: () =>
      Resource.create(
        { api: kinds.secrets, namespace: "shop" },
        { metadata: { name: record, namespace: "shop" }, stringData: { a: "b" } }
      )
  },
  { name: "delete what a list shows", does: () => Resource.remove(at(kinds.configmaps, record)) },
  {
    name: "a ConfigMap of the record's name",
    does: () =>
      Resource.create(
        { api: kinds.configmaps, namespace: "shop" },
        { metadata: { name: record, namespace: "shop" }, data: { a: "b" } }
      )
  }
]

/** A claim beside the application, and a cut of it that is somebody's own. */
export const withStranger = ({ sandbox }: World) =>
  Effect.gen(function* () {
    const claim = newClaim(stranger, "shop")
    sandbox.create({ apiVersion: "v1", kind: "PersistentVolumeClaim", ...claim })
    yield* Effect.sleep(500)
    sandbox.create({
      apiVersion: "snapshot.storage.k8s.io/v1",
      kind: "VolumeSnapshot",
      metadata: { name: "own", namespace: "shop" },
      spec: { source: { persistentVolumeClaimName: stranger } }
    })
    yield* Effect.sleep(500)
  })

/** Names of acts that a set's run can be met by. */
export const acts: ReadonlyArray<Act> = [
  { name: "nothing", does: () => nothing },
  ...onSets,
  ...actsOn(["data-db-1"]).filter(({ name }) => name !== "nothing" && !name.includes("other hooks"))
]
