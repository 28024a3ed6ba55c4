/** The desired state, the objects around the replicas, warnings, and what could not be read. */
import type { Reference } from "@kubectl-stateful/sdk/Reference"
import { budget, eventRows, reference, service } from "../print/surroundings.ts"
import { workloadFields } from "../print/workload.ts"
import { type Html, markup, type Part } from "./Html.ts"
import { cell, listed, prose, table } from "./pieces.ts"
import type { Report } from "./Report.ts"

type App = Report["application"]

/** `null`: could not be read. */
const values = (parts: ReadonlyArray<Part> | null): Part => (parts === null ? "<unknown>" : listed(parts))

const fields = (app: App): ReadonlyArray<readonly [string, Part]> => {
  const ofKind = (kind: Reference["kind"]) => app.references.filter((one) => one.kind === kind)
  const some = (title: string, parts: ReadonlyArray<Part>): ReadonlyArray<readonly [string, Part]> =>
    parts.length === 0 ? [] : [[title, listed(parts)]]
  return [
    ...app.workloads.flatMap((workload) =>
      workloadFields(app, workload).map(
        ([title, texts]) => [title, listed(texts.map((text) => prose(text)))] as const
      )
    ),
    ["ConfigMaps", values(ofKind("ConfigMap").map((one) => cell(reference(one))))],
    ["Secrets", values(ofKind("Secret").map((one) => cell(reference(one))))],
    [
      "Services",
      app.services.length === 0 && app.unread.some(({ resource }) => resource === "services")
        ? values(null)
        : values(app.services.map((one) => cell(service(one))))
    ],
    ["Budgets", values(app.budgets?.map(budget) ?? null)],
    ...some(
      "Autoscalers",
      (app.autoscalers ?? []).map(
        ({ name, target, minReplicas, maxReplicas }) =>
          `${name} (${target}, ${minReplicas} to ${maxReplicas} replicas)`
      )
    ),
    ...some(
      "Other volumes",
      app.volumes.map(
        ({ name, source, detail }) => `${name} (${detail === null ? source : `${source} ${detail}`})`
      )
    )
  ]
}

export const surroundings = ({ application }: Report): Html =>
  markup`<section id="objects" aria-labelledby="objects-title">
    <h2 id="objects-title">What it consists of</h2>
    <dl>
      ${fields(application).map(
        ([title, value]) =>
          markup`<dt>${title}</dt>
            <dd>${value}</dd> `
      )}
    </dl>
    <p class="soft">Of ConfigMaps and Secrets only the names are here.</p>
  </section> `

export const warnings = ({ application }: Report): Html | null => {
  const rows = eventRows(application, true)
  return application.events !== null && rows.length === 0
    ? null
    : markup`<section id="warnings" aria-labelledby="warnings-title">
        <h2 id="warnings-title">Warnings</h2>
        ${
          application.events === null
            ? markup`<p>Events could not be read.</p>`
            : table(
                "Warning events, newest first",
                [
                  { title: "Last seen", layout: "tight" },
                  { title: "Reason", layout: "tight" },
                  { title: "Object", layout: "id" },
                  { title: "Message", layout: "wide" }
                ],
                rows.map(({ cells, note }) => [...cells, note])
              )
        }
      </section> `
}

export const unread = ({ application }: Report): Html | null =>
  application.unread.length === 0
    ? null
    : markup`<section id="unread" aria-labelledby="unread-title">
        <h2 id="unread-title">Not read</h2>
        <p>What depends on these is unknown, in the answers too; nothing is guessed.</p>
        ${table(
          "What could not be read or parsed",
          [
            { title: "Resource", layout: "id" },
            { title: "Reason", layout: "tight" },
            { title: "Message", layout: "wide" }
          ],
          application.unread.map(({ resource, reason, message }) => [resource, reason, message])
        )}
      </section> `
