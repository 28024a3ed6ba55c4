import { assert, describe, it } from "vitest"
import { type Output, processScreen } from "../../../packages/kubectl-stateful/src/command/screen.ts"

const write = () => true
const screen = (stdout: Partial<Output>, environment: Readonly<Record<string, string>> = {}) => {
  const { columns, width } = processScreen({ write, ...stdout }, { write }, environment)
  return { columns, width }
}

describe("the screen", () => {
  it("is as wide as its terminal, with prose no wider than it can be read", () => {
    assert.deepEqual(screen({ isTTY: true, columns: 80 }), { columns: 80, width: 80 })
    assert.deepEqual(screen({ isTTY: true, columns: 200 }), { columns: 120, width: 200 })
    assert.deepEqual(screen({ isTTY: true, columns: 0 }), { columns: 80, width: 80 })
  })

  it("has no width where it is piped, so that a row stays a line", () => {
    assert.deepEqual(screen({}), { columns: 80, width: undefined })
    assert.deepEqual(screen({}, { COLUMNS: "100" }), { columns: 100, width: undefined })
  })
})
