/** Files that a person writes, as shells and editors encode them, by each flag that reads one. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { access } from "@kubectl-stateful/sdk/kubernetes"
import * as Effect from "effect/Effect"
import { afterAll, assert, describe, it } from "vitest"
import { setsIn } from "../../../packages/kubectl-stateful/src/flags/filename.ts"
import { hooksIn } from "../../../packages/kubectl-stateful/src/flags/profile.ts"
import { openWith } from "../../../packages/kubectl-stateful/src/flags/seal.ts"

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-encodings-"))
afterAll(() => rmSync(folder, { recursive: true }))

const encodings: Readonly<Record<string, (text: string) => Buffer>> = {
  "UTF-8": (text) => Buffer.from(text),
  "UTF-8 with its mark": (text) => Buffer.from(`\ufeff${text}`),
  "UTF-16 as Windows PowerShell writes it": (text) => Buffer.from(`\ufeff${text}`, "utf16le"),
  "UTF-16, the high byte first": (text) => Buffer.from(`\ufeff${text}`, "utf16le").swap16()
}

const name = "größe-数据-🎲"
const kubeconfig = {
  "current-context": name,
  clusters: [{ name: "c", cluster: { server: "https://c" } }],
  contexts: [{ name, context: { cluster: "c" } }]
}
const noSeal = {
  recipient: undefined,
  "passphrase-file": undefined,
  "identity-file": undefined,
  json: undefined
}
const readers: Readonly<Record<string, readonly [string, (file: string) => Promise<unknown>]>> = {
  "-f": [
    `apiVersion: apps/v1\r\nkind: StatefulSet\r\nmetadata: {name: ${name}}\r\n`,
    (file) => setsIn(file, undefined)
  ],
  "--kubeconfig": [
    JSON.stringify(kubeconfig),
    (file) => Effect.runPromise(access({ kubeconfig: file, environment: {} }))
  ],
  "--profile": [
    `apiVersion: kubectl-stateful.dev/v1\nkind: Profile\nscale: {afterAdd: {command: [${name}]}}\n`,
    (file) => hooksIn(file, false)
  ],
  "--passphrase-file": [`${name}\r\n`, (file) => openWith({ ...noSeal, "passphrase-file": file })],
  "--identity-file": [`# ${name}\r\n${name}\r\n`, (file) => openWith({ ...noSeal, "identity-file": file })]
}

describe("a file means the same in every encoding that kubectl reads", () => {
  for (const [flag, [text, read]] of Object.entries(readers))
    it(`by ${flag}`, async () => {
      const file = join(folder, "own.yaml")
      for (const [encoding, encode] of Object.entries(encodings)) {
        writeFileSync(file, encode(text))
        const found = await read(file).catch((error: Error) => error.message)
        writeFileSync(file, text)
        assert.deepEqual(found, await read(file), encoding)
        assert.include(JSON.stringify(found), name, encoding)
      }
    })
})
