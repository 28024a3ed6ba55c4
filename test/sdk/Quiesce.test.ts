import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { parseYaml } from "../../packages/sdk/src/Manifest.ts"
import { fromFile, quiesceFromFile, quiesceNamed } from "../../packages/sdk/src/Profile.ts"
import { builtIn } from "../../packages/sdk/src/profile/builtIn.ts"
import { fingerprint, type Quiesce } from "../../packages/sdk/src/Quiesce.ts"
import { read } from "../house/sources.ts"

const file = (snapshot: object, more: object = {}) => ({
  apiVersion: "kubectl-stateful.dev/v1",
  kind: "Profile",
  snapshot,
  ...more
})
const minimal = { guarantee: "blocks-writes", quiesce: { command: ["hold", "{deadline}"] } }
const named = (name: string) => Result.getOrThrow(quiesceNamed(name))

/** The commands of one, in the order hold, thaw, probe; none where it is no command. */
const argvs = ({ hold, thaw, probe, oneVolume }: Quiesce) =>
  [hold, thaw, probe, oneVolume].map((one) =>
    one?._tag === "Command" || one?._tag === "QuiesceCommand" ? one.argv : []
  )

describe("a profile's section snapshot", () => {
  it.effect("is as docs/profiles.md has it, and scale reads the same file", () =>
    Effect.gen(function* () {
      const [, yaml = ""] = /```yaml\n([\s\S]*?)```/.exec(read("docs/profiles.md")) ?? []
      const content = yield* parseYaml(yaml)
      const quiesce = Result.getOrThrow(quiesceFromFile("lockd.yaml", content))
      assert.strictEqual(quiesce.guarantee, "blocks-writes")
      const [hold, thaw, probe] = argvs(quiesce)
      assert.include(hold?.[2], "--for 10000ms")
      assert.deepEqual(thaw, ["lockd", "release", "--force"])
      assert.deepEqual(probe, ["lockd", "status"])
      assert.hasAllKeys(Result.getOrThrow(fromFile(content)), ["afterAdd", "beforeRemove", "probe"])
    })
  )

  it("lets go by itself after 10 seconds where nothing is said, and a thaw has at least as long", () => {
    const quiesce = Result.getOrThrow(
      quiesceFromFile("a.yaml", file({ ...minimal, thaw: { command: ["go"], timeout: "2s" } }))
    )
    assert.strictEqual(quiesce.hold.deadline, 10_000)
    assert.deepEqual(argvs(quiesce)[0], ["hold", "10000"])
    assert.strictEqual(Reflect.get(Object(quiesce.thaw), "timeout"), 10_000)
  })

  it("with a key that is none, without a command, or held for ever is refused in one line", () => {
    const bad = [
      file({ ...minimal, taw: { command: ["go"] } }),
      file({ guarantee: "blocks-writes", quiesce: { command: [] } }),
      file({ ...minimal, guarantee: "atomic" }),
      file({ ...minimal, quiesce: { command: ["hold"], deadline: "1h" } }),
      file({ ...minimal, quiesce: { command: ["hold"], deadline: "0s" } }),
      file({ ...minimal, thaw: { command: ["go"], timeout: "soon" } }),
      { apiVersion: "kubectl-stateful.dev/v1", kind: "Profile", hooks: {} }
    ]
    for (const content of bad) {
      const refused = quiesceFromFile("a.yaml", content)
      assert.isTrue(Result.isFailure(refused), JSON.stringify(content))
      if (Result.isFailure(refused)) assert.notInclude(refused.failure, "\n")
    }
  })

  it("changes its fingerprint with each command and with the deadline, and not with its name", () => {
    const of = (content: object, name = "a.yaml") =>
      fingerprint(Result.getOrThrow(quiesceFromFile(name, content)))
    const plain = of(file(minimal))
    assert.strictEqual(of(file(minimal), "b.yaml"), plain)
    const others = [
      { ...minimal, guarantee: "one-member" },
      { ...minimal, thaw: { command: ["go"] } },
      { ...minimal, probe: { command: ["go"] } },
      { ...minimal, quiesce: { ...minimal.quiesce, deadline: "5s" } },
      { ...minimal, quiesce: { ...minimal.quiesce, container: "db" } }
    ]
    const all = [plain, ...others.map((other) => of(file(other)))]
    assert.strictEqual(new Set(all).size, all.length)
  })
})

describe("a built-in profile", () => {
  it("is told in docs/profiles.md, and an unknown one is refused with the names there are", () => {
    const page = read("docs/profiles.md")
    for (const [name, { snapshot }] of builtIn)
      assert.include(page, `| \`${name}\` | \`${snapshot?.guarantee}\``)
    const unknown = quiesceNamed("oracle")
    assert.match(Result.isFailure(unknown) ? unknown.failure : "", /no built-in profile oracle.*redis/)
  })

  it("has a probe where it holds, and no word of a password in the argv that it runs", () => {
    for (const [name, { snapshot }] of builtIn) {
      if (snapshot?.guarantee === "one-member") continue
      const quiesce = named(name)
      const isHeld = quiesce.hold._tag !== "NotQuiesced" || quiesce.waves !== undefined
      assert.strictEqual(quiesce.probe !== null, isHeld, name)
      for (const argv of argvs(quiesce)) {
        // An option with a value would stand in the list of processes.
        assert.notMatch(argv.join(" "), /--pass(word)?[= ]| -a | -p\$|AUTH "/)
      }
    }
  })
})
