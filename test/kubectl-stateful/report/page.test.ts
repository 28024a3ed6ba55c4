import { createHash } from "node:crypto"
import { assert, beforeAll, describe, it } from "vitest"
import * as Effect from "effect/Effect"
import { documentText } from "../../../packages/kubectl-stateful/src/print/document.ts"
import { printable } from "../../../packages/kubectl-stateful/src/report/Html.ts"
import { page } from "../../../packages/kubectl-stateful/src/report/page.ts"
import { utc } from "../../../packages/kubectl-stateful/src/report/pieces.ts"
import { carrying, type Report } from "../../../packages/kubectl-stateful/src/report/Report.ts"
import { code, files } from "../../house/sources.ts"
import { badDay, canaries, hostile } from "./situation.ts"
import { looseText, tagsOf } from "./tags.ts"

let report: Report
let html = ""

beforeAll(async () => {
  report = await Effect.runPromise(badDay)
  html = printable(page(report))
})

/** Without markup and line breaks, as a reader has it. */
const wordsOf = (of: string): string =>
  looseText(of).replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll(/\s+/g, " ")

describe("the page of a bad day", () => {
  it("answers the four questions, each with its grade, evidence and what to do", () => {
    const words = wordsOf(html)
    for (const { question, findings } of report.application.checklist) {
      assert.include(html, `<section id="${question}"`)
      for (const { evidence, remedy, answer } of findings) {
        assert.include(words, evidence)
        if (remedy !== null && answer !== "Yes" && !remedy.includes("'")) assert.include(words, remedy)
      }
    }
    assert.include(words, "Can it recover from a rack or server restart? ✕ No")
    assert.include(words, "Can it move to another cluster? ✓ Yes")
  })

  it("shows where each replica and volume is, in a drawing and in a table", () => {
    const [, map = ""] = /<section id="map"([\s\S]*?)<\/section>/.exec(html) ?? []
    const [drawing = "", table = ""] = map.split("Legend of the map")
    for (const name of ["eu-central-1a", "eu-central-1b", "eu-central-1c", "r1", "db-0", "db-1", "node-b1"]) {
      assert.include(drawing, name)
      assert.include(table, name)
    }
    assert.include(wordsOf(drawing), "node node-b1, unreachable: db-1 is not ready with data-db-1 (any node)")
    assert.include(drawing, ">data-db-2<")
    assert.include(drawing, ">20Gi, any node<")
    assert.include(drawing, ">node-b2, no replica<")
  })

  it("has a title and a description for each drawing that is not decoration", () => {
    const drawings = html.match(/<svg\b[^>]*role="img"[^>]*>[\s\S]*?<\/desc>/g) ?? []
    assert.lengthOf(drawings, 4)
    for (const drawing of drawings) {
      const [, title = "", desc = ""] = /aria-labelledby="(\S+)" aria-describedby="(\S+)"/.exec(drawing) ?? []
      assert.match(drawing, new RegExp(`<title id="${title}">[^<]+</title>`))
      assert.match(drawing, new RegExp(`<desc id="${desc}">[^<]+</desc>`))
    }
  })

  it("has each snapshot on the timeline and in the table, with its level and skew", () => {
    const words = wordsOf(html)
    for (const text of [
      "frozen: quiesced, skew 0ms, restorable: yes",
      "nightly: group, skew 0ms",
      "one-by-one: crash, skew 1.1s"
    ])
      assert.include(words, text)
    assert.match(words, /one-by-one\s*2026-11-28 [\d:]{8} UTC\s*\d+m ago\s*crash\s*1\.1s/)
  })

  it("has each operation with its steps, the way on of one that stopped, and the freeze window", () => {
    const words = wordsOf(html)
    const [stopped, frozen] = report.operations.items
    assert.strictEqual(stopped?.phase, "Stopped")
    assert.include(words, `kubectl stateful resume ${stopped?.id} -n shop to continue`)
    assert.include(words, "afterAdd in db-3")
    const { started, ended, ...freeze } = frozen?.freeze ?? { started: null, ended: null }
    assert.deepEqual(freeze, {
      step: 0,
      members: ["db-0", "db-1", "db-2"],
      deadline: 10_000,
      inStages: false
    })
    assert.include(
      words,
      `Freeze window: within ${utc(started ?? "")} to ${utc(ended ?? "")}; db-0, db-1, db-2 would have been released after 10s.`
    )
    assert.match(words, /Member\s*For\s*Limit\s*Part of the limit\s*db-0\s*\d+ms\s*10s/)
  })

  it("has flags in the way on of an operation, and in its own command, as in each other one", () => {
    const carry = (text: string) => text.replace("kubectl stateful ", "kubectl stateful --context '<i>' ")
    const [item] = report.snapshots.items
    const items = Array.from({ length: 61 }, () => item ?? assert.fail("no snapshot"))
    const words = printable(page(carrying({ ...report, snapshots: { items, unread: [] } }, carry), carry))
    const context = "kubectl stateful --context &#39;&lt;i&gt;&#39;"
    assert.include(words, `${context} resume`)
    assert.include(words, `${context} snapshots -n shop`)
    assert.notInclude(words, "kubectl stateful resume")
    // What the cluster says of the application is no command of ours.
    const { checklist: _, ...rest } = carrying(report, () => "changed").application
    const { checklist, ...own } = report.application
    assert.isNotEmpty(checklist)
    assert.deepEqual(rest, own)
  })

  it("is the same for the same report, whatever the time", () => {
    assert.strictEqual(printable(page(JSON.parse(JSON.stringify(report)) as Report)), html)
    const sources = files("packages/kubectl-stateful/src/report").filter((path) => path.endsWith(".ts"))
    assert.isAbove(sources.length, 5)
    const clock = /Date\.now|new Date\(\s*\)|performance\.|Math\.random|toLocale|process\./
    assert.deepEqual(
      sources.filter((path) => clock.test(code(path))),
      []
    )
  })
})

/** Elements and attributes that are in a page. There is none by which one could load or run anything. */
const elements =
  /^(html|head|meta|title|style|body|a|header|nav|main|footer|section|div|p|h1|h2|h3|ul|li|dl|dt|dd|b|strong|span|code|time|details|summary|table|caption|thead|tbody|tr|th|td|figure|figcaption|svg|desc|g|path|circle|rect|line|text)$/
const attributes =
  /^(lang|charset|http-equiv|content|name|class|id|href|role|tabindex|open|scope|datetime|focusable|aria-[a-z]+|viewBox|x|y|x1|x2|y1|y2|cx|cy|r|rx|d|width|height|overflow|text-anchor|fill|stroke|stroke-dasharray|font-family|font-size)$/

describe("a page is safe to open, whatever is in the cluster", () => {
  for (const [which, pageOf] of [
    ["of a bad day", () => html],
    ["whose every text is hostile", () => printable(page(hostile(report)))]
  ] as const) {
    it(`${which}: it has only harmless elements and attributes`, () => {
      const tags = tagsOf(pageOf())
      assert.isAbove(tags.length, 500)
      assert.deepEqual(
        tags.filter(
          ({ name, attributes: own }) =>
            !elements.test(name) || own.some(([attribute]) => !attributes.test(attribute))
        ),
        []
      )
      // Every other bracket is written as an entity.
      assert.notMatch(looseText(pageOf()), /[<>]/)
    })

    it(`${which}: it refers to nothing outside itself`, () => {
      const tags = tagsOf(pageOf())
      const ids = new Set(
        tags.flatMap(({ attributes: own }) => own.flatMap(([key, id]) => (key === "id" ? [id] : [])))
      )
      const links = tags.flatMap(({ attributes: own }) =>
        own.flatMap(([key, value]) => (key === "href" ? [value] : []))
      )
      assert.isAbove(links.length, 5)
      assert.deepEqual(
        links.filter((link) => !link.startsWith("#") || !ids.has(link.slice(1))),
        []
      )
      assert.notMatch(pageOf(), /url\(|@import/)
    })

    it(`${which}: no character in it is hidden or acts on a terminal`, () => {
      // oxlint-disable-next-line no-control-regex -- these are what must not be there
      assert.notMatch(pageOf(), /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\p{Cf}\u2028\u2029]/u)
    })
  }

  it("has each id once, also of names that are alike", () => {
    const ids = tagsOf(html).flatMap(({ attributes: own }) =>
      own.flatMap(([key, id]) => (key === "id" ? [id] : []))
    )
    assert.deepEqual(ids, [...new Set(ids)])
  })

  it("allows its own style and nothing else", () => {
    const [, policy = ""] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html) ?? []
    const [, sheet = ""] = /<style>([\s\S]*?)<\/style>/.exec(html) ?? []
    const hash = createHash("sha256").update(sheet).digest("base64")
    assert.deepEqual(policy.replaceAll("&#39;", "'").split("; "), [
      "default-src 'none'",
      `style-src 'sha256-${hash}'`,
      "base-uri 'none'",
      "form-action 'none'"
    ])
  })
})

describe("a report can be passed on", () => {
  it("with nothing that is in a Secret, a ConfigMap, the environment, arguments or annotations, and no token", async () => {
    const json = await Effect.runPromise(documentText(report, "json"))
    const yaml = await Effect.runPromise(documentText(report, "yaml"))
    for (const text of [html, json, yaml]) {
      // The text around it is there, so it was not merely left out as a whole.
      assert.include(text, "Readiness probe failed")
      for (const canary of Object.values(canaries)) {
        assert.notInclude(text, canary)
        assert.notInclude(text, btoa(canary))
      }
      assert.notInclude(text, "canary")
    }
  })
})
