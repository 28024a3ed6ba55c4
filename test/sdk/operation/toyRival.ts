/** The toy while somebody else does something legal between two of its requests. */
import assert from "node:assert/strict"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Cluster, ClusterError } from "../../../packages/sdk/src/Cluster.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import { leases } from "../../../packages/sandbox/src/registry/kinds/index.ts"
import type { Went } from "./toyRuns.ts"
import { noteOf } from "./toy.ts"
import * as Toy from "./toyWorld.ts"
import type { Inspected, Wire, World } from "./toyWorld.ts"

type Doing = Effect.Effect<unknown, ClusterError, Cluster>

export interface Rivalry {
  readonly name: string
  readonly does: (world: World) => Doing
  /** What an end that looked at it must name, or must not have taken for done: the path of the object. */
  readonly on: string
  /** It is somebody else's from then on: nobody may write it. */
  readonly theirs?: { readonly namespace: string; readonly name: string }
  /** Holds whatever the operation does then. */
  readonly stays?: (end: Inspected) => boolean
  /** What may be left over is the rival's own. */
  readonly leaves?: "tokens" | "leases"
}

const api = kinds.configmaps
const at = (namespace: string, name: string) => ({ api, namespace, name })
const merge = (namespace: string, name: string, value: object): Doing =>
  Resource.patch(at(namespace, name), { _tag: "Merge", value })
const noted = (namespace: string, name: string, annotations: object): Doing =>
  merge(namespace, name, { metadata: { annotations } })
const remove = (namespace: string, name: string): Doing => Resource.remove(at(namespace, name))
const create = (namespace: string, name: string, data: object): Doing =>
  Resource.create({ api, namespace }, { metadata: { name }, data })
const path = (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/configmaps/${name}`

const journal = (world: World, does: (namespace: string, name: string) => Doing): Doing => {
  const open = Toy.openAt(world)
  return open === null ? Effect.void : does(open.namespace, `kubectl-stateful-${open.id}`)
}
const token = "kubectl-stateful.dev/operation"
const forged = "8f3a8f3a.00000001"
const beats = (world: World, does: (target: Resource.Target) => Doing): Doing =>
  Effect.forEach(["shop", "bank"], (namespace) =>
    Effect.forEach(world.sandbox.store.list(leases, namespace), ({ metadata: { name } }) =>
      does({ api: Resource.leases, namespace, name })
    )
  )

/** What somebody may do who has the rights that the operation has, and knows nothing of it. */
export const rivalries: ReadonlyArray<Rivalry> = [
  ...(
    [
      ["shop", "alpha", { color: "red" }],
      ["bank", "beta", { size: "small" }]
    ] as const
  ).flatMap(([namespace, name, data]): ReadonlyArray<Rivalry> => [
    { name: `delete ${name}`, does: () => remove(namespace, name), on: path(namespace, name) },
    {
      name: `delete ${name} and make another`,
      does: () => Effect.andThen(remove(namespace, name), create(namespace, name, data)),
      on: path(namespace, name),
      theirs: { namespace, name }
    },
    {
      name: `take the mark of ${name} away`,
      does: () => noted(namespace, name, { [token]: null }),
      on: path(namespace, name)
    },
    {
      name: `write another's mark on ${name}`,
      does: () => noted(namespace, name, { [token]: forged }),
      on: path(namespace, name),
      leaves: "tokens"
    },
    {
      name: `take what stood there before from ${name}`,
      does: () => noted(namespace, name, { [noteOf("before-color")]: null, [noteOf("before-size")]: null }),
      on: path(namespace, name)
    },
    {
      name: `label ${name}`,
      does: () => merge(namespace, name, { metadata: { labels: { team: "search" } } }),
      on: path(namespace, name)
    }
  ]),
  {
    name: "set color to green",
    does: () => merge("shop", "alpha", { data: { color: "green" } }),
    on: path("shop", "alpha"),
    stays: ({ color }) => color === "green"
  },
  {
    name: "set size to huge",
    does: () => merge("bank", "beta", { data: { size: "huge" } }),
    on: path("bank", "beta"),
    stays: ({ size }) => size === "huge"
  },
  {
    name: "take the cut away",
    does: () => noted("bank", "beta", { [noteOf("cut")]: null }),
    on: path("bank", "beta")
  },
  { name: "delete made", does: () => remove("shop", "made"), on: path("shop", "made") },
  {
    name: "make another made",
    does: () =>
      Effect.andThen(
        Effect.ignore(remove("shop", "made")),
        create("shop", "made", { madeBy: "somebody else" })
      ),
    on: path("shop", "made"),
    theirs: { namespace: "shop", name: "made" }
  },
  { name: "delete busy", does: () => remove("shop", "busy"), on: path("shop", "busy") },
  {
    name: "take the mark of busy away",
    does: () => noted("shop", "busy", { [noteOf("busy")]: null }),
    on: path("shop", "busy")
  },
  {
    name: "delete app-1",
    does: () => Resource.remove({ api: kinds.pods, namespace: "shop", name: "app-1" }),
    on: "/api/v1/namespaces/shop/pods/app-1"
  },
  {
    name: "delete the journal",
    does: (world) => journal(world, remove),
    on: "journal"
  },
  {
    name: "damage the journal",
    does: (world) =>
      journal(world, (namespace, name) => merge(namespace, name, { data: { "status.json": "{" } })),
    on: "journal"
  },
  {
    name: "say in the journal that it is over",
    does: (world) =>
      journal(world, (namespace, name) =>
        noted(namespace, name, { "kubectl-stateful.dev/phase": "Succeeded" })
      ),
    on: "journal"
  },
  {
    name: "delete the Leases",
    does: (world) => beats(world, (target) => Resource.remove(target)),
    on: "lease"
  },
  {
    name: "hold the Leases",
    does: (world) =>
      beats(world, (target) =>
        Resource.patch(target, { _tag: "Merge", value: { spec: { holderIdentity: "eve@desk" } } })
      ),
    on: "lease",
    leaves: "leases"
  }
]

const versionOf = (world: World, { namespace, name }: NonNullable<Rivalry["theirs"]>) => {
  const map = Toy.mapOf(world, namespace, name)
  return map === undefined ? null : `${map.metadata.uid} ${map.metadata.resourceVersion}`
}

/**
 * Somebody acts before this request. Whoever ran it may fail; another takes it up, and goes back where that
 * fails as well. Then it is over, or the way out that was told is gone; an operation begun after it stands.
 */
export const meet = (index: number, rivalry: Rivalry) =>
  Effect.gen(function* () {
    const world = yield* Toy.makeWorld
    const inner = world.sandbox.cluster
    const start = Toy.inspect(world)
    const plan = yield* Toy.planned(world)
    const wire: Wire = { requests: 0, breaches: [], cuts: [] }
    const act: { before: Inspected; at: Inspected | null; theirs: string | null } = {
      before: start,
      at: null,
      theirs: null
    }
    const port = Toy.tapped(world, wire, (now) =>
      now !== index
        ? Effect.void
        : Effect.gen(function* () {
            act.before = Toy.inspect(world)
            yield* Effect.ignore(Toy.withCluster(inner)(rivalry.does(world)))
            act.at = Toy.inspect(world)
            if (rivalry.theirs !== undefined) act.theirs = versionOf(world, rivalry.theirs)
            wire.since = []
          })
    )
    const run = <A, E>(effect: Effect.Effect<A, E, Cluster>) =>
      Effect.exit(Toy.drive(Toy.withCluster(port)(effect)))

    const first = yield* run(Toy.execute(plan))
    const { requests } = wire
    if (act.at === null) return { requests, story: "done" } satisfies Went
    const looked = (wire.since ?? []).some((line) => line === `GET ${rivalry.on}`)
    const story = [Toy.told(first)]
    let last = first
    let back = false
    for (const way of [Toy.resume, Toy.abort]) {
      const open = Toy.openAt(world)
      if (open === null) break
      back = way === Toy.abort
      last = yield* run(way(open, { ...Toy.knowing, takeOver: true }))
      story.push(Toy.told(last))
    }
    const words = story.join(", then ")
    const found = Toy.inspect(world)
    const end = rivalry.leaves === undefined ? found : { ...found, [rivalry.leaves]: [] }
    assert.deepEqual(wire.breaches, [], words)
    assert.deepEqual(end.others, start.others, words)
    assert.deepEqual({ busy: end.busy, frozen: end.frozen }, { busy: [], frozen: [] }, words)
    assert.ok(
      (wire.cuts ?? []).every((held) => held),
      `cut without a hold: ${words}`
    )
    if (rivalry.stays !== undefined) assert.ok(rivalry.stays(end), `written over: ${words}`)
    if (act.theirs !== null && rivalry.theirs !== undefined)
      assert.equal(versionOf(world, rivalry.theirs), act.theirs, `written by us: ${words}`)
    if (Exit.isSuccess(last)) {
      const { unmet, outcome } = last.value
      // A success is of what was seen: after the last look anybody may undo it.
      if (outcome === "Succeeded" && (looked || last !== first)) Toy.assertMet(end, words)
      assert.deepEqual({ ...Toy.left(end), kept: [] }, Toy.nothingLeft, words)
      if (back) Toy.assertNamed(start, end, unmet, rivalry.on)
    }
    // Without an end it is named to whoever comes next, or nothing of it is left: all of it is done, or none.
    const rivals = act.at
    if (Exit.isFailure(last)) {
      const ours = (["color", "size", "cut", "made"] as const).filter(
        (key) => end[key] !== start[key] && act.before[key] === rivals[key]
      )
      const isWhole = ours.length === 0 || ours.length === 4
      if (Toy.openAt(world) === null && end.tokens.length === 0) {
        assert.ok(isWhole, `left by halves: ${ours.join(", ")}: ${words}`)
        assert.deepEqual(Toy.left(end), Toy.nothingLeft, words)
      } else {
        const next = Effect.flatMap(Toy.planned(world), (again) => Toy.execute(again, Toy.knowing))
        const said = Toy.told(yield* run(next))
        assert.match(said, isWhole ? /^(Unfinished|Changed): / : /^Unfinished: /, words)
      }
    }
    return { requests, story: story.map((one) => one.split(/[: ]/)[0]).join(" > ") } satisfies Went
  }).pipe(Effect.scoped)
