/**
 * A member of the store in `router.test.ts`: it keeps what is written to it on its volume, answers once
 * that is synced, and is the migration hook: `member.mjs serve | leave | join | known`.
 */
import { fsyncSync, openSync, readFileSync, writeSync } from "node:fs"
import { createServer } from "node:http"
import { hostname } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import * as Result from "effect/Result"
import * as Routing from "../../../packages/sdk/src/Routing.ts"

const name = hostname()
const ordinal = Number(name.slice(name.lastIndexOf("-") + 1))
const port = 7000

/** Lines of `<id> <key>`. */
const linesOf = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line !== "")

const serve = (): void => {
  const kept = openSync("/data/kept", "a+")
  const received = openSync("/data/received", "a")
  let isSealed = false
  const keep = (file: number, text: string): void => {
    writeSync(file, text)
    fsyncSync(file)
  }
  createServer(async (request, response) => {
    const answer = (status: number, text = ""): void => void response.writeHead(status).end(text)
    let body = ""
    for await (const chunk of request) body += String(chunk)
    const { url } = request
    if (url === "/ready") return answer(isSealed ? 503 : 200)
    if (url === "/lines") return answer(200, readFileSync("/data/kept", "utf8"))
    if (url === "/received") return answer(200, readFileSync("/data/received", "utf8"))
    if (url === "/import") {
      keep(kept, body)
      return answer(200)
    }
    if (url === "/seal") {
      isSealed = true
      return answer(200, readFileSync("/data/kept", "utf8"))
    }
    if (url === "/unseal") {
      isSealed = false
      return answer(200)
    }
    const meant = String(request.headers.host).split(".")[0]
    keep(received, `${meant} ${body}`)
    // What was meant for another is never kept, whatever a cache of names says.
    if (meant !== name) return answer(421)
    if (isSealed) return answer(503)
    keep(kept, body)
    answer(200)
  }).listen(port)
}

/** Waits for a member's name: it is gone while its node is, and late where the API server was down since. */
const reach = async (url: string, options: RequestInit): Promise<Response> => {
  for (let waited = 0; ; waited++) {
    try {
      return await fetch(url, options)
    } catch (error) {
      if (waited === 40) throw error
      await sleep(1000)
    }
  }
}

/** All that is asked may be asked again. */
const ask = async (member: string, path: string, body?: string): Promise<string> => {
  const host = member === name ? "127.0.0.1" : `${member}.store`
  const options = body === undefined ? {} : { method: "POST", body }
  const answer = await reach(`http://${host}:${port}${path}`, options)
  if (!answer.ok) throw new Error(`${member}${path}: ${answer.status}`)
  return answer.text()
}

const ownerOf = (line: string, replicas: number): number => {
  const [owner = -1] = Result.getOrThrow(
    Routing.picker(Routing.jump, Routing.allReady(replicas)).owners(line.slice(line.indexOf(" ") + 1))
  )
  return owner
}

/** Takes no more, and gives all that it holds to those who hold it without this ordinal. */
const leave = async (): Promise<void> => {
  const lines = linesOf(await ask(name, "/seal", ""))
  const byOwner = Map.groupBy(lines, (line) => ownerOf(line, ordinal))
  for (const [owner, some] of byOwner) await ask(`store-${owner}`, "/import", `${some.join("\n")}\n`)
}

/** Takes over what others hold of the keys that are its own from now on. */
const join = async (): Promise<void> => {
  await ask(name, "/unseal", "")
  for (let other = 0; other < ordinal; other++) {
    const own = linesOf(await ask(`store-${other}`, "/lines")).filter(
      (line) => ownerOf(line, ordinal + 1) === ordinal
    )
    if (own.length > 0) await ask(name, "/import", `${own.join("\n")}\n`)
  }
}

/** Waits until each of five members answers by its name. */
const known = async (): Promise<void> => {
  for (let other = 0; other < 5; other++) await ask(`store-${other}`, "/ready")
}

const [, , mode] = process.argv
if (mode === "leave") await leave()
else if (mode === "join") await join()
else if (mode === "known") await known()
else serve()
