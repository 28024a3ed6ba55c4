/** One snapshot as a page of text, and the differences between two. */
import { nameOf } from "@kubectl-stateful/sdk/App"
import { format } from "@kubectl-stateful/sdk/GoDuration"
import type { Description, Diff } from "@kubectl-stateful/sdk/SnapshotSet"
import * as Effect from "effect/Effect"
import { age } from "./age.ts"
import { documentText } from "./document.ts"
import { bytesText, levelText, sizeOf } from "./snapshot.ts"
import { field, type Room, type Row, table } from "./table.ts"
import { ended, type Printable, visible } from "./terminal.ts"
import { blank, type Line, render, span } from "./text.ts"

/** The column of the values of `Title: value` lines. */
const valueColumn = 14

type Fields = ReadonlyArray<readonly [title: string, values: ReadonlyArray<string>]>

const lines = (fields: Fields, columns: number): ReadonlyArray<Line> =>
  fields.flatMap(([title, values]) =>
    (values.length === 0 ? ["<none>"] : values).flatMap((value, index) =>
      field(index === 0 ? title : null, [value], columns, valueColumn)
    )
  )

const skewLine = ({ summary: { skew }, oneMoment }: Description): string => {
  if (skew === null) return "<unknown>: contents could not be read, or the storage does not say"
  const words =
    oneMoment === true
      ? "the storage gave all volumes the same timestamp"
      : oneMoment === false
        ? "not a single point in time"
        : "one group, but the timestamps do not prove a single point in time"
  return `${format(skew)}: ${words}`
}

/** The source of its level. */
const levelNotes = ({ quiesced, recoverable }: Description["summary"]): ReadonlyArray<string> => [
  ...(recoverable === undefined
    ? []
    : [`according to profile ${recoverable.profile}; each member had all its data on one volume`]),
  ...(quiesced?.waves === undefined
    ? []
    : [
        `taken in stages by profile ${quiesced.waves.profile}, with no writes blocked: a restore needs that profile, which writes back ${[...new Set(quiesced.waves.kept.map(({ name }) => name))].join(", ")}`
      ]),
  ...(quiesced?.unbounded === undefined
    ? []
    : [`frozen by a ${quiesced.unbounded}: nothing in the pods would have ended that`])
]

/** By the current policies, which somebody may have changed since; by the record where they cannot be read. */
const retentionLine = ({ summary: { cuts, retained }, now }: Description): string => {
  const policies = (now ?? []).flatMap(({ deletionPolicy }) => deletionPolicy ?? [])
  const going = policies.filter((policy) => policy === "Delete").length
  if (going > 0)
    return `${going} of ${cuts.length} deleted with its namespace: deletionPolicy Delete${retained ? ", changed since" : ""}`
  if (policies.length > 0) return "kept if its namespace is deleted: deletionPolicy Retain"
  return retained
    ? "kept if its namespace is deleted, when it was taken: <unknown> now"
    : "deleted with its namespace"
}

const restorableLines = ({ restorable, obstacles }: Description): ReadonlyArray<string> =>
  restorable === true ? ["yes"] : restorable === null ? ["<unknown>: not all could be read"] : obstacles

const titled = (title: string, values: ReadonlyArray<string>): ReadonlyArray<string> =>
  values.length === 0 ? [] : [`${title} ${values.join(", ")}`]

const pairs = (map: Readonly<Record<string, string>>): ReadonlyArray<string> =>
  Object.entries(map).map(([key, value]) => `${key}=${value}`)

const placementLines = ({ summary: { placement, cuts } }: Description): ReadonlyArray<string> => [
  ...(placement ?? []).map((one) =>
    [
      one.workload,
      ...titled("on", one.architectures),
      ...titled("runtime class", one.runtimeClass === null ? [] : [one.runtimeClass]),
      ...titled("nodeSelector", pairs(one.nodeSelector)),
      ...titled("affinity", one.affinity),
      ...titled("tolerates", one.tolerations),
      ...titled("devices", [...pairs(one.devices), ...one.resourceClaims])
    ].join("; ")
  ),
  ...cuts.flatMap(({ claim, nodeAffinity = [] }) =>
    nodeAffinity.length === 0 ? [] : [`${claim}: volume in ${nodeAffinity.join(" or ")}`]
  )
]

const heldTable = ({ summary: { quiesced } }: Description, room: Room): ReadonlyArray<Line> =>
  quiesced === undefined
    ? []
    : [
        blank,
        ...table(
          ["POD", quiesced.waves === undefined ? "QUIESCED" : "HELD"],
          quiesced.members.map(({ pod, millis }) => ({
            cells: [pod, `${format(millis)} of at most ${format(quiesced.deadline)}`]
          })),
          room
        )
      ]

const cutTable = ({ summary: { cuts }, now }: Description, room: Room): ReadonlyArray<Line> => {
  const first = Math.min(...cuts.flatMap(({ cutAt }) => cutAt ?? []))
  const rows = cuts.map((cut): Row => {
    const is = now?.find(({ claim }) => claim === cut.claim)
    const ready = is === undefined ? "<unknown>" : is.ready ? "yes" : "no"
    return {
      cells: [
        cut.claim,
        cut.size ?? "<unknown>",
        bytesText(cut.restoreSize),
        cut.cutAt === null ? "<unknown>" : `+${format(Math.round((cut.cutAt - first) / 1e6))}`,
        ready,
        is?.snapshot ?? cut.snapshot ?? "<none>",
        is?.deletionPolicy ?? "<unknown>"
      ],
      note: `${cut.driver}: ${cut.snapshotHandle ?? "<unknown>"}`
    }
  })
  const header = ["CLAIM", "SIZE", "RESTORE", "CUT", "READY", "VOLUMESNAPSHOT", "POLICY"]
  return rows.length === 0 ? [] : [blank, ...table(header, rows, room)]
}

const page = (description: Description, now: string, room: Room): ReadonlyArray<Line> => {
  const { summary } = description
  const { imported } = summary
  return [
    ...lines(
      [
        ["Name", [summary.name]],
        ["Namespace", [summary.namespace]],
        ["Application", [nameOf(summary.app)]],
        ["Taken", [`${summary.created}, ${age(summary.created, now)} ago`]],
        ...(imported === undefined
          ? []
          : ([["Imported", [`from cluster ${imported.cluster ?? "<unknown>"}`]]] as const)),
        ["Level", [`${levelText(summary)} (requested: ${summary.asked})`, ...levelNotes(summary)]],
        ["Not higher", summary.why],
        ["Skew", [skewLine(description)]],
        ["Changed", summary.changed.map((what) => `${what}, during the snapshot`)],
        ["Replicas", Object.entries(summary.replicas).map(([what, count]) => `${what}: ${count}`)],
        ["Placement", summary.placement === undefined ? ["<unknown>"] : placementLines(description)],
        ["Excluded", summary.leftOut.map(({ what, why }) => `${what}: ${why}`)],
        [
          "Manifests",
          summary.manifests?.length === 0 ? [] : [summary.manifests?.join(", ") ?? `${summary.objects}`]
        ],
        ["Size", [sizeOf(description)]],
        ["Retention", [retentionLine(description)]],
        ["Restorable", restorableLines(description)]
      ],
      room.columns
    ),
    ...heldTable(description, room),
    ...cutTable(description, room)
  ]
}

/** The page, or the description as a document. */
export const descriptionText = (
  description: Description,
  output: string | undefined,
  now: string,
  room: Room
): Effect.Effect<Printable> => {
  if (output === "json" || output === "yaml") {
    const { summary, ...rest } = description
    return documentText({ ...summary, ...rest }, output)
  }
  if (output === "name") return Effect.succeed(ended([visible(`snapshot/${description.summary.name}`)]))
  return Effect.succeed(render(page(description, now, room), false))
}

/** The differences, one per line, and below them what could not be compared. */
export const diffText = (
  { differences, notCompared }: Diff,
  output: string | undefined,
  room: Room
): Effect.Effect<Printable> => {
  if (output === "json" || output === "yaml") {
    const kind = "SnapshotDiff"
    return documentText({ apiVersion: "kubectl-stateful.dev/v1", kind, differences, notCompared }, output)
  }
  const rows = differences.map(({ about, what, change }) => ({ cells: [about, what, change] }))
  return Effect.succeed(
    render(
      [
        ...(rows.length === 0
          ? [[span("No differences.")]]
          : table(["ABOUT", "OBJECT", "CHANGE"], rows, room)),
        ...notCompared.map((what) => [span(`Not compared: ${what}`)])
      ],
      false
    )
  )
}
