/** The page in a real browser, where there is one: what it loads, runs, shows and says to a screen reader. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { printable } from "../../../packages/kubectl-stateful/src/report/Html.ts"
import { page as pageOf } from "../../../packages/kubectl-stateful/src/report/page.ts"
import { chromium, launch, type Page } from "./browser.ts"
import { badDay, hostile } from "./situation.ts"

const program = chromium()
const where = program === null ? " (skipped: no Chromium on the PATH, nor in CHROME_BIN)" : ""
if (program === null) console.info(`the report in a browser is not tested${where}`)

describe.runIf(program !== null)(`the report in a browser${where}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-report-"))
  const usual = join(folder, "usual.html")
  const evil = join(folder, "evil.html")
  let page: Page

  const open = (file: string) => page.open(pathToFileURL(file).href)
  const wide = (width: number) =>
    page.send("Emulation.setDeviceMetricsOverride", {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: false
    })
  const prefer = (...features: ReadonlyArray<readonly [name: string, value: string]>) =>
    page.send("Emulation.setEmulatedMedia", {
      features: features.map(([name, value]) => ({ name, value }))
    })
  const list = async (expression: string): Promise<ReadonlyArray<unknown>> =>
    (await page.evaluate(expression)) as ReadonlyArray<unknown>

  beforeAll(async () => {
    const report = await Effect.runPromise(badDay)
    writeFileSync(usual, printable(pageOf(report)))
    writeFileSync(evil, printable(pageOf(hostile(report))))
    page = await launch(program ?? "")
  })
  afterAll(async () => {
    await page.close()
    rmSync(folder, { recursive: true })
  })

  for (const [what, file] of [
    ["of a bad day", usual],
    ["whose every text is hostile", evil]
  ] as const) {
    it(`loads nothing and runs nothing, the one ${what}`, async () => {
      const before = page.events.length
      await open(file)
      const seen = page.events.slice(before)
      const requested = seen.flatMap(({ method, params }) =>
        method === "Network.requestWillBeSent" ? [Reflect.get(Object(params["request"]), "url")] : []
      )
      assert.deepEqual(requested, [pathToFileURL(file).href])
      assert.deepEqual(
        seen.filter(({ method }) =>
          /entryAdded|exceptionThrown|consoleAPICalled|javascriptDialog/.test(method)
        ),
        []
      )
      assert.deepEqual(await list("[document.scripts.length, document.images.length]"), [0, 0])
    })
  }

  it("is styled by its own sheet, which the policy lets pass, and by nothing that is put in later", async () => {
    await open(usual)
    const colour = "getComputedStyle(document.body).backgroundColor"
    await prefer(["prefers-color-scheme", "light"])
    assert.strictEqual(await page.evaluate(colour), "rgb(255, 255, 255)")
    await prefer(["prefers-color-scheme", "dark"])
    assert.strictEqual(await page.evaluate(colour), "rgb(16, 21, 27)")
    const later = `(() => {
      const style = document.createElement("style")
      style.textContent = "body{background:red!important}"
      document.head.append(style)
      return ${colour}
    })()`
    assert.strictEqual(await page.evaluate(later), "rgb(16, 21, 27)")
    await prefer()
  })

  for (const width of [320, 375, 768, 1280])
    it(`fits ${width} pixels: only a table scrolls, by itself`, async () => {
      await wide(width)
      await open(usual)
      assert.strictEqual(await page.evaluate("document.documentElement.scrollWidth"), width)
      const cut = `[...document.querySelectorAll("main *")]
        .filter((one) => !one.closest(".scroll") && !one.closest("svg") && one.getBoundingClientRect().right > ${width})
        .map((one) => one.outerHTML.slice(0, 80))`
      assert.deepEqual(await list(cut), [])
    })

  it("has all text of a drawing inside of it", async () => {
    await wide(1280)
    await open(usual)
    const out = `[...document.querySelectorAll(".map svg text, .timeline text")].filter((text) => {
      const [inner, outer] = [text.getBoundingClientRect(), text.closest("svg[role]").getBoundingClientRect()]
      return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.bottom > outer.bottom + 1
    }).map((text) => text.textContent)`
    assert.deepEqual(await list(out), [])
    assert.isAbove(Number(await page.evaluate('document.querySelectorAll(".map svg text").length')), 20)
  })

  it("has no text under a shape where another policy takes its style away, and all of it inside", async () => {
    await wide(1280)
    await open(usual)
    await page.evaluate("document.querySelector('style').remove()")
    const fills = (one: string) => `getComputedStyle(${one}).fill`
    assert.strictEqual(await page.evaluate(fills("document.querySelector('.map svg text')")), "rgb(0, 0, 0)")
    const covered = `[...document.querySelectorAll("svg")].flatMap((svg) =>
      [...svg.querySelectorAll("text, rect:not(.track), path.mark")].filter((inner) => {
        const { left, top, width, height } = inner.getBoundingClientRect()
        return [...svg.querySelectorAll("rect, path, circle")].some((shape) => {
          const box = shape.getBoundingClientRect()
          return shape !== inner && ${fills("shape")} !== "none" && box.left < left + width / 2 &&
            box.right > left + width / 2 && box.top < top + height / 2 && box.bottom > top + height / 2
        })
      }).map((inner) => inner.outerHTML))`
    assert.deepEqual(await list(covered), [])
    const out = `[...document.querySelectorAll(".map svg text")].filter((text) =>
      text.getBoundingClientRect().right > text.closest("svg").getBoundingClientRect().right + 1)
      .map((text) => text.textContent)`
    assert.deepEqual(await list(out), [])
  })

  it("can be walked through by keyboard: first to the answers, then each link, table and fold", async () => {
    await open(usual)
    const stops: Array<string> = []
    for (let count = 0; count < 200; count += 1) {
      await page.send("Input.dispatchKeyEvent", {
        type: "keyDown",
        key: "Tab",
        code: "Tab",
        windowsVirtualKeyCode: 9
      })
      await page.send("Input.dispatchKeyEvent", {
        type: "keyUp",
        key: "Tab",
        code: "Tab",
        windowsVirtualKeyCode: 9
      })
      const [kind, text] = (await list(
        '[document.activeElement.tagName, document.activeElement.getAttribute("href") ?? document.activeElement.ariaLabel ?? document.activeElement.textContent]'
      )) as readonly [string, string]
      if (kind === "BODY") break
      stops.push(`${kind} ${text}`)
    }
    assert.strictEqual(stops[0], "A #answers")
    for (const kind of ["A", "DIV", "SUMMARY"]) {
      const all = `[...document.querySelectorAll("${kind === "DIV" ? ".scroll" : kind.toLowerCase()}")].filter((one) => one.checkVisibility()).length`
      assert.strictEqual(
        stops.filter((stop) => stop.startsWith(`${kind} `)).length,
        await page.evaluate(all),
        kind
      )
    }
  })

  it("tells a screen reader its headings in order, its tables by caption and its drawings by name", async () => {
    await open(usual)
    const levels = (await list(
      '[...document.querySelectorAll("h1,h2,h3,h4")].map((one) => Number(one.tagName[1]))'
    )) as ReadonlyArray<number>
    assert.strictEqual(levels.filter((level) => level === 1).length, 1)
    assert.isTrue(levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1))
    const { nodes } = await page.send("Accessibility.getFullAXTree")
    const tree = nodes as ReadonlyArray<{
      readonly ignored: boolean
      readonly role?: { readonly value: string }
      readonly name?: { readonly value: string }
    }>
    const named = (role: string) =>
      tree.filter((node) => !node.ignored && node.role?.value === role).map((node) => node.name?.value ?? "")
    for (const role of ["table", "image", "link", "heading", "navigation"]) {
      assert.isNotEmpty(named(role), role)
      assert.notInclude(named(role), "", role)
    }
    assert.lengthOf(named("main"), 1)
    assert.include(named("image"), "Zone eu-central-1b")
    assert.include(named("image"), "Timeline of snapshots and operations")
  })

  it("prints what is folded on the screen, light, and without the navigation", async () => {
    await prefer(["prefers-color-scheme", "dark"])
    await open(usual)
    await page.send("Emulation.setEmulatedMedia", { media: "print" })
    assert.deepEqual(
      await list(
        '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector("nav")).display, [...document.querySelectorAll("details:not([open]) > *:last-child")].every((one) => one.getBoundingClientRect().height > 0)]'
      ),
      ["rgb(255, 255, 255)", "none", true]
    )
    const { data } = await page.send("Page.printToPDF", { preferCSSPageSize: true })
    assert.isAbove(String(data).length, 10_000)
    await page.send("Emulation.setEmulatedMedia", { media: "" })
  })
})
