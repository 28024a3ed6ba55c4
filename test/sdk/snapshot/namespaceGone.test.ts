import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Request } from "../../../packages/sdk/src/Cluster.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { configmaps } from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { volumesnapshots } from "../../../packages/sandbox/src/registry/kinds/storage.ts"
import type { World } from "../../simulation/world.ts"
import { ann } from "../scale/callers.ts"
import { assertThawed, endOf, freezable, options } from "./freezing.ts"
import { whileDeleted } from "./namespaceGone.ts"
import { app, classes, contents, names, policies, withStorage } from "./world.ts"

const alone = { consistency: "crash" } as const

const taking = (more: Partial<Snapshot.SnapshotOptions> = {}) =>
  Snapshot.take(app, { name: "nightly", identity: ann, ...more })

const posts =
  (plural: string) =>
  ({ method, path }: Request) =>
    method === "POST" && path.endsWith(`/${plural}`)

/** What is kept is named, and what is not named is not there. */
const assertDeclared = (world: World, action: string) => {
  for (const { kind, metadata } of contents(world))
    assert.include(action, `${kind.toLowerCase()} ${metadata.name}`)
  assert.deepEqual(names(world, volumesnapshots), [])
}

describe("a set whose namespace is deleted meanwhile ends with that,", () => {
  for (const [level, plural] of [
    ["crash", "volumesnapshots"],
    ["group", "volumegroupsnapshots"]
  ] as const)
    it.effect(`before its cut (${level}), and leaves nothing`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        const run = taking({ consistency: level })
        const { action } = yield* whileDeleted(world, "shop", posts(plural), run)
        assert.include(action, "nothing of it is left")
        assert.deepEqual(contents(world), [])
      })
    )

  for (const consistency of ["crash", "group"] as const)
    it.effect(`after its cut (${consistency}) and before its record, and names what is kept`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        const run = taking({ consistency })
        const { action } = yield* whileDeleted(world, "shop", posts("secrets"), run)
        assert.deepEqual(policies(world), ["Retain"])
        assertDeclared(world, action)
      })
    )

  for (const [how, more] of [
    ["alone", { ...alone, class: "never" }],
    ["as a group", { consistency: "group" }]
  ] as const)
    it.effect(`while it waits for cuts (${how}) to be ready, and does not go on waiting`, () =>
      Effect.gen(function* () {
        const world = yield* withStorage()
        classes(world, "never", { readyAfter: "24h" })
        const record = "kubectl-stateful.snapshot.nightly"
        const isRecorded = ({ method }: Request) =>
          method === "GET" && names(world, configmaps).includes(record)
        const run = taking(more)
        const { action } = yield* whileDeleted(world, "shop", isRecorded, run)
        assert.deepEqual(policies(world), ["Retain"])
        assertDeclared(world, action)
      })
    )

  for (const [how, more] of [
    ["alone", { groupClass: "none" }],
    ["as a group", {}]
  ] as const)
    it.effect(`while its members are frozen for it (${how}): they are let go at once`, () =>
      Effect.gen(function* () {
        const { world, freezer } = yield* freezable()
        const isHeld = ({ method, path }: Request) =>
          method === "GET" && path.includes("snapshots") && freezer.holds.length === 3
        const run = Snapshot.take(app, options(more))
        const { action, began } = yield* whileDeleted(world, "shop", isHeld, run)
        for (const hold of freezer.holds) assert.isAtMost(endOf(hold) - began, 2000, hold.pod)
        assertThawed(freezer)
        assert.match(action, /thaw db/)
      })
    )
})
