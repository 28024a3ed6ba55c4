/** `snapshots list`, `describe` and `diff`: read only. */
import { Cluster } from "@kubectl-stateful/sdk/Cluster"
import * as Snapshot from "@kubectl-stateful/sdk/Snapshot"
import * as SnapshotSet from "@kubectl-stateful/sdk/SnapshotSet"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { failureLine } from "../../print/failure.ts"
import { snapshotsText } from "../../print/snapshot.ts"
import { descriptionText, diffText } from "../../print/snapshotPage.ts"
import { printed } from "../../print/terminal.ts"
import type { Screen } from "../../command/screen.ts"

const now = Effect.map(DateTime.now, DateTime.formatIso)

export const listSets = (screen: Screen, output: string | undefined, everywhere: boolean) =>
  Effect.gen(function* () {
    const { origin } = yield* Cluster
    const { snapshots, unreadable } = yield* Snapshot.listReadable(everywhere ? undefined : origin.namespace)
    const isForPeople = output === undefined || output === "wide"
    for (const { error } of unreadable) screen.err(printed`${failureLine(error, "")}\n`)
    if (snapshots.length > 0 || !isForPeople)
      screen.out(yield* snapshotsText(snapshots, output, yield* now, { ...screen, namespaces: everywhere }))
    else if (unreadable.length === 0) screen.err(printed`No snapshots found.\n`)
  })

export const describeSet = (screen: Screen, output: string | undefined, name: string) =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const description = yield* SnapshotSet.describe({ namespace, name })
    screen.out(yield* descriptionText(description, output, yield* now, screen))
  })

/** From one to another, or to the application as it is now. */
export const diffSets = (screen: Screen, output: string | undefined, from: string, to: string) =>
  Effect.gen(function* () {
    const { namespace } = (yield* Cluster).origin
    const other = to === "live" ? null : { namespace, name: to }
    const diff = yield* SnapshotSet.diff({ namespace, name: from }, other)
    screen.out(yield* diffText(diff, output, screen))
  })
