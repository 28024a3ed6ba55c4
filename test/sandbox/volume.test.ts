import { assert, describe, it } from "@effect/vitest"
import { NoSpace, Volume } from "../../packages/sandbox/src/storage/Volume.ts"

describe("a volume", () => {
  it("gives back the bytes that were written and appended", () => {
    const volume = new Volume()
    volume.write("/log", "one\n")
    volume.append("log", "two\n")
    assert.strictEqual(volume.readText("./log"), "one\ntwo\n")
    assert.isUndefined(volume.read("none"))
    assert.deepStrictEqual(volume.list(), ["log"])
  })

  it("and its copy do not see each other's writes", () => {
    const volume = new Volume()
    volume.write("log", "one\n")
    const copy = volume.copy()
    volume.append("log", "two\n")
    copy.write("other", "x")
    assert.strictEqual(copy.readText("log"), "one\n")
    assert.deepStrictEqual(volume.list(), ["log"])
  })

  it("refuses what does not fit, and keeps what it had", () => {
    const volume = new Volume(4)
    volume.write("log", "1234")
    assert.throws(() => volume.append("log", "5"))
    try {
      volume.append("log", "5")
    } catch (error) {
      assert.instanceOf(error, NoSpace)
    }
    assert.strictEqual(volume.readText("log"), "1234")
    volume.remove("log")
    assert.strictEqual(volume.used, 0)
  })

  it("does not share the caller's own bytes", () => {
    const volume = new Volume()
    const bytes = new Uint8Array([1, 2])
    volume.write("data", bytes)
    bytes[0] = 9
    assert.deepStrictEqual([...(volume.read("data") ?? [])], [1, 2])
  })

  it("loses in a power cut what was buffered, and nothing else", () => {
    const volume = new Volume()
    volume.write("log", "one\n")
    volume.append("log", "two\n", { buffered: true })
    volume.write("other", "lost", { buffered: true })
    volume.write("third", "kept")
    const before = volume.copy()
    volume.cutPower()
    assert.strictEqual(volume.readText("log"), "one\n")
    assert.deepStrictEqual(volume.list(), ["log", "third"])
    assert.strictEqual(volume.used, 8)
    before.sync()
    before.cutPower()
    assert.strictEqual(before.readText("log"), "one\ntwo\n")
  })

  it("keeps what was buffered once the same file is written through", () => {
    const volume = new Volume()
    volume.append("log", "one\n", { buffered: true })
    volume.append("log", "two\n")
    volume.cutPower()
    assert.strictEqual(volume.readText("log"), "one\ntwo\n")
  })
})
