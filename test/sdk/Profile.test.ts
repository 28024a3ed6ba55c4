import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { profilesText } from "../../packages/kubectl-stateful/src/print/profile.ts"
import { parseYaml } from "../../packages/sdk/src/Manifest.ts"
import {
  all,
  fromFile,
  hintsFor,
  named,
  names,
  quiesceFromFile,
  quiesceNamed,
  read
} from "../../packages/sdk/src/Profile.ts"
import { fingerprint, meansOf, reachesOf } from "../../packages/sdk/src/Quiesce.ts"
import { read as readText } from "../house/sources.ts"
import { published, violations } from "./jsonSchema.ts"

const schema = published("Profile")
const file = (sections: object) => ({ apiVersion: "kubectl-stateful.dev/v1", kind: "Profile", ...sections })
const whyNot = (content: unknown): string => {
  const found = read("a.yaml", content)
  return Result.isFailure(found) ? found.failure : ""
}
const calls = {
  guarantee: "blocks-writes",
  quiesce: { post: "http://:8080/freeze?ms={deadline}", release: "https://:8443/release" },
  thaw: { post: "http://:8080/thaw" }
}

describe("a built-in profile", () => {
  for (const output of ["yaml", "json"] as const) {
    it.effect(`that is printed as ${output} and used as a file is the same profile`, () =>
      Effect.gen(function* () {
        for (const one of all()) {
          const text = yield* profilesText([one], true, output, { columns: 80 })
          const content = yield* parseYaml(text)
          const held = quiesceNamed(one.name)
          const read = quiesceFromFile(`./${one.name}.yaml`, content)
          assert.deepEqual(Result.map(read, fingerprint), Result.map(held, fingerprint), one.name)
          const hooks = (from: unknown) => names(Result.getOrThrow(fromFile(from)))
          assert.deepEqual(hooks(content), hooks(Result.getOrThrow(named(one.name))), one.name)
          assert.deepEqual(violations(schema, content), [], one.name)
        }
      })
    )
  }

  it.effect("is listed with one sentence", () =>
    Effect.gen(function* () {
      const text = yield* profilesText(all(), false, undefined, { columns: 120 })
      for (const { name, file: one } of all()) {
        assert.match(text, new RegExp(`^${name} `, "m"))
        assert.match(one.description ?? "", /^\w[^\n]*\.$/)
      }
    })
  )
})

describe("an image's name", () => {
  it("reminds of a profile, wherever the image is from; one of a tool beside it does not", () => {
    const images = ["registry:5000/bitnami/redis:7@sha256:00", "ghcr.io/x/postgresql:16", "mariadb"]
    assert.deepEqual(hintsFor(images), ["mariadb", "postgres", "redis"])
    assert.deepEqual(hintsFor(["oliver006/redis_exporter", "bitnami/redis-exporter:1", "mysql:8", ""]), [])
  })
})

describe("the JSON Schema of a profile's file", () => {
  it.effect("takes what the pages show, and finds a misspelt key, as reading the file does", () =>
    Effect.gen(function* () {
      for (const page of ["docs/profiles.md", "docs/scale.md"]) {
        const shown = [...readText(page).matchAll(/```yaml\n([\s\S]*?)```/g)]
        assert.isAbove(shown.length, 0, page)
        for (const [, yaml = ""] of shown) {
          const content = yield* parseYaml(yaml)
          assert.deepEqual(violations(schema, content), [], yaml)
          assert.isTrue(Result.isSuccess(read("shown.yaml", content)), yaml)
        }
      }
      const wrong = file({ snapshot: { ...calls, taw: { post: "http://:1/" } } })
      assert.deepEqual(violations(schema, wrong), ["$.snapshot.taw: not described"])
      assert.notStrictEqual(whyNot(wrong), "")
    })
  )
})

describe("a profile of requests", () => {
  it("reaches pods by the proxy alone, and says so; one with a command beside them by both", () => {
    const of = (snapshot: object) => Result.getOrThrow(quiesceFromFile("a.yaml", file({ snapshot })))
    assert.deepEqual(reachesOf(of(calls)), ["proxy"])
    assert.strictEqual(meansOf(of(calls)), "request")
    assert.deepEqual(reachesOf(of({ ...calls, probe: { command: ["check"] } })), ["exec", "proxy"])
    const { hold } = of(calls)
    assert.deepInclude(hold, { _tag: "QuiesceCalls", deadline: 10_000 })
    assert.deepNestedInclude(hold, {
      "quiesce.url": { scheme: "http", port: 8080, path: "/freeze?ms=10000" }
    })
  })

  it("without a thaw, of another host, or of no address is refused in one line", () => {
    const { thaw: _, ...without } = calls
    assert.match(whyNot(file({ snapshot: without })), /snapshot\.thaw: required/)
    for (const post of ["http://example.com:80/x", "/freeze", "http://:0/", "ftp://:21/"]) {
      const snapshot = { ...calls, thaw: { post } }
      assert.include(whyNot(file({ snapshot })), `snapshot.thaw: ${post} is not an address in a pod`)
    }
  })
})

describe("a profile that holds nothing", () => {
  it("must say where its data is, and claims no more than that each member recovers", () => {
    const oneVolume = { command: ["where"] }
    assert.match(whyNot(file({ snapshot: { guarantee: "recoverable-per-member" } })), /needs oneVolume/)
    assert.match(whyNot(file({ snapshot: { guarantee: "blocks-writes", oneVolume } })), /needs oneVolume/)
    assert.strictEqual(whyNot(file({ snapshot: { guarantee: "recoverable-per-member", oneVolume } })), "")
  })
})

describe("a profile's container", () => {
  it("is that of each command that names none", () => {
    const sections = {
      container: "db",
      scale: { afterAdd: { command: ["join"] }, probe: { command: ["in"], container: "side" } },
      snapshot: { guarantee: "blocks-writes", quiesce: { command: ["hold"] }, thaw: { command: ["go"] } }
    }
    const { afterAdd, probe } = Result.getOrThrow(fromFile(file(sections)))
    assert.deepInclude(afterAdd, { container: "db" })
    assert.deepInclude(probe, { container: "side" })
    const { hold, thaw } = Result.getOrThrow(quiesceFromFile("a.yaml", file(sections)))
    assert.deepInclude(hold, { container: "db" })
    assert.deepInclude(thaw, { container: "db" })
  })
})
