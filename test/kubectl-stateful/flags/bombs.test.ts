/** Files that are made to exhaust who reads them, by each flag that reads one. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { access } from "@kubectl-stateful/sdk/kubernetes"
import * as Effect from "effect/Effect"
import { afterAll, assert, describe, it } from "vitest"
import { setsIn } from "../../../packages/kubectl-stateful/src/flags/filename.ts"
import { hooksIn } from "../../../packages/kubectl-stateful/src/flags/profile.ts"

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-bombs-"))
afterAll(() => rmSync(folder, { recursive: true }))

const set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\n"
const deep = 8000
const letters = [..."abcdefghi"]
const bombs: Readonly<Record<string, string>> = {
  "JSON in JSON": `${'{"items":['.repeat(deep)}1${"]}".repeat(deep)}`,
  "a list in a list": `a: ${"[".repeat(deep)}${"]".repeat(deep)}\n`,
  "a list that is not closed": `a: ${"[".repeat(deep)}`,
  "a sequence in a sequence": `${"- ".repeat(deep)}x\n`,
  "a key of a key": `${"? ".repeat(deep)}a\n`,
  "an alias of aliases": `${letters
    .map(
      (name, index) => `${name}: &${name} [${`${index === 0 ? "x" : `*${letters[index - 1]}`},`.repeat(9)}]\n`
    )
    .join("")}${set}`,
  "a List in itself, by an alias": "&a\nkind: List\nitems: [*a]\n"
}

const readers: Readonly<Record<string, (file: string) => Promise<unknown>>> = {
  "-f": (file) => setsIn(file, undefined),
  "--kubeconfig": (file) => Effect.runPromise(access({ kubeconfig: file, environment: {} })),
  "--profile": (file) => hooksIn(file, false)
}

describe("a file that is made to exhaust its reader", () => {
  for (const [what, text] of Object.entries(bombs))
    it(`is refused in one line: ${what}`, async () => {
      const file = join(folder, "bomb.yaml")
      writeFileSync(file, text)
      for (const [flag, read] of Object.entries(readers)) {
        const refused = await read(file).then(
          () => "nothing",
          (error: Error) => error
        )
        assert.instanceOf(refused, Error, flag)
        if (refused instanceof Error) {
          assert.match(refused.name, /^(Usage|ClusterError|ManifestError)$/, flag)
          assert.notInclude(refused.message, "\n", flag)
        }
      }
    })

  it("has no keys that objects have of their own", async () => {
    const file = join(folder, "proto.yaml")
    writeFileSync(file, `${set}__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\n`)
    assert.deepEqual(await setsIn(file, undefined), [{ _tag: "Named", name: "db" }])
    writeFileSync(
      file,
      '{"__proto__":{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"db"}}}'
    )
    const refused = await setsIn(file, undefined).then(
      () => "",
      (error: Error) => error.message
    )
    assert.include(refused, "has no apps/v1 StatefulSet in it")
    assert.isUndefined(Reflect.get({}, "polluted"))
  })
})
