/** The script by which a check pod writes back what was kept, as a real shell runs it. */
import { execFileSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { noPlace, otherThere, writeCommand } from "../../packages/sdk/src/step/writeBack.ts"

const folder = mkdtempSync(join(tmpdir(), "write-back-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** As the kubelet hands it on: `$$` is a dollar, and `$(NAME)` is filled in where there is such a variable. */
const asRun = (word: string): string =>
  word.replace(/\$\$|\$\(HOME\)/g, (found) => (found === "$$" ? "$" : "/root"))

const run = (volumes: ReadonlyArray<string>, content: string): readonly [number, string] => {
  const file = { text: "backup_label", beside: "global/pg_control", content }
  const [shell = "", ...args] = writeCommand(volumes, [file]).map(asRun)
  try {
    return [0, execFileSync(shell, args, { encoding: "utf8" })]
  } catch (error) {
    const { status, stdout } = error as { readonly status: number; readonly stdout: string }
    return [status, stdout.trim()]
  }
}

/** A volume with a data directory, so many directories deep. */
const volume = (name: string, path: string): string => {
  const data = join(folder, name, path)
  mkdirSync(join(data, "global"), { recursive: true })
  writeFileSync(join(data, "global/pg_control"), "")
  return data
}

describe("what is written back to a volume", () => {
  it("is byte for byte what was kept, beside its file, once, and again as often as one likes", () => {
    const data = volume("plain", "a/pg data")
    const bare = join(folder, "bare")
    mkdirSync(bare)
    const text = "LINE $(HOME) $$ `id` 'x' \\n %s\n\n  two\n"
    for (const _ of [1, 2]) {
      assert.deepEqual(run([bare, join(folder, "plain")], text), [0, ""])
      assert.strictEqual(readFileSync(join(data, "backup_label"), "utf8"), text)
    }
    assert.deepEqual(readdirSync(data).toSorted(), ["backup_label", "global"])
    assert.isEmpty(readdirSync(bare))
  })

  it("starts again if a check pod died with half of it", () => {
    const data = volume("half", "")
    writeFileSync(join(data, "backup_label.kubectl-stateful"), "LI")
    assert.deepEqual(run([join(folder, "half")], "LINE\n"), [0, ""])
    assert.strictEqual(readFileSync(join(data, "backup_label"), "utf8"), "LINE\n")
    assert.notInclude(readdirSync(data), "backup_label.kubectl-stateful")
  })

  it("never takes the place of another text, or goes through a link", () => {
    const data = volume("other", "")
    writeFileSync(join(data, "backup_label"), "LINE")
    assert.strictEqual(run([join(folder, "other")], "LINE\n")[0], otherThere)
    assert.strictEqual(readFileSync(join(data, "backup_label"), "utf8"), "LINE")
    const target = join(folder, "elsewhere")
    const linked = volume("linked", "")
    for (const name of ["backup_label", "backup_label.kubectl-stateful"]) {
      rmSync(join(linked, "backup_label"), { force: true })
      symlinkSync(target, join(linked, name))
      run([join(folder, "linked")], "LINE\n")
      assert.isFalse(existsSync(target), name)
    }
  })

  it("goes nowhere where no directory, or more than one, has that file, and follows no link to one", () => {
    volume("two", "a")
    volume("two", "b")
    assert.match(run([join(folder, "two")], "x")[1], /several directories have global\/pg_control/)
    assert.strictEqual(run([join(folder, "two/a"), join(folder, "two/b")], "x")[0], noPlace)
    const off = join(folder, "off")
    mkdirSync(off)
    symlinkSync(join(folder, "two/a"), join(off, "data"))
    assert.deepEqual(run([off], "x"), [
      noPlace,
      "backup_label is not written back: no directory has global/pg_control"
    ])
  })
})
