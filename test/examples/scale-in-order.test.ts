import { execFileSync } from "node:child_process"
import { assert, it } from "vitest"
import { read, root } from "../house/sources.ts"

const path = "examples/scale-in-order.ts"

it("the example prints what its own lines say", { timeout: 60_000 }, () => {
  const promised = [...read(path).matchAll(/^\s*\/\/ => (.*)$/gm)].map((found) => found[1])
  const printed = execFileSync(process.execPath, ["--conditions=source", path], {
    cwd: root,
    encoding: "utf8"
  })
  assert.isAbove(promised.length, 5)
  assert.deepEqual(printed.trimEnd().split("\n"), promised)
})
