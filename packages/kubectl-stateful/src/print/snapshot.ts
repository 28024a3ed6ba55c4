/** Snapshots: the result of taking one, and the list. */
import * as Quantity from "@kubectl-stateful/sdk/Quantity"
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import { type Listed, SnapshotResult } from "@kubectl-stateful/sdk/Snapshot"
import { ImportResult } from "@kubectl-stateful/sdk/SnapshotTransfer"
import { PruneResult } from "@kubectl-stateful/sdk/SnapshotPrune"
import type { OperationResult } from "@kubectl-stateful/sdk/operation/Progress"
import { format } from "@kubectl-stateful/sdk/GoDuration"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { nameOf } from "@kubectl-stateful/sdk/App"
import { age } from "./age.ts"
import { documentText } from "./document.ts"
import { type Room, table } from "./table.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { render } from "./text.ts"
import { counted } from "@kubectl-stateful/sdk/Plural"

export const skewText = (skew: number | null): string => (skew === null ? "<unknown>" : format(skew))

export const bytesText = (bytes: number | null): string =>
  bytes === null ? "<unknown>" : Quantity.format(BigDecimal.fromNumberUnsafe(bytes))

/** Says `per member` unless the level is true of all members together. */
export const levelText = ({
  level,
  quiesced,
  recoverable,
  seedOnly
}: Pick<SnapshotResult, "level" | "quiesced" | "recoverable" | "seedOnly">): string => {
  if (seedOnly !== undefined) return `${level}, by seeding only`
  if (level === "quiesced") return quiesced?.guarantee === "blocks-writes" ? level : "quiesced per member"
  return level === "crash" && recoverable !== undefined ? "recoverable per member" : level
}

/** How long members were quiesced. */
const heldLines = (quiesced: SnapshotResult["quiesced"]): ReadonlyArray<string> => {
  const longest = quiesced?.members.toSorted((a, b) => b.millis - a.millis)[0]
  return quiesced === undefined || longest === undefined
    ? []
    : [
        quiesced.waves === undefined
          ? `${quiesced.members.length} members were quiesced, the longest ${longest.pod}: ${format(longest.millis)} of at most ${format(quiesced.deadline)}`
          : `taken in stages by profile ${quiesced.waves.profile}, the longest ${longest.pod}: ${format(longest.millis)} of at most ${format(quiesced.deadline)}; a restore needs --profile ${shellWord(quiesced.waves.profile)}`,
        ...(quiesced.unbounded === undefined
          ? []
          : [`they were frozen by a ${quiesced.unbounded}: nothing in the pods would have ended that`])
      ]
}

/** `snapshot/nightly taken: group, 3 claims, 3Gi, skew 0ms`. */
export const takenText = (
  { app, result, outcome, aborted }: OperationResult,
  output: string | undefined
): Printable => {
  const decoded = Schema.decodeUnknownOption(SnapshotResult)(result)
  if (decoded._tag === "None") return ended([visible(aborted ? "snapshot aborted" : outcome.toLowerCase())])
  const { set, why, skew, claims, bytes, quiesced } = decoded.value
  const level = levelText(decoded.value)
  const name = `snapshot/${set}`
  if (output === "name") return ended([visible(name)])
  const apart = claims < 2 ? "" : `, skew ${skewText(skew)}`
  const line = `${name} taken: ${level}, ${counted(claims, "claim")}, ${bytesText(bytes)}${apart}`
  const only =
    decoded.value.seedOnly === undefined
      ? []
      : [
          `can only be restored by rebuilding all members from one: kubectl stateful restore ${shellWord(set)} --profile ${shellWord(decoded.value.seedOnly)} --seed ORDINAL -n ${shellWord(app.namespace)}`
        ]
  return ended([line, ...why, ...heldLines(quiesced), ...only].map(visible))
}

/** `snapshot/nightly deleted`. */
export const prunedText = ({ result, aborted }: OperationResult, output: string | undefined): Printable => {
  const decoded = Schema.decodeUnknownOption(PruneResult)(result)
  if (decoded._tag === "None") return ended([visible(aborted ? "prune aborted" : "unchanged")])
  const name = `snapshot/${decoded.value.set}`
  return ended([visible(output === "name" ? name : `${name} deleted`)])
}

/** `snapshot/nightly imported: 3 claims`. */
export const importedText = ({ result, aborted }: OperationResult, output: string | undefined): Printable => {
  const decoded = Schema.decodeUnknownOption(ImportResult)(result)
  if (decoded._tag === "None") return ended([visible(aborted ? "import aborted" : "unchanged")])
  const { set, claims, made } = decoded.value
  const name = `snapshot/${set}`
  const how =
    made === 0
      ? "their volume snapshots already existed"
      : `${made} of their volume snapshots were registered`
  return ended([visible(output === "name" ? name : `${name} imported: ${counted(claims, "claim")}, ${how}`)])
}

const header = ["NAME", "APP", "LEVEL", "SKEW", "READY", "SIZE", "RESTORABLE", "AGE"]

export const sizeOf = ({ summary }: Pick<Listed, "summary">): string => {
  const sum = Quantity.sum(summary.cuts.map(({ size }) => size ?? "0"))
  return sum === null ? "<unknown>" : Quantity.format(sum)
}

/** The list, newest first; `namespaces`: it is of more than one. */
export const snapshotsText = (
  listed: ReadonlyArray<Listed>,
  output: string | undefined,
  now: string,
  { namespaces, ...room }: Room & { readonly namespaces: boolean }
): Effect.Effect<Printable> => {
  if (output === "json" || output === "yaml") {
    const items = listed.map(({ summary, ...rest }) => ({ ...summary, ...rest }))
    return documentText({ apiVersion: "kubectl-stateful.dev/v1", kind: "SnapshotList", items }, output)
  }
  if (output === "name") {
    return Effect.succeed(ended(listed.map(({ summary }) => visible(`snapshot/${summary.name}`))))
  }
  const rows = listed.map((one) => {
    const { name, namespace, app, skew, cuts, created } = one.summary
    const level = levelText(one.summary)
    const ready = one.ready === null ? "<unknown>" : `${one.ready.length}/${cuts.length}`
    const restorable = one.restorable === null ? "<unknown>" : one.restorable ? "yes" : "no"
    return {
      cells: [
        ...(namespaces ? [namespace] : []),
        name,
        nameOf(app),
        level,
        skewText(skew),
        ready,
        sizeOf(one),
        restorable,
        age(created, now)
      ]
    }
  })
  return Effect.succeed(render(table(namespaces ? ["NAMESPACE", ...header] : header, rows, room), false))
}
