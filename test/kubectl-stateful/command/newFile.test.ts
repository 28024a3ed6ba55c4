import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { writeNew } from "../../../packages/kubectl-stateful/src/command/newFile.ts"
import { readBytes } from "../../../packages/kubectl-stateful/src/flags/seal.ts"

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-file-"))
afterAll(() => rmSync(folder, { recursive: true }))

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail("it succeeded"),
    (error: unknown) => String(Reflect.get(Object(error), "fact") ?? error)
  )

describe("a file of an exported snapshot", () => {
  it("is whole and its owner's alone, or is not there: a disk that fills up leaves no half of one", async () => {
    const path = join(folder, "set.age")
    async function* untilFull() {
      yield Buffer.from("half")
      throw new Error("ENOSPC")
    }
    assert.include(await failure(writeNew(path, untilFull())), "ENOSPC")
    assert.isFalse(existsSync(path))
    await writeNew(path, Buffer.from("whole"))
    assert.strictEqual(readFileSync(path, "utf8"), "whole")
    assert.strictEqual(statSync(path).mode & 0o777, 0o600)
    assert.include(await failure(writeNew(path, Buffer.from("other"))), "EEXIST")
    assert.strictEqual(readFileSync(path, "utf8"), "whole")
  })

  it("is read up to a limit, whatever its size is said to be", async () => {
    const path = join(folder, "small")
    writeFileSync(path, "12345")
    assert.strictEqual(Buffer.from(await readBytes(path, 5, "file")).toString(), "12345")
    assert.include(await failure(readBytes(path, 4, "file")), "has more than 4 bytes")
    // A device has no size, and this one no end.
    assert.include(await failure(readBytes("/dev/zero", 1000, "file")), "has more than 1000 bytes")
    assert.include(await failure(readBytes(join(folder, "none"), 5, "file")), "ENOENT")
    assert.include(await failure(readBytes(folder, 5, "file")), "EISDIR")
  })
})
