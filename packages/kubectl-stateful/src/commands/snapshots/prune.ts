/** `snapshots prune`: shows the plan, asks for confirmation, and deletes one snapshot after the other. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { allowed } from "@kubectl-stateful/sdk/Operation"
import * as Prune from "@kubectl-stateful/sdk/SnapshotPrune"
import * as Effect from "effect/Effect"
import { agreed, planned, shown, shownInOrder } from "../../command/operation.ts"
import type { Screen } from "../../command/screen.ts"
import { Usage } from "../../command/usage.ts"
import { given } from "../../flags/given.ts"
import { timeouts } from "../../flags/run.ts"
import type { SetFlags } from "../../flags/snapshots.ts"
import { printed } from "../../print/terminal.ts"

/** Those that are named; where none is, those that `keep` and `expire` leave. */
const wanted = (namespace: string, names: ReadonlyArray<string>, keep: Prune.Keep) =>
  names.length > 0
    ? Effect.succeed([...new Set(names)])
    : Effect.map(Prune.listBeyond(namespace, keep), (all) => all.map(({ summary }) => summary.name))

export const pruneSets = (screen: Screen, names: ReadonlyArray<string>, flags: SetFlags) => {
  const { keep, expire, last, yes, output, "dry-run": mode } = flags
  if ((names.length === 0) === (keep === undefined && expire === undefined)) {
    throw new Usage(
      "either snapshot names or --keep and --expire are required",
      "name the snapshots, or use --keep N or --expire AGE"
    )
  }
  return Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const options = { ...timeouts(flags), last }
    const which = yield* wanted(namespace, names, given({ keep, expire }))
    const named = yield* Effect.forEach(which, (name) =>
      Effect.map(Prune.prepare({ namespace, name }, options), (plan) => ({ plan, name }))
    )
    const plans = named.map(({ plan }) => plan)
    if (plans.length === 0) {
      screen.err(printed`No snapshots to delete.\n`)
      return
    }
    if (mode !== "none") {
      const tried = yield* Effect.forEach(plans, (plan) => Prune.dryRun(plan, mode))
      for (const plan of tried) yield* planned(screen, { plan, mode, output })
      yield* Effect.forEach(tried, allowed, { discard: true })
      return
    }
    // Nothing is deleted where one of them is refused.
    yield* Effect.forEach(plans, allowed, { discard: true })
    yield* agreed(screen, { plans, yes, what: "nothing was deleted" })
    yield* shownInOrder(
      screen,
      named,
      ({ name }) => name,
      ({ plan }) => shown(screen, output, (report) => Prune.run(plan, { ...options, report }))
    )
  })
}
