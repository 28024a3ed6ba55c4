/** What somebody else may legally do between two requests of an operation, one act at a time. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../packages/sdk/src/Kind.ts"
import * as Resource from "../../packages/sdk/src/Resource.ts"
import {
  configmaps,
  persistentvolumeclaims,
  persistentvolumes
} from "../../packages/sandbox/src/registry/kinds/core.ts"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import type { World } from "./world.ts"

type Doing = Effect.Effect<unknown, ClusterError, Cluster>

export interface Act {
  readonly name: string
  readonly does: (world: World) => Doing
  /** Whether it may take data with it, by what it does itself. */
  readonly takes?: "claim" | "count" | "set"
  /** The claim that it is about. */
  readonly on?: string
  /** From now on whoever runs the operation may not patch volumes. */
  readonly forbids?: true
}

const mark = "kubectl-stateful.dev"
export const markOf = (name: string): string => `${mark}/${name}`

const nothing: Doing = Effect.void
const set = { api: kinds.statefulsets, namespace: "shop", name: "db" }
const claimAt = (name: string, namespace = "shop") => ({
  api: kinds.persistentvolumeclaims,
  namespace,
  name
})
const merge = (target: Resource.Target, value: object): Doing =>
  Resource.patch(target, { _tag: "Merge", value })

export const setOf = (world: World) => world.sandbox.store.get(statefulsets, "shop", "db")
const claimOf = (world: World, name: string, namespace = "shop") =>
  world.sandbox.store.get(persistentvolumeclaims, namespace, name)
const volumeOf = (world: World, claim: string, namespace = "shop") =>
  world.sandbox.store.get(
    persistentvolumes,
    undefined,
    claimOf(world, claim, namespace)?.spec.volumeName ?? ""
  )

/** The journal of the operation that is on; undefined: none is. */
export const openJournal = (world: World) =>
  world.sandbox.store
    .list(configmaps, "shop")
    .find(({ metadata }) =>
      ["Running", "Aborting", "Stopped"].includes(metadata.annotations?.[markOf("phase")] ?? "")
    )
const operation = (world: World): string =>
  openJournal(world)?.metadata.name.slice("kubectl-stateful-".length) ?? "0badcafe"
const token = (world: World): string =>
  setOf(world)?.metadata.annotations?.[markOf("operation")] ?? `${operation(world)}.00000000`

/** The claim that this operation sets aside, or one that an earlier one did. */
const asideOf = (world: World): string =>
  world.sandbox.store
    .list(persistentvolumeclaims, "shop")
    .find(({ metadata }) => metadata.labels?.[markOf("set-aside")] !== undefined)?.metadata.name ??
  `data-db-2-${operation(world)}`

/** `aside`: by what it is, since its name is the operation's. */
const named = (world: World, claim: string): string => (claim === "aside" ? asideOf(world) : claim)

export const newClaim = (name: string, namespace: string, more: object = {}, metadata: object = {}) => ({
  metadata: { name, namespace, ...metadata },
  spec: {
    accessModes: ["ReadWriteOnce"],
    storageClassName: "fast",
    resources: { requests: { storage: "1Gi" } },
    ...more
  }
})

const create = (api: Resource.ApiResource, namespace: string, value: object): Doing =>
  Resource.create({ api, namespace }, value)
export const createClaim = (
  name: string,
  namespace: string,
  more: object = {},
  metadata: object = {}
): Doing => create(kinds.persistentvolumeclaims, namespace, newClaim(name, namespace, more, metadata))

const untilGone = (isThere: () => boolean) =>
  Effect.gen(function* () {
    for (let waited = 0; waited < 3000 && isThere(); waited += 50) yield* Effect.sleep(50)
  })

const recreate = (world: World, claim: string, same: boolean): Doing =>
  Effect.gen(function* () {
    const name = named(world, claim)
    const before = claimOf(world, name)
    if (before === undefined) return
    yield* Resource.remove(claimAt(name))
    yield* untilGone(() => claimOf(world, name)?.metadata.uid === before.metadata.uid)
    const { labels, annotations } = before.metadata
    yield* same
      ? createClaim(
          name,
          "shop",
          { volumeName: before.spec.volumeName },
          { labels: { ...labels }, annotations: { ...annotations } }
        )
      : createClaim(name, "shop")
  })

const onVolume = (world: World, claim: string, value: object, namespace = "shop"): Doing => {
  const volume = volumeOf(world, claim, namespace)
  return volume === undefined
    ? nothing
    : merge({ api: kinds.persistentvolumes, name: volume.metadata.name }, value)
}

const noMarks = {
  [markOf("reclaim-policy-before")]: null,
  [markOf("operation")]: null,
  [markOf("app")]: null
}
const forged = (world: World, before: string) => ({
  metadata: {
    annotations: {
      [markOf("reclaim-policy-before")]: before,
      [markOf("operation")]: token(world),
      [markOf("app")]: "db"
    }
  }
})

const mounting = (claim: string) => ({
  containers: [{ name: "main", image: "db:1", volumeMounts: [{ name: "data", mountPath: "/data" }] }],
  restartPolicy: "Never",
  volumes: [{ name: "data", persistentVolumeClaim: { claimName: claim } }]
})

const onClaim = (claim: string): ReadonlyArray<Act> => [
  {
    name: `delete ${claim}`,
    does: (world) => Resource.remove(claimAt(named(world, claim))),
    takes: "claim"
  },
  { name: `delete and recreate ${claim}`, does: (world) => recreate(world, claim, false), takes: "claim" },
  {
    name: `delete and restore ${claim} with its annotations`,
    does: (world) => recreate(world, claim, true),
    takes: "claim"
  },
  ...(claim === "aside" ? [] : [{ name: `a new claim ${claim}`, does: () => createClaim(claim, "shop") }]),
  ...["Delete", "Retain"].map((policy) => ({
    name: `policy ${policy} on the volume of ${claim}`,
    does: (world: World) =>
      onVolume(world, named(world, claim), { spec: { persistentVolumeReclaimPolicy: policy } })
  })),
  {
    name: `delete the volume of ${claim}`,
    does: (world) => {
      const volume = volumeOf(world, named(world, claim))
      return volume === undefined
        ? nothing
        : Resource.remove({ api: kinds.persistentvolumes, name: volume.metadata.name })
    }
  },
  {
    name: `unmark the volume of ${claim}`,
    does: (world) => onVolume(world, named(world, claim), { metadata: { annotations: noMarks } })
  },
  {
    name: `bind the volume of ${claim} to another claim`,
    does: (world) =>
      Effect.gen(function* () {
        const volume = volumeOf(world, named(world, claim))
        if (volume === undefined) return
        yield* createClaim("thief", "bank", { volumeName: volume.metadata.name })
        const uid = claimOf(world, "thief", "bank")?.metadata.uid
        const claimRef = {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          namespace: "bank",
          name: "thief",
          uid
        }
        yield* merge({ api: kinds.persistentvolumes, name: volume.metadata.name }, { spec: { claimRef } })
      }),
    takes: "claim"
  },
  {
    name: `claims in two namespaces that ask for the volume of ${claim}`,
    does: (world) => {
      const volumeName = volumeOf(world, named(world, claim))?.metadata.name
      return volumeName === undefined
        ? nothing
        : Effect.andThen(
            createClaim("wish", "bank", { volumeName }),
            createClaim("wish", "shop", { volumeName })
          )
    }
  },
  {
    name: `a pod that mounts ${claim}`,
    does: (world) =>
      create(kinds.pods, "shop", {
        metadata: { name: "reader", namespace: "shop" },
        spec: mounting(named(world, claim))
      })
  },
  {
    name: `a Job that mounts ${claim}`,
    does: (world) =>
      create(Resource.jobs, "shop", {
        metadata: { name: "report", namespace: "shop" },
        spec: { template: { metadata: { labels: { job: "report" } }, spec: mounting(named(world, claim)) } }
      })
  },
  {
    name: `label ${claim} as set aside`,
    does: (world) =>
      merge(claimAt(named(world, claim)), { metadata: { labels: { [markOf("set-aside")]: "db" } } })
  },
  {
    name: `label ${claim} as not set aside`,
    does: (world) =>
      merge(claimAt(named(world, claim)), { metadata: { labels: { [markOf("set-aside")]: null } } })
  },
  {
    name: `made-by on ${claim}`,
    does: (world) =>
      merge(claimAt(named(world, claim)), {
        metadata: { annotations: { [markOf("made-by")]: operation(world) } }
      })
  },
  {
    name: `no made-by on ${claim}`,
    does: (world) =>
      merge(claimAt(named(world, claim)), { metadata: { annotations: { [markOf("made-by")]: null } } })
  }
]

export const count = (change: (now: number) => number) => (world: World) =>
  merge(set, { spec: { replicas: change(setOf(world)?.spec.replicas ?? 0) } })

const removeSet = (propagation: "Background" | "Orphan", again: boolean) => (world: World) =>
  Effect.gen(function* () {
    const before = setOf(world)
    yield* Resource.remove(set, { propagation })
    yield* untilGone(() => setOf(world) !== undefined)
    if (!again || before === undefined) return
    yield* create(kinds.statefulsets, "shop", {
      metadata: { name: "db", namespace: "shop" },
      spec: before.spec
    })
  })

export const deleteJournal = (world: World): Doing => {
  const name = openJournal(world)?.metadata.name
  return name === undefined ? nothing : Resource.remove({ api: kinds.configmaps, namespace: "shop", name })
}

export const onJournal = (change: (data: Readonly<Record<string, string>>) => object) => (world: World) => {
  const found = openJournal(world)
  const data = (Reflect.get(found ?? {}, "data") ?? {}) as Readonly<Record<string, string>>
  return found === undefined
    ? nothing
    : merge({ api: kinds.configmaps, namespace: "shop", name: found.metadata.name }, change(data))
}
const withProgress = (change: object) =>
  onJournal((data) => ({
    data: { "status.json": JSON.stringify({ ...JSON.parse(data["status.json"] ?? "{}"), ...change }) }
  }))
const withPlan = (change: object) =>
  onJournal((data) => ({
    data: { "plan.json": JSON.stringify({ ...JSON.parse(data["plan.json"] ?? "{}"), ...change }) }
  }))

const onSet: ReadonlyArray<Act> = [
  ...["Delete", "Retain"].map((whenScaled) => ({
    name: `whenScaled ${whenScaled}`,
    does: () => merge(set, { spec: { persistentVolumeClaimRetentionPolicy: { whenScaled } } })
  })),
  { name: "one replica more", does: count((now) => now + 1), takes: "count" },
  { name: "one replica less", does: count((now) => Math.max(0, now - 1)), takes: "count" },
  { name: "no replicas", does: count(() => 0), takes: "count" },
  { name: "ordinals.start 1", does: () => merge(set, { spec: { ordinals: { start: 1 } } }), takes: "count" },
  { name: "delete the set", does: removeSet("Background", false), takes: "set" },
  { name: "delete the set, not its pods", does: removeSet("Orphan", false), takes: "set" },
  { name: "delete and recreate the set", does: removeSet("Background", true), takes: "set" },
  ...["db-0", "db-1", "db-2"].map((name) => ({
    name: `delete pod ${name}`,
    does: () => Resource.remove({ api: kinds.pods, namespace: "shop", name })
  })),
  ...["operation", "retention-before", "replicas"].map((name) => ({
    name: `no annotation ${name} on the set`,
    does: () => merge(set, { metadata: { annotations: { [markOf(name)]: null } } })
  }))
]

const elsewhere: ReadonlyArray<Act> = [
  ...[
    ["report", "shop"],
    ["money", "bank"],
    ["data-db-1", "bank"]
  ].flatMap(([name = "", namespace = ""]): ReadonlyArray<Act> => [
    {
      name: `our marks on the volume of ${namespace}/${name}`,
      on: name,
      does: (world) => onVolume(world, name, forged(world, "Delete"), namespace)
    },
    {
      name: `our labels and annotations on ${namespace}/${name}`,
      on: name,
      does: (world) =>
        merge(claimAt(name, namespace), {
          metadata: {
            labels: { [markOf("set-aside")]: "db" },
            annotations: { [markOf("made-by")]: operation(world) }
          }
        })
    }
  ]),
  {
    name: "a claim of the name that is set aside to",
    on: "aside",
    does: (world) => createClaim(`data-db-2-${operation(world)}`, "shop")
  },
  {
    name: "a claim of the name that is set aside to, with all marks",
    on: "aside",
    does: (world) =>
      createClaim(
        `data-db-2-${operation(world)}`,
        "shop",
        { volumeName: volumeOf(world, "money", "bank")?.metadata.name },
        {
          labels: { [markOf("set-aside")]: "db" },
          annotations: { [markOf("made-by")]: operation(world) }
        }
      )
  },
  { name: "delete the journal", does: (world) => deleteJournal(world) },
  { name: "cut the journal", does: onJournal(() => ({ data: { "status.json": '{"phase":"Runn' } })) },
  { name: "a journal without labels", does: onJournal(() => ({ metadata: { labels: null } })) },
  { name: "a journal that says Succeeded", does: withProgress({ phase: "Succeeded" }) },
  { name: "a journal that says Aborted", does: withProgress({ phase: "Aborted" }) },
  { name: "a journal of unknown steps", does: withPlan({ steps: [{ _tag: "Dance" }] }) },
  { name: "a journal of other hooks", does: withPlan({ hooks: [{ name: "afterAdd", digest: "0" }] }) },
  {
    name: "delete the Lease",
    does: () => Resource.remove({ api: Resource.leases, namespace: "shop", name: "kubectl-stateful.db" })
  },
  {
    name: "steal the Lease",
    does: () =>
      merge(
        { api: Resource.leases, namespace: "shop", name: "kubectl-stateful.db" },
        { spec: { holderIdentity: "12345678.00000000 eve@cafe" } }
      )
  },
  { name: "volumes may not be patched from now on", does: () => nothing, forbids: true }
]

/** All acts, about these claims. */
export const actsOn = (claims: ReadonlyArray<string>): ReadonlyArray<Act> => [
  ...claims.flatMap((claim) => onClaim(claim).map((act) => ({ ...act, on: claim }))),
  ...onSet,
  ...elsewhere
]
