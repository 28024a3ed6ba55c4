import { assert, describe, it } from "vitest"
import { nothing, printed, visible } from "../../packages/kubectl-stateful/src/print/terminal.ts"
import { type Screen, write } from "../../packages/kubectl-stateful/src/command/screen.ts"
import { code, files } from "./sources.ts"

const plugin = "packages/kubectl-stateful/src/"
const sources = files(plugin).filter((path) => path.endsWith(".ts"))
const having = (pattern: RegExp) => sources.filter((path) => pattern.test(code(path)))

describe("every byte to a terminal passes one type", () => {
  it("which one file makes", () => {
    assert.deepEqual(having(/\bas (Printable|Visible)\b/), [`${plugin}print/terminal.ts`])
  })

  it("and which one place writes", () => {
    const writers =
      /\.write\(|\bconsole\.|\bthis\.(log|warn|logJson|logToStderr)\(|\bux\b|process\.emitWarning|writeSync/
    assert.deepEqual(having(writers), [`${plugin}command/screen.ts`])
  })

  it("and which the compiler lets nothing else be", () => {
    const said: Array<string> = []
    const out: Screen["out"] = (text) => void said.push(text)
    const name: string = "db"
    out(visible(name))
    out(printed`${visible(name)} ${1}${nothing}`)
    // @ts-expect-error -- a raw text is refused by a screen,
    out(name)
    // @ts-expect-error -- also in the middle of our own words,
    out(printed`${name}`)
    // @ts-expect-error -- and so is what was made of one that passed,
    out(visible(name).toUpperCase())
    // @ts-expect-error -- by a process' output as well.
    write({ write: () => true }, name)
    assert.deepEqual(said.slice(0, 2), ["db", "db 1"])
  })
})
