/** The volume controller sees that a volume was moved only with its next round, 15 seconds apart. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Cluster, Request } from "../../../packages/sdk/src/Cluster.ts"
import {
  persistentvolumeclaims,
  persistentvolumes
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { kinds } from "../../../packages/sdk/src/Kind.ts"
import * as Resource from "../../../packages/sdk/src/Resource.ts"
import * as Scale from "../../../packages/sdk/src/Scale.ts"
import { at, drive, makeWorld, ref, withCluster, type World } from "../../simulation/world.ts"
import { ann, bob, refusal, set } from "./callers.ts"

const round = 15_000
const isOfClaims = ({ path }: Request): boolean => path.includes("/persistentvolumeclaims")

interface Claim {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly volumeName?: string }
}

/** A cluster in which a claim that was made for a volume is Pending until the controller's next round. */
const late = (world: World): Cluster["Service"] => {
  const until = new Map<string, number>()
  const shown = <A extends Claim>(claim: A, now: number): A =>
    (until.get(claim.metadata.name) ?? 0) > now ? { ...claim, status: { phase: "Pending" } } : claim
  return {
    ...world.sandbox.cluster,
    request: (request) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        if (isOfClaims(request) && request.method === "POST") {
          const { metadata, spec } = JSON.parse(request.body ?? "") as Claim
          if (spec.volumeName !== undefined) until.set(metadata.name, now + round)
        }
        const response = yield* world.sandbox.cluster.request(request)
        if (!isOfClaims(request) || request.method !== "GET" || response.status !== 200) return response
        const text = yield* Stream.mkString(Stream.decodeText(response.body))
        const answer = JSON.parse(text) as Claim | { readonly items: ReadonlyArray<Claim> }
        const told =
          "items" in answer
            ? { ...answer, items: answer.items.map((claim) => shown(claim, now)) }
            : shown(answer, now)
        return { ...response, body: Stream.make(new TextEncoder().encode(JSON.stringify(told))) }
      })
  }
}

const claims = (world: World) => world.sandbox.store.list(persistentvolumeclaims, "shop")
const volume = (world: World, name: string) => world.sandbox.store.get(persistentvolumes, undefined, name)

/** Two replicas of which the second has left its claim, and a way to act on them. */
const withLeftover = Effect.gen(function* () {
  const world = yield* makeWorld({ replicas: 2, readyAfter: 200 })
  const on = withCluster(late(world))
  yield* drive(on(Scale.scale(ref, { replicas: 1, identity: ann })))
  const data = claims(world).find(({ metadata }) => metadata.name === "data-db-1")?.spec.volumeName ?? ""
  return { world, on, data }
})
const aside = { replicas: 2, leftoverClaims: "set-aside", identity: ann } as const

describe("a claim that the volume controller has yet to bind", () => {
  it.effect("falls short of nothing where it was set aside, and is purged once it is bound", () =>
    Effect.gen(function* () {
      const { world, on, data } = yield* withLeftover
      const scaled = yield* drive(on(Scale.scale(ref, aside)))
      assert.strictEqual(scaled.outcome, "Succeeded", scaled.notes.join())
      yield* TestClock.adjust(1000)
      const purged = yield* drive(on(Scale.scale(ref, { purge: true, identity: ann })))
      assert.strictEqual(purged.outcome, "Succeeded", purged.notes.join())
      assert.isUndefined(volume(world, data))
    })
  )

  it.effect("comes back by an abort with its volume's reclaim policy from before", () =>
    Effect.gen(function* () {
      const { world, on, data } = yield* withLeftover
      world.sick.add("db-1")
      const failed = yield* refusal(drive(on(Scale.scale(ref, { ...aside, stepTimeout: 5000 }))))
      const id = /abort ([0-9a-f]+)/.exec(failed.action ?? "")?.[1] ?? assert.fail(failed.message)
      // Its new pod had the new claim: so that goes by hand, and the old one can come back.
      const operations = [{ op: "replace", path: "/spec/replicas", value: 1 }] as const
      yield* on(Resource.patch(set, { _tag: "Json", operations }))
      yield* TestClock.adjust("5 seconds")
      yield* on(Resource.remove({ api: kinds.persistentvolumeclaims, namespace: "shop", name: "data-db-1" }))
      yield* TestClock.adjust("5 seconds")
      const aborted = yield* drive(on(Scale.abort(at(id), { identity: bob })))
      assert.strictEqual(aborted.outcome, "Aborted", aborted.notes.join())
      assert.strictEqual(volume(world, data)?.spec.persistentVolumeReclaimPolicy, "Delete")
    })
  )
})
