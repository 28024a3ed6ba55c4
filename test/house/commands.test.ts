/** What is printed to be copied into a shell: there is no telling in which namespace that shell is. */
import { assert, describe, it } from "vitest"
import { files, read } from "./sources.ts"

const sources = files("packages").filter((path) => /\/(sdk|kubectl-stateful)\/src\/.*\.ts$/.test(path))

/** The rest of a command from its verb on, as far as the line of code says: up to a quote or what follows it. */
const commands = sources.flatMap((path) =>
  [
    ...read(path).matchAll(
      /kubectl (?:(?:delete|patch|label|annotate|edit|create|scale|taint) |stateful (?:scale|snapshots prune|abort NAME|abort \$\{shellWord) ?)[^\n]*/g
    )
  ]
    // A path of the API in a comment is no command.
    .filter(({ index }) => !/^\s*(\*|\/\/|\/\*\*)/.test(read(path).slice(0, index).split("\n").at(-1) ?? ""))
    .map(([text]) => ({ path, text }))
)

/** Objects without a namespace; and what is only half a command, to be completed by who knows where they are. */
const without =
  /^kubectl (?:\w+ )(?:pv|node|namespace|storageclass)\b|COUNT|NAME|prune` plans|create rolebinding\.|^kubectl delete \$\{object\}/

describe("a command that is printed", () => {
  it("has the namespace as one word of the shell, whatever it is called", () => {
    const bare = sources.filter((path) => /-n \$\{(?!shellWord\()/.test(read(path)))
    assert.deepEqual(bare, [])
  })
})

describe("a command that changes something", () => {
  it("names the namespace of what it changes", () => {
    assert.isAbove(commands.length, 10)
    assert.deepEqual(
      commands.filter(({ text }) => !without.test(text) && !text.includes("-n ")),
      []
    )
  })
})
