/** What the tests of restoring share: an application whose volumes say from when they are. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  persistentvolumeclaims,
  persistentvolumes,
  pods
} from "../../../packages/sandbox/src/registry/kinds/core.ts"
import { statefulsets } from "../../../packages/sandbox/src/registry/kinds/apps.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Restore from "../../../packages/sdk/src/Restore.ts"
import { drive, type World, type WorldOptions } from "../../simulation/world.ts"
import { ann, on } from "../scale/callers.ts"
import { take, withStorage } from "../snapshot/world.ts"
import type { Fault } from "../../../packages/sandbox/src/Fault.ts"

/** A fixed part of all points; `RESTORE_EVERY=1` takes each of them (`npm run prove -- restore`). */
export const every = Number(process.env["RESTORE_EVERY"] ?? 89)

/** What happens to one request of a caller. */
export const faults: Readonly<Record<string, Fault>> = {
  "a caller that dies before": { _tag: "Kill", applied: false },
  "a caller that dies after": { _tag: "Kill", applied: true },
  "a lost reply at": { _tag: "LoseReply" },
  "a failure at": { _tag: "Fail" }
}

export const snapshot = { namespace: "shop", name: "nightly" }

const claims = (world: World) => world.sandbox.store.list(persistentvolumeclaims, "shop")

const bytesOf = (world: World, claim: string) => {
  const found = claims(world).find(({ metadata }) => metadata.name === claim)
  return world.sandbox.volumes.get(found?.spec.volumeName ?? "")
}

/** Each member's volume says from when it is. */
export const write = (world: World, when: string) => {
  for (const { metadata } of claims(world)) {
    if (/^data-db-\d+$/.test(metadata.name))
      bytesOf(world, metadata.name)?.write("mark", `${when} ${metadata.name}`)
  }
}

/** Three members with a snapshot of `before`, which say `after` since. */
export const withSnapshot = (options: Partial<WorldOptions> = {}) =>
  Effect.gen(function* () {
    const world = yield* withStorage(options)
    write(world, "before")
    const { outcome, unmet } = yield* take(world)
    assert.strictEqual(outcome, "Succeeded", unmet.join())
    write(world, "after")
    world.log.length = 0
    return world
  })

export const restore = (world: World, options: Partial<Restore.RestoreOptions> = {}) =>
  drive(on(world)(Restore.restore(snapshot, { identity: ann, ...options })))

/** From when the members' volumes are, which have to agree: no state is half of each. */
export const stateOf = (world: World, count = 3): string => {
  const set = world.sandbox.store.get(statefulsets, "shop", "db")
  assert.strictEqual(set?.spec.replicas, count, "the count")
  const marks = Array.from({ length: count }, (_, ordinal) => {
    const claim = `data-db-${ordinal}`
    const text = bytesOf(world, claim)?.readText("mark") ?? ""
    assert.isTrue(text.endsWith(` ${claim}`), `${claim} has "${text}"`)
    const pod = world.sandbox.store.get(pods, "shop", `db-${ordinal}`)
    const ready = pod?.status.conditions?.find(({ type }) => type === "Ready")?.status
    assert.strictEqual(ready, "True", `db-${ordinal} is ready`)
    return text.slice(0, text.indexOf(" "))
  })
  assert.lengthOf([...new Set(marks)], 1, `one state: ${marks.join()}`)
  return marks[0] ?? ""
}

/** From when each member's volume is, and the uid of its pod; every one has to be ready. */
export const members = (world: World, count = 3) =>
  Array.from({ length: count }, (_, ordinal) => {
    const claim = `data-db-${ordinal}`
    const text = bytesOf(world, claim)?.readText("mark") ?? ""
    assert.isTrue(text.endsWith(` ${claim}`), `${claim} has "${text}"`)
    const pod = world.sandbox.store.get(pods, "shop", `db-${ordinal}`)
    const ready = pod?.status.conditions?.find(({ type }) => type === "Ready")?.status
    assert.strictEqual(ready, "True", `db-${ordinal} is ready`)
    return { is: text.slice(0, text.indexOf(" ")), pod: pod?.metadata.uid }
  })

/** All that the members have ever written is in some volume. */
export const assertNothingLost = (world: World, when: string) => {
  const texts = [...world.sandbox.store.list(persistentvolumes)].map(({ metadata }) =>
    world.sandbox.volumes.get(metadata.name)?.readText("mark")
  )
  for (const ordinal of [0, 1, 2]) assert.include(texts, `${when} data-db-${ordinal}`)
}

/** Reclaim policies by claim. */
export const policies = (world: World) =>
  Object.fromEntries(
    world.sandbox.store
      .list(persistentvolumes)
      .map(({ spec }) => [spec.claimRef?.name ?? "", spec.persistentVolumeReclaimPolicy])
  )

export const claimNames = (world: World) =>
  claims(world)
    .map(({ metadata }) => metadata.name)
    .toSorted()

/** No check pod is left, no token, and no mark on the volumes of the members' claims. */
export const assertSettled = (world: World) => {
  const left = world.sandbox.store.list(pods, "shop").map(({ metadata }) => metadata.name)
  assert.deepEqual(
    left.filter((name) => name.includes("prove")),
    []
  )
  const set = world.sandbox.store.get(statefulsets, "shop", "db")
  assert.notInclude(JSON.stringify(set?.metadata.annotations ?? {}), "kubectl-stateful.dev/operation")
  assert.notInclude(JSON.stringify(set?.metadata.annotations ?? {}), "retention-before")
  for (const { metadata, spec } of world.sandbox.store.list(persistentvolumes)) {
    if (!/^data-db-\d+$/.test(spec.claimRef?.name ?? "")) continue
    assert.notInclude(
      JSON.stringify(metadata.annotations ?? {}),
      "reclaim-policy-before",
      spec.claimRef?.name
    )
  }
}

/** The operation that is not over; null: there is none. */
export const openOf = (world: World) =>
  Effect.map(on(world)(Journal.list("shop", "db")), (entries) => {
    const open = entries.find(({ status }) => Journal.isOpen(status))
    return open === undefined ? null : { namespace: "shop", id: open.plan.id }
  })
