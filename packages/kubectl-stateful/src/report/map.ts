/** The map: a drawing for each zone, in it racks, nodes, replicas and volumes; and the same as a table. */
import { healthOf, type ReplicaHealth } from "@kubectl-stateful/sdk/Replica"
import { columnsOf } from "../print/columns.ts"
import { pinnedBy, replicaNote } from "../print/replicas.ts"
import { visible } from "../print/terminal.ts"
import type { Tone } from "../print/text.ts"
import { age } from "../print/age.ts"
import { type Html, markup, type Part } from "./Html.ts"
import { areClaimsRead, letters, listed, noted, outline, table } from "./pieces.ts"
import { type PlacedNode, type PlacedReplica, placesOf, type Rack, type Zone } from "./places.ts"
import type { Report } from "./Report.ts"
import { counted } from "@kubectl-stateful/sdk/Plural"

const width = 320
/** Of a letter at 12 and 11 pixels, in the widest of the fonts. */
const letter = { usual: 7.3, small: 6.7 } as const

/** As much of a text as there is room for; the table has all of it. */
const fit = (text: string, room: number, size: number): string => {
  const letters = Math.floor(room / size)
  const shown = visible(text)
  if (columnsOf(shown) <= letters) return shown
  const kept = Array.from(shown)
  while (kept.length > 0 && columnsOf(visible(kept.join(""))) > letters - 1) kept.pop()
  return `${kept.join("")}…`
}

const healthWords: Readonly<Record<ReplicaHealth, readonly [string, Tone]>> = {
  Ready: ["ready", "good"],
  NotReady: ["not ready", "bad"],
  Pending: ["pending", "doubt"],
  Missing: ["no pod", "bad"],
  Terminating: ["terminating", "doubt"],
  Unknown: ["unknown", "soft" as Tone]
}

/** A shape for each health, so that its colour is not needed. */
const mark = (health: ReplicaHealth, x: number, y: number): Html => {
  const [, tone] = healthWords[health]
  const shape =
    health === "Ready"
      ? markup`<circle class="mark" cx="${x}" cy="${y}" r="6" /><path
            class="mark"
            d="M${x - 3} ${y}l2 2.5 4-5"
          />`
      : health === "Unknown"
        ? markup`<circle class="mark" cx="${x}" cy="${y}" r="6" stroke-dasharray="2 2" />`
        : health === "Pending" || health === "Terminating"
          ? markup`<circle class="mark" cx="${x}" cy="${y}" r="6" /><path
                class="mark"
                d="M${x} ${y - 3.5}v3.5h3"
              />`
          : markup`<rect class="mark" x="${x - 6}" y="${y - 6}" width="12" height="12" /><path
                class="mark"
                d="M${x - 3} ${y - 3}l6 6m0-6l-6 6"
              />`
  return markup`<g class="${tone}" ${outline}>${shape}</g>`
}

const cylinder = (x: number, y: number): Html =>
  markup`<path class="volume" ${outline} d="M${x} ${y + 2}v8a5 2 0 0 0 10 0v-8a5 2 0 0 0-10 0a5 2 0 0 0 10 0" />`

/** A drawing that grows downwards. */
interface Canvas {
  readonly parts: Array<Html>
  y: number
}

const drawReplica = (canvas: Canvas, { replica, claims }: PlacedReplica): void => {
  const health = healthOf(replica)
  const [word, tone] = healthWords[health]
  const y = canvas.y + 16
  const room = width - 46 - (word.length + 2) * letter.usual - 14
  canvas.parts.push(
    mark(health, 26, y - 4),
    markup`<text class="strong" x="40" y="${y}">${fit(replica.name, room, letter.usual)}</text>`,
    markup`<text class="${tone}" x="${width - 16}" y="${y}" text-anchor="end">${word}</text>`
  )
  canvas.y += 22
  for (const { claim, reach } of claims) {
    const size = claim.capacity ?? claim.requested ?? "<unknown>"
    canvas.parts.push(
      cylinder(42, canvas.y + 4),
      markup`<text x="60" y="${canvas.y + 13}">${fit(claim.name, width - 78, letter.usual)}</text>`,
      markup`<text class="small soft" x="60" y="${canvas.y + 27}"
        >${fit(`${size}, ${reach}`, width - 78, letter.small)}</text
      >`
    )
    canvas.y += 33
  }
}

const drawNode = (canvas: Canvas, node: PlacedNode): void => {
  const top = canvas.y
  const said = node.troubles.join(", ")
  const inner: Canvas = { parts: [], y: top + 24 }
  for (const replica of node.replicas) drawReplica(inner, replica)
  const height = inner.y - top + 6
  const room = width - 40
  const name = fit(node.name, said === "" ? room : room * 0.6, letter.usual)
  canvas.parts.push(
    markup`<rect
      class="node${node.troubles.length > 0 ? " lost" : ""}"
      ${outline}
      x="8"
      y="${top}"
      width="${width - 16}"
      height="${height}"
      rx="6"
    />`,
    markup`<text class="soft" x="18" y="${top + 17}">${name}</text>`,
    markup`<text class="bad" x="${width - 16}" y="${top + 17}" text-anchor="end"
      >${fit(said, room - (name.length + 1) * letter.usual, letter.usual)}</text
    >`,
    ...inner.parts
  )
  canvas.y = top + height + 8
}

/** Nodes without a replica that are named; of the others there is only the number. */
const namedSpares = 3

const spareLines = (spare: ReadonlyArray<PlacedNode>): ReadonlyArray<string> => {
  const shown = spare.length === namedSpares + 1 ? spare : spare.slice(0, namedSpares)
  const more = spare.length - shown.length
  return [
    ...shown.map(({ name, troubles }) => [name, "no replica", ...troubles].join(", ")),
    ...(more > 0 ? [`and ${more} more nodes without a replica`] : [])
  ]
}

const drawRack = (canvas: Canvas, rack: Rack): void => {
  const top = canvas.y
  const inner: Canvas = { parts: [], y: top + 26 }
  for (const node of rack.nodes) drawNode(inner, node)
  for (const text of spareLines(rack.spare)) {
    inner.parts.push(
      markup`<text class="small soft" x="18" y="${inner.y + 10}">${fit(text, width - 36, letter.small)}</text>`
    )
    inner.y += 17
  }
  const height = inner.y - top + 2
  const title =
    rack.name === null ? "no rack label" : /^rack/i.test(rack.name) ? rack.name : `rack ${rack.name}`
  canvas.parts.push(
    markup`<rect class="rack" ${outline} x="1" y="${top + 1}" width="${width - 2}" height="${height - 2}" rx="8" />`,
    markup`<text class="small soft" x="10" y="${top + 17}">${fit(title, width - 20, letter.small)}</text>`,
    ...inner.parts
  )
  canvas.y = top + height + 8
}

/** In words, for readers who do not see the drawing. */
const inWords = ({ replica, claims }: PlacedReplica): string => {
  const volumes = claims.map(({ claim, reach }) => `${claim.name} (${reach})`)
  return `${replica.name} is ${healthWords[healthOf(replica)][0]}${volumes.length === 0 ? "" : ` with ${volumes.join(", ")}`}`
}

const describeZone = ({ racks }: Zone): string =>
  racks
    .flatMap(({ name, nodes, spare }) => {
      const where = name === null ? "" : `rack ${name}, `
      return [
        ...nodes.map(
          (node) =>
            `${where}${[`node ${node.name}`, ...node.troubles].join(", ")}: ${node.replicas.map(inWords).join("; ")}`
        ),
        ...(spare.length === 0 ? [] : [`${where}${counted(spare.length, "node")} without a replica`])
      ]
    })
    .join(". ")

interface Drawing {
  readonly id: string
  readonly title: string
  readonly about: string
  readonly words: string
  readonly draw: (canvas: Canvas) => void
}

const figure = ({ id, title, about, words, draw }: Drawing): Html => {
  const canvas: Canvas = { parts: [], y: 0 }
  draw(canvas)
  const height = Math.max(20, canvas.y - 6)
  return markup`<figure>
    <figcaption><strong>${title}</strong> <span class="soft">${about}</span></figcaption>
    <svg width="${width}" viewBox="0 0 ${width} ${height}" ${letters} role="img" aria-labelledby="${id}-title" aria-describedby="${id}-desc">
      <title id="${id}-title">${title}</title>
      <desc id="${id}-desc">${words}</desc>
      ${canvas.parts.map((part) => markup`${part} `)}
    </svg>
  </figure> `
}

/** Racks without a replica are drawn up to this number. */
const drawnRacks = 4

const zoneFigure = (zone: Zone, index: number): Html => {
  const title = zone.name === null ? "Zone unknown" : `Zone ${zone.name}`
  const replicas = zone.racks.flatMap(({ nodes }) => nodes.flatMap((node) => node.replicas))
  const count = zone.racks.reduce((sum, { nodes, spare }) => sum + nodes.length + spare.length, 0)
  const used = zone.racks.filter(({ nodes }) => nodes.length > 0)
  const spare = zone.racks.filter(({ nodes }) => nodes.length === 0)
  const drawn = spare.slice(0, drawnRacks)
  const more = spare.slice(drawnRacks)
  const moreNodes = more.reduce((sum, rack) => sum + rack.spare.length, 0)
  return figure({
    id: `zone-${index}`,
    title,
    about: `${counted(replicas.length, "replica")}, ${counted(count, "node")}`,
    words: describeZone(zone),
    draw: (canvas) => {
      for (const rack of [...used, ...drawn]) drawRack(canvas, rack)
      if (more.length === 0) return
      const text = `and ${counted(more.length, "more rack")}, ${counted(moreNodes, "node")}, no replica`
      canvas.parts.push(markup`<text class="small soft" x="10" y="${canvas.y + 10}">${text}</text>`)
      canvas.y += 20
    }
  })
}

const nowhereFigure = (replicas: ReadonlyArray<PlacedReplica>): ReadonlyArray<Html> =>
  replicas.length === 0
    ? []
    : [
        figure({
          id: "nowhere",
          title: "Not on a node",
          about: counted(replicas.length, "replica"),
          words: replicas.map(inWords).join(". "),
          draw: (canvas) => {
            for (const replica of replicas) drawReplica(canvas, replica)
            canvas.y += 6
          }
        })
      ]

const legend: ReadonlyArray<readonly [ReplicaHealth, string]> = [
  ["Ready", "ready"],
  ["NotReady", "not ready, or no pod"],
  ["Pending", "pending or terminating"],
  ["Unknown", "unknown"]
]

const legendItem = (drawing: Html, text: string): Html =>
  markup`<li><svg width="14" height="14" aria-hidden="true" focusable="false">${drawing}</svg>${text}</li>`

const replicaTable = (app: Report["application"]): Html => {
  const claims = new Map(
    [
      ...placesOf(app).zones.flatMap(({ racks }) =>
        racks.flatMap(({ nodes }) => nodes.flatMap((node) => node.replicas))
      ),
      ...placesOf(app).nowhere
    ].map((one) => [one.replica, one.claims] as const)
  )
  return table(
    "Replicas: the map as a table",
    [
      { title: "Replica", layout: "id" },
      { title: "Health", layout: "tight" },
      { title: "Zone", layout: "tight" },
      { title: "Rack", layout: "tight" },
      { title: "Node", layout: "id" },
      { title: "Pinned by" },
      { title: "Volumes", layout: "id" },
      { title: "Restarts" },
      { title: "Age" }
    ],
    app.replicas.map((replica) => {
      const { pod } = replica
      const placement = app.placements.find((one) => one.replica === replica.name)
      const nowhere = replica.known ? "<none>" : "<unknown>"
      const domain = (value: string | null | undefined): string =>
        (pod?.node ?? null) === null ? nowhere : (value ?? "<unknown>")
      const [word, tone] = healthWords[healthOf(replica)]
      const health: Part = markup`<span class="${tone}">${word}</span>`
      return [
        replica.name,
        noted(health, replicaNote(replica, app.observed)),
        domain(placement?.zone),
        domain(placement?.rack),
        pod?.node ?? nowhere,
        pinnedBy(placement),
        areClaimsRead(app)
          ? listed((claims.get(replica) ?? []).map(({ claim, reach }) => `${claim.name} (${reach})`))
          : "<unknown>",
        pod === null ? nowhere : pod.restarts,
        pod === null ? nowhere : age(pod.created, app.observed)
      ]
    })
  )
}

export const map = ({ application }: Report): Html => {
  const { zones, nowhere } = placesOf(application)
  return markup`<section id="map" aria-labelledby="map-title">
    <h2 id="map-title">Where it runs</h2>
    ${application.nodes === null ? markup`<p class="alert">Nodes could not be read: zones, racks and the state of nodes are unknown.</p>` : null}
    <div class="map">${zones.map(zoneFigure)}${nowhereFigure(nowhere)}</div>
    <ul class="legend" aria-label="Legend of the map">
      ${legend.map(([health, text]) => legendItem(mark(health, 7, 7), text))}
      ${legendItem(cylinder(2, 1), "volume, and the nodes that can use it")}
    </ul>
    ${replicaTable(application)}
  </section> `
}
