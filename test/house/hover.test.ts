/** What an editor shows of the SDK's types, as the language server of TypeScript says it. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { read, root } from "./sources.ts"

const page = "test/house/hovered.ts"
const uri = pathToFileURL(join(root, page)).href
const text = read(page)

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly items?: ReadonlyArray<unknown> }
  readonly result?: { readonly contents?: { readonly value?: string } } | null
}

/** A language server, by its protocol. */
const serve = () => {
  const child = spawn(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "--lsp", "--stdio"], {
    cwd: root,
    stdio: ["pipe", "pipe", "ignore"]
  })
  const waiting = new Map<number, (result: Message["result"]) => void>()
  const send = (message: object) => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message })
    child.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }
  const hear = ({ id, method, params, result }: Message) => {
    if (id === undefined) return
    if (method !== undefined) send({ id, result: params?.items?.map(() => null) ?? null })
    else waiting.get(id)?.(result)
  }
  let rest = Buffer.alloc(0)
  child.stdout.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const head = rest.indexOf("\r\n\r\n")
      const size = Number(/Content-Length: (\d+)/i.exec(rest.subarray(0, Math.max(0, head)).toString())?.[1])
      if (head < 0 || rest.length < head + 4 + size) return
      hear(JSON.parse(rest.subarray(head + 4, head + 4 + size).toString()) as Message)
      rest = rest.subarray(head + 4 + size)
    }
  })
  let count = 0
  const ask = (method: string, params: unknown) =>
    new Promise<Message["result"]>((resolve) => {
      waiting.set(++count, resolve)
      send({ id: count, method, params })
    })
  return { ask, tell: (method: string, params?: unknown) => send({ method, params }) }
}

const server = serve()

beforeAll(async () => {
  await server.ask("initialize", {
    processId: process.pid,
    rootUri: pathToFileURL(root).href,
    capabilities: { textDocument: { hover: { contentFormat: ["markdown"] } } }
  })
  server.tell("initialized", {})
  server.tell("textDocument/didOpen", { textDocument: { uri, languageId: "typescript", version: 1, text } })
}, 180_000)

afterAll(async () => {
  await server.ask("shutdown", null)
  server.tell("exit")
})

/** What is shown at a place in the page: the type, and the docs under it. */
const hover = async (at: number): Promise<{ readonly type: string; readonly docs: string }> => {
  const before = text.slice(0, at).split("\n")
  const position = { line: before.length - 1, character: before.at(-1)?.length ?? 0 }
  const said = await server.ask("textDocument/hover", { textDocument: { uri }, position })
  const value = said?.contents?.value ?? ""
  const [, type = "", docs = ""] = /^```\w+\n([\s\S]*?)\n```\s*([\s\S]*)$/.exec(value) ?? []
  return { type, docs: docs.trim() }
}

const names = [...text.matchAll(/^ {2}readonly \w+: (\w+)$/gm)].map(({ 0: line, 1: name = "", index }) => ({
  name,
  at: index + line.lastIndexOf(name)
}))
const fields = [...text.matchAll(/^ {2}(all\.[\w?.]*?)(\w+),?$/gm)].map(
  ({ 1: before = "", 2: name = "", index }) => ({
    name: before + name,
    at: index + 2 + before.length
  })
)

describe("an editor", () => {
  it("is asked for something", () => {
    assert.isAbove(names.length, 20)
    assert.isAbove(fields.length, 15)
  })

  it("shows a type by its name, in one line or two", async () => {
    const long = []
    for (const { name, at } of names) {
      const { type } = await hover(at)
      assert.include(type, name)
      if (type.length > 160) long.push(`${name}: ${type.length} characters`)
    }
    assert.deepEqual(long, [])
  }, 180_000)

  it("shows the docs of a field, and a type that can be read", async () => {
    const poor = []
    for (const { name, at } of fields) {
      const { type, docs } = await hover(at)
      if (docs === "" || type.length > 160) poor.push(`${name}: ${type.length} characters, docs: ${docs}`)
    }
    assert.deepEqual(poor, [])
  }, 180_000)
})
