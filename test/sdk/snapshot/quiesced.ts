/** Quiesced snapshots, as their tests take them and look at them. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import * as Journal from "../../../packages/sdk/src/operation/Journal.ts"
import * as Snapshot from "../../../packages/sdk/src/Snapshot.ts"
import { drive, withCluster, type World } from "../../simulation/world.ts"
import { bob, on } from "../scale/callers.ts"
import { type Freezer, options, quiesce } from "./freezing.ts"
import { app } from "./world.ts"

export const taken = (world: World, more: Partial<Snapshot.SnapshotOptions> = {}) =>
  drive(on(world)(Snapshot.take(app, options(more))))

export const over = (cluster: Cluster["Service"], more: Partial<Snapshot.SnapshotOptions> = {}) =>
  drive(Effect.result(withCluster(cluster)(Snapshot.take(app, options(more)))))

export const levelOf = (world: World) =>
  Effect.map(on(world)(Snapshot.list("shop")), ([listed]) => listed?.summary.level ?? "none")

/** The first request that makes a cut: every member is held when it comes. */
export const asksForCut = ({ method, path }: { readonly method: string; readonly path: string }) =>
  method === "POST" && /\/volume(group)?snapshots$/.test(path)

/** Every member let go at once, however it ended: long before its deadline. */
export const assertPrompt = ({ holds }: Freezer, within = 2000) => {
  for (const { pod, begin, end } of holds) assert.isAtMost((end ?? Infinity) - begin, within, pod)
}

/** How often a member was sent the thaw. */
export const thaws = ({ log }: Freezer, pod: string) => log.filter((line) => line === `thaw ${pod}`).length

/** No group: each volume is cut alone. */
export const alone = { groupClass: "none" }

export type Way = "abort" | "resume" | "resume with the profile"

/** What is left is ended by somebody else, who may have the profile or not. */
export const end = (world: World, way: Way) =>
  Effect.gen(function* () {
    const open = (yield* on(world)(Journal.list("shop", "db"))).find(({ status }) => Journal.isOpen(status))
    if (open === undefined) return
    const at = { namespace: "shop", id: open.plan.id }
    const again = way === "abort" ? Snapshot.abort : Snapshot.resume
    const given = way === "resume with the profile" ? { identity: bob, quiesce } : { identity: bob }
    yield* drive(Effect.exit(on(world)(again(at, given))))
  })
