/** Snapshots and operations on one timeline, and each snapshot with its level and skew. */
import { isOver } from "@kubectl-stateful/sdk/operation/Phase"
import { shellWord } from "@kubectl-stateful/sdk/ShellWord"
import { levelText, sizeOf, skewText } from "../print/snapshot.ts"
import { at, type Axis, ticks } from "./axis.ts"
import { type Html, markup, type Part } from "./Html.ts"
import { letters, noted, outline, table, timeAndAge, utc } from "./pieces.ts"
import type { Report } from "./Report.ts"
import { counted } from "@kubectl-stateful/sdk/Plural"

type Snapshot = Report["snapshots"]["items"][number]
type Operation = Report["operations"]["items"][number]

/** The strongest guarantee first. */
const levels: ReadonlyArray<readonly [Snapshot["level"], string]> = [
  ["offline", "offline"],
  ["quiesced", "quiesced"],
  ["group", "group"],
  ["crash", "crash"]
]

const laneHeight = 42

const restorableWord = ({ restorable }: Pick<Snapshot, "restorable">): string =>
  restorable === null ? "<unknown>" : restorable ? "yes" : "no"

const dot = (axis: Axis, snapshot: Snapshot, y: number): Html => {
  const look = snapshot.restorable === true ? "" : snapshot.restorable === null ? " unsure" : " hollow"
  const said = `${snapshot.name}: ${levelText(snapshot)}, skew ${skewText(snapshot.skew)}, restorable: ${restorableWord(snapshot)}, ${utc(snapshot.created)}`
  const x = at(axis, Date.parse(snapshot.created))
  return markup`<circle class="dot${look}" ${look === "" ? null : outline} cx="${x}%" cy="${y}" r="6"><title>${said}</title></circle>
`
}

const runLook = ({ phase, freeze }: Operation): string => {
  if (!isOver(phase)) return "open"
  if (phase === "Incomplete") return "bad"
  if (phase !== "Succeeded") return ""
  return freeze === null ? "good" : "frozen"
}

/** From its start to its end; what is too short to be seen is a mark as wide as a dot. */
const run = (axis: Axis, operation: Operation, y: number, now: string): Html => {
  const from = at(axis, Date.parse(operation.started))
  const width = at(axis, Date.parse(operation.ended ?? now)) - from
  const look = runLook(operation)
  const title = markup`<title>${operation.verb} ${operation.id}: ${operation.phase}, started ${utc(operation.started)}</title>`
  return width > 1
    ? markup`<rect class="run ${look}" x="${from}%" y="${y - 5}" width="${width}%" height="10" rx="2">${title}</rect>
`
    : markup`<svg x="${from}%" y="${y - 7}" overflow="visible"><path class="run ${look}" d="M0 1L6 7L0 13L-6 7Z">${title}</path></svg>
`
}

/** What somebody wrote into a record or a journal may be no time: then it is in the table alone. */
const isTime = (moment: string): boolean => Number.isFinite(Date.parse(moment))

const times = (report: Report): ReadonlyArray<number> =>
  [
    ...report.snapshots.items.map(({ created }) => Date.parse(created)),
    ...report.operations.items.map(({ started }) => Date.parse(started))
  ].filter(Number.isFinite)

/** Of what there is, from the first to now. */
const axisOf = (report: Report): Axis => {
  const to = Date.parse(report.created)
  return { from: Math.min(to - 60_000, ...times(report)), to }
}

const diamond = (look: string): Html => markup`<path class="run ${look}" d="M7 1L13 7L7 13L1 7Z"/>`

const legend: ReadonlyArray<readonly [Html, string]> = [
  [markup`<circle class="dot" cx="7" cy="7" r="6"/>`, "snapshot that can be restored"],
  [markup`<circle class="dot hollow" ${outline} cx="7" cy="7" r="5.5"/>`, "that cannot be restored"],
  [markup`<circle class="dot unsure" ${outline} cx="7" cy="7" r="5.5"/>`, "unknown"],
  [diamond("good"), "operation that succeeded"],
  [diamond("frozen"), "that froze members"],
  [diamond("open"), "unfinished"],
  [diamond("bad"), "with deviations"]
]

const timeline = (report: Report): Html => {
  const axis = axisOf(report)
  const items = report.snapshots.items.filter(({ created }) => isTime(created))
  const runs = report.operations.items.filter(({ started }) => isTime(started))
  const lanes = [
    ...levels.flatMap(([level, title]) => {
      const own = items.filter((one) => one.level === level)
      return own.length === 0
        ? []
        : [{ title: `${title} (${own.length})`, marks: (y: number) => own.map((one) => dot(axis, one, y)) }]
    }),
    ...(runs.length === 0
      ? []
      : [
          {
            title: `operations (${runs.length})`,
            marks: (y: number) => runs.map((one) => run(axis, one, y, report.created))
          }
        ])
  ]
  const height = lanes.length * laneHeight + 26
  const newest = items[0]
  const words = [
    `${counted(items.length, "snapshot")} and ${counted(runs.length, "operation")} between ${utc(new Date(axis.from).toISOString())} and ${utc(report.created)}`,
    ...(newest === undefined ? [] : [`the newest snapshot is ${newest.name}, ${levelText(newest)}`]),
    "the tables below have all of them"
  ].join("; ")
  return markup`<figure class="timeline">
      <svg width="100%" height="${height}" ${letters} role="img" aria-labelledby="timeline-title" aria-describedby="timeline-desc">
        <title id="timeline-title">Timeline of snapshots and operations</title>
        <desc id="timeline-desc">${words}</desc>
        ${ticks(axis, height)}
        ${lanes.map(
          ({ title, marks }, index) =>
            markup`<text class="small" x="0" y="${index * laneHeight + 13}">${title}</text>
              <line
                class="lane"
                ${outline}
                x1="0"
                x2="100%"
                y1="${index * laneHeight + 28}"
                y2="${index * laneHeight + 28}"
              />
              ${marks(index * laneHeight + 28)}`
        )}
      </svg>
    </figure>
    <ul class="legend" aria-label="Legend of the timeline">
${legend.map(([drawing, words]) => markup`<li><svg width="14" height="14" aria-hidden="true" focusable="false">${drawing}</svg>${words}</li>`)}
</ul> `
}

/** When each volume was taken, from the first to the last; nothing if all are of one moment, or it is unknown. */
const cutDrawing = ({ cuts, skew }: Snapshot): Part => {
  const known = cuts.flatMap(({ cutAt }) => (cutAt === null ? [] : [cutAt / 1e6]))
  if (skew === null || skew === 0 || known.length < 2) return null
  const axis: Axis = { from: Math.min(...known), to: Math.max(...known) }
  return markup`<svg width="120" height="16" aria-hidden="true" focusable="false">
    <rect class="track" ${outline} x="0.5" y="3.5" width="119" height="9" rx="2" />
    ${known.map((one) => {
      const x = at(axis, one)
      return markup`<line class="cut" ${outline} x1="${x}%" x2="${x}%" y1="3" y2="13" />`
    })}
  </svg>`
}

const skewWords = ({ skew, cuts }: Snapshot): string => (cuts.length < 2 ? "one volume" : skewText(skew))

/** Rows of the table; a namespace may have hourly snapshots of years. */
const shownRows = 60

const snapshotTable = (report: Report, carry: (text: string) => string): Html => {
  const { items } = report.snapshots
  const shown = items.slice(0, shownRows)
  const more = items.length - shown.length
  return markup`${table(
    more === 0
      ? "Snapshots, newest first; the skew is the time between the first and the last volume"
      : `The newest ${shownRows} of ${items.length} snapshots`,
    [
      { title: "Snapshot", layout: "id" },
      { title: "Taken", layout: "tight" },
      { title: "Level", layout: "wide" },
      { title: "Skew", layout: "tight" },
      { title: "Ready", layout: "tight" },
      { title: "Size", layout: "tight" },
      { title: "Restorable", layout: "wide" }
    ],
    shown.map((one) => [
      one.name,
      timeAndAge(one.created, report.created),
      noted(levelText(one), one.why.length === 0 ? null : `not higher: ${one.why.join("; ")}`),
      [skewWords(one), cutDrawing(one)],
      one.ready === null ? "<unknown>" : `${one.ready.length}/${one.cuts.length}`,
      sizeOf({ summary: one }),
      noted(restorableWord(one), one.obstacles.length === 0 ? null : one.obstacles.join("; "))
    ])
  )}${
    more === 0
      ? null
      : markup`<p>
          All of them: <code>${carry(`kubectl stateful snapshots -n ${shellWord(report.application.namespace)}`)}</code>
        </p>`
  }`
}

export const snapshots = (report: Report, carry: (text: string) => string): Html =>
  markup`<section id="snapshots" aria-labelledby="snapshots-title">
    <h2 id="snapshots-title">Snapshots</h2>
    ${report.snapshots.unread.map((message) => markup`<p class="alert">Not read: ${message}</p>`)}
    ${report.snapshots.items.length + report.operations.items.length === 0 ? null : timeline(report)}
    ${report.snapshots.items.length > 0 ? snapshotTable(report, carry) : report.snapshots.unread.length > 0 ? null : markup`<p>It has no snapshot of kubectl-stateful.</p>`}
  </section> `
