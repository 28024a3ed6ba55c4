/** Who acts, and for how long a caller that fell silent counts as acting. */
import { spawn } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { thisProcess } from "../../../packages/sdk/src/kubernetes/process.ts"
import { Holder } from "../../../packages/sdk/src/operation/Holder.ts"
import * as Lease from "../../../packages/sdk/src/operation/lease.ts"
import { leases } from "../../../packages/sandbox/src/registry/kinds/index.ts"
import { drive, makeWorld, type World } from "../../simulation/world.ts"
import { on, refusal } from "../scale/callers.ts"

const candidate = (identity: string) => ({
  kind: "StatefulSet" as const,
  namespace: "shop",
  name: "db",
  token: `8f3a8f3a.${identity === "ann" ? "00000001" : "00000002"}`,
  identity
})
const ann = candidate("ann")
const bob = candidate("bob")
const options = { takeOver: false }

const named = (self: string, gone: ReadonlyArray<string> = []) => ({
  identity: "ann",
  self,
  isGone: (name: string) => Effect.succeed(gone.includes(name))
})

const leaseOf = (world: World) => world.sandbox.store.list(leases, "shop")[0]
const holderOf = (world: World) =>
  `${Reflect.get(Object(leaseOf(world)?.spec), "holderIdentity")}`.split(" ")[1]

/** How long an acquisition takes, in seconds of virtual time. */
const timed = <E>(effect: Effect.Effect<unknown, E>) =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    const exit = yield* Effect.exit(drive(effect))
    return { exit, seconds: ((yield* Clock.currentTimeMillis) - began) / 1000 }
  })

describe("a Lease", () => {
  it.effect("of a holder that died is taken after 15 seconds of its silence", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      yield* drive(on(world)(Lease.acquire(ann, options)))
      const { exit, seconds } = yield* timed(on(world)(Lease.acquire(bob, options)))
      assert.strictEqual(exit._tag, "Success")
      assert.isAtLeast(seconds, 15)
      assert.isAtMost(seconds, 17)
      assert.strictEqual(holderOf(world), "bob")
    })
  )

  it.effect("of a holder that renews is refused within a renewal, with its name", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      yield* drive(on(world)(Lease.acquire(ann, options)))
      const renewing = yield* Effect.forkChild(on(world)(Lease.renew(ann)))
      const error = yield* refusal(drive(on(world)(Lease.acquire(bob, options))))
      assert.include(error.message, "ann runs operation 8f3a8f3a on db")
      yield* Fiber.interrupt(renewing)
      assert.strictEqual(holderOf(world), "ann")
    })
  )

  it.effect("of a process of this machine that is gone is taken at once", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      const first = Effect.provideService(Lease.acquire(ann, options), Holder, named("boot ns 7 1"))
      yield* drive(on(world)(first))
      const second = Effect.provideService(
        Lease.acquire(bob, options),
        Holder,
        named("boot ns 8 2", ["boot ns 7 1"])
      )
      const { seconds } = yield* timed(on(world)(second))
      assert.isBelow(seconds, 1)
      // Its own name takes the place of the one before, lest the dead one speak for it.
      assert.deepEqual(Object.values(leaseOf(world)?.metadata.annotations ?? {}), ["boot ns 8 2"])
    })
  )

  it.effect("that was taken by a caller without a name says nothing of the one before", () =>
    Effect.gen(function* () {
      const world = yield* makeWorld({ replicas: 1, readyAfter: 100 })
      yield* drive(
        on(world)(Effect.provideService(Lease.acquire(ann, options), Holder, named("boot ns 7 1")))
      )
      yield* drive(on(world)(Lease.acquire(bob, options)))
      assert.deepEqual(Object.values(leaseOf(world)?.metadata.annotations ?? {}), [])
    })
  )
})

describe("a process", () => {
  it.live("is gone when it has ended, and not before", () =>
    Effect.gen(function* () {
      const here = yield* thisProcess
      if (here.self === null) return
      const words = here.self.split(" ")
      assert.isFalse(yield* here.isGone(here.self))
      const child = spawn("sleep", ["30"])
      const pid = `${child.pid}`
      // Its start is not known here: any other start than its own is another process of its pid.
      assert.isTrue(yield* here.isGone([words[0], words[1], pid, "1"].join(" ")))
      child.kill("SIGKILL")
      yield* Effect.promise(() => new Promise((resolve) => child.on("close", resolve)))
      assert.isTrue(yield* here.isGone([words[0], words[1], pid, words[3]].join(" ")))
    })
  )

  it.live("of another boot, or another pid namespace, is never known to be gone", () =>
    Effect.gen(function* () {
      const { isGone } = yield* thisProcess
      assert.isFalse(yield* isGone("another-boot pid:[1] 1 1"))
      for (const nonsense of ["", "1", "a b c d", "../../etc x 1 1"]) assert.isFalse(yield* isGone(nonsense))
    })
  )
})
