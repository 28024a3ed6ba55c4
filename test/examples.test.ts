/** Runs every example as a reader would, without a cluster, and compares what it prints with what it says it prints. */
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, assert, describe, it } from "vitest"

const folder = new URL("../examples/", import.meta.url)
/** They have most of their modules in common. */
const compiled = mkdtempSync(join(tmpdir(), "examples-"))
afterAll(() => rmSync(compiled, { recursive: true }))

const announced = /^\s*\/\/ => (.*)$/

const examples = readdirSync(folder).filter((name) => name.endsWith(".ts") && name !== "cluster.ts")

// Most of their time is the clock's: they wait for it side by side.
describe.concurrent("the examples", () => {
  it("are there", () => {
    assert.isNotEmpty(examples)
  })

  for (const name of examples) {
    it(`${name} prints the lines that its \`// =>\` comments announce`, async () => {
      const file = new URL(name, folder)
      const expected = readFileSync(file, "utf8")
        .split("\n")
        .flatMap((line) => announced.exec(line)?.slice(1) ?? [])
      assert.isNotEmpty(expected)
      const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", file.pathname], {
        env: { ...process.env, NODE_COMPILE_CACHE: compiled }
      })
      assert.deepEqual(stdout.trimEnd().split("\n"), expected)
    })
  }
})
