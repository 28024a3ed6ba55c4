import { assert, describe, it } from "vitest"
import recorded from "../../packages/kubectl-stateful/command-snapshot.json" with { type: "json" }
import { complete } from "../../packages/kubectl-stateful/src/complete.ts"
import { snapshot } from "../../packages/kubectl-stateful/src/snapshot.ts"

describe("the contract with scripts", () => {
  it("names every command, flag and short form as the code has them", async () => {
    assert.deepEqual<unknown>(await snapshot(), recorded, "run `npm run commands` and look at the difference")
  })

  it("gives each short form to one flag of a command", () => {
    for (const command of recorded.commands) {
      const chars = command.flags.flatMap((flag) => ("char" in flag ? [flag.char] : []))
      assert.deepEqual(chars, [...new Set(chars)], command.name)
    }
  })
})

describe("completion", () => {
  it("offers commands, each with what it does, and no file names", () => {
    const lines = complete(["de"]).split("\n")
    assert.match(lines[0] ?? "", /^describe\t\S/)
    assert.strictEqual(lines.at(-2), ":4")
  })

  it("offers a command's flags", () => {
    const lines = complete(["describe", "--na"]).split("\n")
    assert.match(lines[0] ?? "", /^--namespace\t/)
    assert.lengthOf(lines, 3)
  })

  it("offers the values of a flag that has a fixed set", () => {
    assert.strictEqual(complete(["describe", "-o", ""]), "json\nyaml\nwide\nname\n:4\n")
    assert.strictEqual(complete(["describe", "--output=j"]), "--output=json\n:4\n")
  })

  it("offers file names only for the kubeconfig", () => {
    assert.strictEqual(complete(["describe", "--kubeconfig", ""]), ":0\n")
    assert.strictEqual(complete(["describe", "-n", ""]), ":4\n")
  })

  it("offers nothing after a command that does not exist", () => {
    assert.strictEqual(complete(["nothing", "-"]), ":4\n")
  })
})
