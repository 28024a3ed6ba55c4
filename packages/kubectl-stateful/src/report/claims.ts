/** The claims and what is left of earlier ones. */
import { claimNote, lastSnapshot } from "../print/claims.ts"
import { type Html, markup } from "./Html.ts"
import { areClaimsRead, cell, listed, noted, table } from "./pieces.ts"
import type { Report } from "./Report.ts"

type App = Report["application"]

const claimTable = (app: App): Html =>
  table(
    "PersistentVolumeClaims",
    [
      { title: "Claim", layout: "id" },
      { title: "Size", layout: "tight" },
      { title: "Used by", layout: "id" },
      { title: "Class" },
      { title: "Access" },
      { title: "Volume", layout: "id" },
      { title: "Driver", layout: "id" },
      { title: "Reclaim" },
      { title: "Latest snapshot", layout: "wide" }
    ],
    app.claims.map((claim) => {
      const { volume } = claim
      return [
        noted(claim.name, claimNote(claim, app)),
        claim.capacity ?? claim.requested ?? "<unknown>",
        listed(claim.usedBy),
        claim.storageClass ?? "<none>",
        listed(claim.accessModes),
        volume?.name ?? "<none>",
        volume === null ? "<none>" : (volume.driver ?? volume.source ?? "<unknown>"),
        volume === null ? "<none>" : (volume.reclaimPolicy ?? "<unknown>"),
        cell(lastSnapshot(app, claim))
      ]
    })
  )

const keptTable = ({ keptVolumes, setAside }: App): Html | null =>
  setAside.length + (keptVolumes ?? []).length === 0
    ? null
    : table(
        "Kept: previous data, of operations until it is purged",
        [
          { title: "Kept", layout: "id" },
          { title: "Kind" },
          { title: "Size", layout: "tight" },
          { title: "Original claim", layout: "id" },
          { title: "Operation", layout: "id" }
        ],
        [
          ...setAside.map(({ name, size, of, operation }) => [
            name,
            "claim that was set aside",
            size ?? "<unknown>",
            of ?? "<unknown>",
            operation ?? "<unknown>"
          ]),
          ...(keptVolumes ?? []).map(({ name, claim, phase, operation }) => [
            name,
            `volume without a claim (${phase})`,
            "<unknown>",
            claim,
            operation ?? "<unknown>"
          ])
        ]
      )

export const claims = ({ application }: Report): Html =>
  markup`<section id="claims" aria-labelledby="claims-title">
    <h2 id="claims-title">Volumes</h2>
    ${application.claims.length === 0 ? markup`<p>${areClaimsRead(application) ? "It has no PersistentVolumeClaim." : "PersistentVolumeClaims could not be read."}</p>` : claimTable(application)}
    ${keptTable(application)}
  </section> `
