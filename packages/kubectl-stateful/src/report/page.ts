/** The whole page: one file that loads nothing. A pure function of a report. */
import { createHash } from "node:crypto"
import { isOver } from "@kubectl-stateful/sdk/operation/Phase"
import manifest from "../../package.json" with { type: "json" }
import { answers, reasons } from "./answers.ts"
import { claims } from "./claims.ts"
import { type Html, markup, style } from "./Html.ts"
import { map } from "./map.ts"
import { operations } from "./operations.ts"
import { areClaimsRead, time } from "./pieces.ts"
import type { Report } from "./Report.ts"
import { snapshots } from "./snapshots.ts"
import { css } from "./style.ts"
import { surroundings, unread, warnings } from "./surroundings.ts"
import { counted } from "@kubectl-stateful/sdk/Plural"

/** Nothing is loaded and nothing runs: even what escaped our escaping could do nothing but be shown. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(css).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'"
].join("; ")

const titleOf = ({ application: { ref, name, namespace, workloads } }: Report) => {
  const [workload] = workloads
  const kind = ref._tag === "Selector" ? "Applications with labels" : (workload?.kind ?? "StatefulSet")
  return { kind: `${kind} in namespace ${namespace}`, name }
}

/** What could not be read is not counted, and so not said to be none. */
const number = (count: number, one: string, isAll: boolean): Html =>
  markup`<b>${count}</b> ${count === 1 ? one : `${one}s`}${isAll ? null : " that could be read"}`

/** In a line: the figures that one looks for first. */
const facts = ({ application, snapshots: taken, operations: all, created }: Report): Html => {
  const sum = (of: "ready" | "replicas") =>
    application.workloads.reduce((total, workload) => total + workload[of], 0)
  const open = all.items.filter(({ phase }) => !isOver(phase)).length
  const items: ReadonlyArray<Html> = [
    markup`<b>${sum("ready")} of ${sum("replicas")}</b> ready`,
    number(application.claims.length, "claim", areClaimsRead(application)),
    number(taken.items.length, "snapshot", taken.unread.length === 0),
    ...(open === 0 ? [] : [markup`<b class="doubt">${counted(open, "unfinished operation")}</b>`]),
    ...(application.serverVersion === null ? [] : [markup`Kubernetes ${application.serverVersion}`]),
    markup`as of ${time(created)}`
  ]
  return markup`<ul class="facts" aria-label="At a glance">
    ${items.map((item) => markup`<li>${item}</li>`)}
  </ul>`
}

interface Section {
  readonly id: string
  readonly title: string
  readonly body: Html | null
}

/** `carry` puts flags into a command of the page's own. */
export const page = (report: Report, carry = (text: string): string => text): Html => {
  const { kind, name } = titleOf(report)
  const sections: ReadonlyArray<Section> = [
    { id: "answers", title: "Answers", body: answers(report) },
    { id: "map", title: "Where it runs", body: map(report) },
    { id: "reasons", title: "Why, and what to do", body: reasons(report) },
    { id: "claims", title: "Volumes", body: claims(report) },
    { id: "snapshots", title: "Snapshots", body: snapshots(report, carry) },
    { id: "operations", title: "Operations", body: operations(report) },
    { id: "objects", title: "What it consists of", body: surroundings(report) },
    { id: "warnings", title: "Warnings", body: warnings(report) },
    { id: "unread", title: "Not read", body: unread(report) }
  ]
  const shown = sections.filter(({ body }) => body !== null)
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <meta name="robots" content="noindex" />
        <title>${name}: ${kind}</title>
        ${style(css)}
      </head>
      <body>
        <a class="skip" href="#answers">Skip to the answers</a>
        <header>
          <p class="kind">${kind}</p>
          <h1>${name}</h1>
          ${facts(report)}
        </header>
        <nav aria-label="Contents">
          <ul>
            ${shown.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>`)}
          </ul>
        </nav>
        <main>${shown.map(({ body }) => body)}</main>
        <footer>
          <div>
            <p>
              Made by <code>kubectl stateful report</code>, kubectl-stateful v${manifest.version}. Nothing was
              changed, and no Secret was read.
            </p>
            <p>
              Messages of events, drivers and hooks are shown as their programs wrote them, without what has
              the form of a credential. Read them before you pass this page on.
            </p>
          </div>
        </footer>
      </body>
    </html> `
}
