/** `snapshots prune`: shows what goes, asks, and deletes one snapshot after the other. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { allowed } from "@kubectl-stateful/sdk/Operation"
import * as Snapshot from "@kubectl-stateful/sdk/Snapshot"
import * as Prune from "@kubectl-stateful/sdk/SnapshotPrune"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { confirmed } from "../../command/confirm.ts"
import { planText } from "../../print/plan.ts"
import { printed } from "../../print/terminal.ts"
import { identity, shown } from "../../command/operation.ts"
import type { Screen } from "../../command/screen.ts"

export interface PruneAsked extends Prune.PruneOptions, Prune.Keep {
  /** By name; none: those that `keep` and `expire` leave. */
  readonly names: ReadonlyArray<string>
  readonly yes: boolean
  readonly dryRun: "none" | "client" | "server"
  readonly output: string | undefined
}

const wanted = (namespace: string, { names, ...keep }: PruneAsked) =>
  names.length > 0
    ? Effect.succeed(names)
    : Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        return Prune.beyond(yield* Snapshot.list(namespace), keep, now).map(({ summary }) => summary.name)
      })

export const pruneSets = (screen: Screen, asked: PruneAsked) =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const { output, yes, dryRun: mode } = asked
    const names = yield* wanted(namespace, asked)
    const plans = yield* Effect.forEach(names, (name) => Prune.prepare({ namespace, name }, asked))
    if (plans.length === 0) {
      screen.err(printed`No snapshots to delete.\n`)
      return
    }
    if (mode !== "none") {
      const tried = yield* Effect.forEach(plans, (plan) => Prune.dryRun(plan, mode))
      for (const plan of tried) screen.out(yield* planText(plan, output, mode))
      yield* Effect.forEach(tried, allowed, { discard: true })
      return
    }
    // Nothing is deleted where one of them is refused.
    yield* Effect.forEach(plans, allowed, { discard: true })
    if (!yes) for (const plan of plans) screen.err(yield* planText(plan, undefined, "client"))
    yield* confirmed(screen, { yes, what: "nothing was deleted" })
    for (const plan of plans) {
      yield* shown(screen, output, (report) => Prune.run(plan, { ...asked, identity: identity(), report }))
    }
  })
