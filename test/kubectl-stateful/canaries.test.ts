/**
 * A Secret's value in every place where something could be written: what each command prints in each of its
 * formats, what it sends to the cluster but to Secrets, and the files that it leaves. In any encoding.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import type { Cluster } from "../../packages/sdk/src/Cluster.ts"
import { done, stopped, transferring, words } from "../rbac/begun.ts"
import { putsConfig } from "../rbac/restoring.ts"
import { typed } from "../rbac/typed.ts"
import { canaries, withConfig } from "../sdk/restore/configured.ts"
import type { World } from "../simulation/world.ts"

const values = Object.values(canaries).map((text) => Buffer.from(text, "base64").toString())

/** What base64 of anything with the value in it has, wherever in it the value is. */
const shifted = (value: string): ReadonlyArray<string> =>
  [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), Buffer.from(value)]).toString("base64")
    // The first and the last letters depend on what is beside the value.
    return text.slice(before === 0 ? 0 : before + 1, -4)
  })

/** A digest without a key is as good as the value, where that can be guessed. */
const digests = (value: string): ReadonlyArray<string> =>
  ["md5", "sha1", "sha256", "sha512"].flatMap((name) =>
    [value, Buffer.from(value).toString("base64"), JSON.stringify(value)].flatMap((text) => {
      const digest = createHash(name).update(text).digest()
      return [digest.toString("hex").slice(0, 32), digest.toString("base64").slice(0, 20)]
    })
  )

const hex = (value: string) => Buffer.from(value).toString("hex")
const forms = values.flatMap((value) => [
  value,
  [...value].toReversed().join(""),
  ...shifted(value),
  ...shifted(value).map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  hex(value),
  hex(value).toUpperCase(),
  hex(Buffer.from(value).toString("base64")),
  [...value].map((letter) => `%${hex(letter)}`).join(""),
  [...value].map((letter) => `\\u00${hex(letter)}`).join(""),
  [...value].map((letter) => `&#${letter.codePointAt(0)};`).join(""),
  ...digests(value)
])

/** In which form it is there. */
const formIn = (text: string): string | undefined => forms.find((form) => text.includes(form))

/** Notes what is sent, but to Secrets, which are where the values belong. */
const noting = (inner: Cluster["Service"], sent: Array<readonly [where: string, text: string]>) => ({
  ...inner,
  request: (request: Parameters<typeof inner.request>[0]) => {
    const isSecret = /\/secrets(\/|\?|$)/.test(request.path)
    sent.push([`${request.method} ${request.path}`, isSecret ? request.path : JSON.stringify(request)])
    return inner.request(request)
  },
  exec: (request: Parameters<typeof inner.exec>[0]) => {
    sent.push([`exec ${request.pod}`, JSON.stringify(request)])
    return inner.exec(request)
  }
})

const formats = ["", " -o json", " -o yaml"]
const reads = [
  ...[...formats, " -o wide", " -o name", " --check-keys"].map((flags) => `describe db${flags}`),
  ...["", " -o html", " -o json"].map((flags) => `report db${flags}`),
  ...formats.map((flags) => `snapshots${flags}`),
  ...formats.map((flags) => `snapshots describe nightly${flags}`),
  ...formats.map((flags) => `snapshots diff nightly live${flags}`),
  ...formats.map((flags) => `operations${flags}`),
  ...formats.map((flags) => `peers db${flags}`),
  ...formats.map((flags) => `restore nightly --with-config --dry-run=server${flags}`),
  ...formats.map((flags) => `scale db --replicas 4 --dry-run=server${flags}`),
  "describe -A",
  "restore nightly --only config --dry-run=client",
  "rbac restore"
]

const restored = "restore nightly --with-config --yes"

/** A `!` before those that fail: their errors say nothing more. */
const changes = [
  "snapshot db --name second --consistency crash",
  "snapshots diff nightly second",
  "restore nightly --only config --yes",
  "scale db --replicas 4",
  "! restore nightly --to-namespace shop",
  "! restore absent --with-config --yes",
  "operations -o yaml"
]

const swept = (world: World, commands: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const found: Array<string> = []
    for (const one of commands) {
      const command = one.replace(/^! /, "")
      const sent: Array<readonly [string, string]> = []
      const port = noting(world.sandbox.cluster, sent)
      const { out, err, failure } = yield* typed(port, words(command))
      assert.strictEqual(failure === null, command === one, `${command}: ${failure}`)
      const said = [["stdout", out] as const, ["stderr", err] as const, ["the error", failure ?? ""] as const]
      for (const [where, text] of [...said, ...sent]) {
        const form = formIn(text)
        if (form !== undefined) found.push(`${command}: ${where} has ${form}`)
      }
    }
    return found
  })

describe("a Secret's value", () => {
  it("is found in whatever form it is shown", () => {
    const [value = ""] = values
    for (const text of [
      `PASSWORD=${value}`,
      Buffer.from(`a${value}b`).toString("base64"),
      Buffer.from(`ab${value}cd`).toString("base64url"),
      Buffer.from(`key: ${value}`).toString("hex"),
      createHash("sha256").update(value).digest("hex")
    ])
      assert.isDefined(formIn(text), text)
    assert.isUndefined(formIn("password, 12 bytes, changed"))
  })

  it.effect("is in nothing that a command prints, and in no request but to Secrets", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      assert.deepEqual(yield* swept(world, reads), [])
      assert.deepEqual(yield* swept(world, changes), [])
    })
  )

  it.effect("is in nothing that an interrupted restore leaves, nor in what takes it up or back", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      const id = yield* stopped(world, restored, putsConfig)
      const found = yield* swept(world, [
        "operations -o json",
        `operations ${id}`,
        "describe db -o json",
        "report db -o html",
        "abort --allow-privileged",
        restored,
        "operations -o json",
        "snapshots describe nightly"
      ])
      assert.deepEqual(found, [])
    })
  )

  it.effect("is in no exported file but under its key", () =>
    Effect.gen(function* () {
      const world = yield* withConfig()
      const flags = yield* transferring
      yield* done(world, `snapshots export nightly ${flags.out}`)
      const [, file = ""] = /--file (\S+)/.exec(flags.out) ?? []
      assert.isUndefined(formIn(readFileSync(file, "latin1")))
      assert.deepEqual(yield* swept(world, [`! snapshots import ${flags.in}`]), [])
    })
  )
})
