/**
 * The claims: how big, whose, of which class, when last snapshotted, and which are left over.
 */
import type { Claim } from "@kubectl-stateful/sdk/Claim"
import type { VolumeSnapshot } from "@kubectl-stateful/sdk/Protection"
import * as Quantity from "@kubectl-stateful/sdk/Quantity"
import type { AppState } from "@kubectl-stateful/sdk/State"
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import { age } from "./age.ts"
import type { Page } from "./checklist.ts"
import { type Cell, field, type Room, type Row, table } from "./table.ts"
import { type Line, span } from "./text.ts"
import { valueColumn } from "./workload.ts"

/** The newest by its time; one that is not taken yet counts from its creation. */
const newest = (snapshots: ReadonlyArray<VolumeSnapshot>): VolumeSnapshot | undefined =>
  snapshots.toSorted((a, b) => Date.parse(b.cut ?? b.created) - Date.parse(a.cut ?? a.created))[0]

/** The latest snapshot of a claim. */
export const lastSnapshot = (state: AppState, claim: Claim): Cell => {
  if (state.protection.snapshots === null) return "<unknown>"
  const own = state.protection.snapshots.filter((snapshot) => snapshot.claim === claim.name)
  const last = newest(own.filter((snapshot) => snapshot.readyToUse)) ?? newest(own)
  if (last === undefined) return "never"
  const level = last.level === null ? "" : ` (${last.level})`
  const name = `${last.set ?? last.group ?? last.name}${level}`
  if (last.error !== null) return span(`${name}, failed`, "bad")
  if (!last.readyToUse) return span(`${name}, not ready`, "doubt")
  return `${name}, ${age(last.cut ?? last.created, state.observed)} ago`
}

/** The size that its template asks for, if that is more: a claim keeps its size when its StatefulSet is recreated. */
const largerSize = (claim: Claim, { workloads }: Pick<AppState, "workloads">): string | null => {
  const asked =
    workloads
      .find((workload) => `${workload.kind}/${workload.name}` === claim.workload)
      ?.claimTemplates.find(({ name }) => name === claim.template)?.requested ?? null
  const isLarger = asked !== null && Quantity.compare(asked, claim.requested ?? asked) === 1
  return isLarger ? asked : null
}

/** What is unusual about a claim; `null` if nothing is. */
export const claimNote = (claim: Claim, state: Pick<AppState, "observed" | "workloads">): string | null => {
  const { observed } = state
  const larger = largerSize(claim, state)
  const size =
    claim.capacity !== null && claim.requested !== null && claim.capacity !== claim.requested
      ? [`requested ${claim.requested}`]
      : []
  const unused = claim.unusedSince === null ? "" : `, unused ${age(claim.unusedSince, observed)}`
  const deleted =
    claim.deleted === null
      ? []
      : [
          `Terminating for ${age(claim.deleted, observed)}` +
            (claim.finalizers.length === 0 ? "" : `, finalizers: ${claim.finalizers.join(", ")}`)
        ]
  const said = [
    ...(claim.phase === "Bound" ? [] : [claim.phase]),
    ...deleted,
    ...(claim.leftover ? [`left by a scale-down${unused}`] : unused === "" ? [] : [unused.slice(2)]),
    ...size,
    ...(larger === null ? [] : [`its template asks for ${larger}`]),
    ...(claim.resize === null ? [] : [claim.resize]),
    ...(claim.modify === null ? [] : [claim.modify])
  ]
  return said.length === 0 ? null : said.join("; ")
}

const row = (state: AppState, claim: Claim, wide: boolean): Row => {
  const volume = claim.volume
  return {
    cells: [
      claim.name,
      claim.capacity ?? claim.requested ?? "<unknown>",
      claim.usedBy.length === 0 ? "<none>" : claim.usedBy.join(","),
      claim.storageClass ?? "<none>",
      lastSnapshot(state, claim),
      ...(wide
        ? [
            claim.accessModes.join(","),
            claim.volumeMode,
            volume?.name ?? "<none>",
            volume === null ? "<none>" : (volume.driver ?? volume.source ?? "<unknown>"),
            volume === null ? "<none>" : (volume.handle ?? "<unknown>"),
            volume === null ? "<none>" : (volume.reclaimPolicy ?? "<unknown>")
          ]
        : [])
    ],
    note: claimNote(claim, state)
  }
}

/** The table of the app's claims, in the state's order. */
export const claimTable = (state: AppState, page: Page): ReadonlyArray<Line> =>
  table(
    [
      "CLAIM",
      "SIZE",
      "USED BY",
      "CLASS",
      "SNAPSHOT",
      ...(page.wide ? ["ACCESS", "MODE", "VOLUME", "DRIVER", "HANDLE", "RECLAIM"] : [])
    ],
    state.claims.map((claim) => row(state, claim, page.wide)),
    page
  )

/** So many are shown: a StatefulSet that is made anew each day may leave hundreds. */
const mostKept = 10

type Kept = NonNullable<AppState["keptVolumes"]>[number]

const whyKept = ({ operation, policyBefore }: Kept): string =>
  policyBefore === null
    ? "its claim was deleted, and the data of that claim is still on it"
    : `claim deleted during ${operation === null ? "an operation" : `operation ${operation}`}; data kept (reclaim policy was ${policyBefore})`

/** Volumes with data of the application that no claim uses any longer. */
export const keptVolumeTable = ({ keptVolumes }: AppState, room: Room): ReadonlyArray<Line> => {
  const all = keptVolumes ?? []
  const others = all.length - mostKept
  return all.length === 0
    ? []
    : table(
        ["KEPT VOLUME", "ORIGINAL CLAIM", "PHASE", "RECLAIM"],
        all.slice(0, mostKept).map((volume, place) => ({
          cells: [volume.name, volume.claim, volume.phase, volume.reclaimPolicy],
          note: `${whyKept(volume)}${others > 0 && place === mostKept - 1 ? `; and ${others} more` : ""}`
        })),
        room
      )
}

/** The undo command for what was set aside or replaced, while it is available. */
const wayBack = (state: AppState, operation: string | null): string | undefined =>
  state.operations?.some(
    ({ id, verb, phase }) => id === operation && verb === "restore" && phase === "Succeeded"
  )
    ? `undo with: kubectl stateful restore --undo ${operation} -n ${shellWord(state.namespace)}`
    : undefined

/** Previous claims that operations kept, with their data, until they are purged. */
export const setAsideTable = (state: AppState, room: Room): ReadonlyArray<Line> =>
  state.setAside.length === 0
    ? []
    : table(
        ["SET ASIDE", "SIZE", "ORIGINAL CLAIM", "OPERATION"],
        state.setAside.map(({ name, size, of, operation }) => {
          const note = wayBack(state, operation)
          return {
            cells: [name, size ?? "<unknown>", of ?? "<unknown>", operation ?? "<unknown>"],
            ...(note === undefined ? {} : { note })
          }
        }),
        room
      )

/** Configuration that a restore has replaced, while it can be restored. */
export const keptConfigTable = (state: AppState, room: Room): ReadonlyArray<Line> => {
  const rows = state.keptConfig.flatMap(({ workload, operation }) => {
    const note = wayBack(state, operation)
    return note === undefined ? [] : [{ cells: [`configuration of ${workload}`, operation], note }]
  })
  return rows.length === 0 ? [] : table(["REPLACED", "OPERATION"], rows, room)
}

/** Volumes of the pod templates that are not claims, and where they are written to. */
export const otherVolumes = (state: AppState, columns: number): ReadonlyArray<Line> =>
  state.volumes.length === 0
    ? []
    : field(
        "Volumes",
        state.volumes.map((volume) => {
          const kind = volume.detail === null ? volume.source : `${volume.source} ${volume.detail}`
          const writers = volume.writers.length === 0 ? "" : `, ${volume.writers.join(", ")}`
          return `${volume.name} (${kind}${writers})`
        }),
        columns,
        valueColumn
      )
