/** Every message in docs/troubleshooting.md is one that the sources write. */
import { assert, describe, it } from "vitest"
import { files, read } from "../house/sources.ts"

const page = read("docs/troubleshooting.md")
const messages = [...page.matchAll(/^### `(.*)`$/gm)].map(([, message = ""]) => message)

const lines = files("packages")
  .filter((path) => /\/(sdk|kubectl-stateful)\/src\/.*\.ts$/.test(path))
  .flatMap((path) => read(path).split("\n"))
  .filter((line) => !/^\s*(\*|\/\/|\/\*\*)/.test(line))

/** Its fixed text: what is between the words in capitals. */
const fixed = (message: string): ReadonlyArray<string> => message.split(/\b[A-Z]{2,}\b/)

const escaped = (text: string): string => text.replaceAll(/[^\w\s]/g, "\\$&")

/** A line of the sources with the fixed text, and values between its parts. */
const isWritten = (message: string): boolean => {
  const pattern = new RegExp(fixed(message).map(escaped).join("\\$\\{.*\\}"))
  return lines.some((line) => pattern.test(line))
}

describe("troubleshooting", () => {
  it("has the messages that users meet", () => {
    assert.isAtLeast(messages.length, 25)
    assert.deepEqual(
      messages.filter((message) => fixed(message).join("").trim().length < 12),
      []
    )
  })

  for (const message of messages) {
    it(`quotes what the sources write: ${message}`, () => {
      assert.isTrue(isWritten(message))
    })
  }
})
