/** A headless Chromium by its own protocol, over two pipes: no port, no library. */
import { spawn } from "node:child_process"
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import type { Readable, Writable } from "node:stream"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Its path: `CHROME_BIN`, or the first on the PATH; `null` if there is none. */
export const chromium = (): string | null => {
  const { CHROME_BIN: own = "", PATH: path = "" } = process.env
  const candidates = path.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
  return [own, ...candidates].find((one) => one !== "" && isProgram(one)) ?? null
}

type Result = Readonly<Record<string, unknown>>

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Result
  readonly result?: Result
  readonly error?: { readonly message: string }
}

/** A page in a browser. */
export interface Page {
  readonly send: (method: string, params?: object) => Promise<Result>
  /** The value of an expression on the page. */
  readonly evaluate: (expression: string) => Promise<unknown>
  /** What the browser reported so far, by the name of the event. */
  readonly events: ReadonlyArray<{ readonly method: string; readonly params: Result }>
  readonly open: (url: string) => Promise<void>
  readonly close: () => Promise<void>
}

const text = (value: unknown): string => (typeof value === "string" ? value : "")

/** Starts the browser, and a page in it. */
export const launch = async (program: string): Promise<Page> => {
  const profile = mkdtempSync(join(tmpdir(), "kubectl-stateful-browser-"))
  const flags = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-pipe",
    `--user-data-dir=${profile}`,
    "about:blank"
  ]
  const child = spawn(program, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] })
  const ended = new Promise<void>((resolve) => void child.once("close", () => resolve()))
  const to = child.stdio[3] as Writable
  const from = child.stdio[4] as Readable
  const waiting = new Map<number, (message: Message) => void>()
  const events: Array<{ readonly method: string; readonly params: Result }> = []
  let loaded = () => {}
  let rest = ""
  from.setEncoding("utf8").on("data", (chunk: string) => {
    const parts = `${rest}${chunk}`.split("\0")
    rest = parts.pop() ?? ""
    for (const part of parts) {
      const message = JSON.parse(part) as Message
      if (message.id !== undefined) waiting.get(message.id)?.(message)
      if (message.method !== undefined) events.push({ method: message.method, params: message.params ?? {} })
      if (message.method === "Page.loadEventFired") loaded()
    }
  })
  let count = 0
  let sessionId = ""
  const send = async (method: string, params: object = {}): Promise<Result> => {
    const id = ++count
    const answered = new Promise<Message>((resolve) => void waiting.set(id, resolve))
    to.write(`${JSON.stringify({ id, method, params, ...(sessionId === "" ? {} : { sessionId }) })}\0`)
    const { result, error } = await answered
    if (error !== undefined) throw new Error(`${method}: ${error.message}`)
    return result ?? {}
  }
  const { targetId } = await send("Target.createTarget", { url: "about:blank" })
  sessionId = text((await send("Target.attachToTarget", { targetId, flatten: true }))["sessionId"])
  for (const domain of ["Page", "Network", "Log", "Runtime", "Accessibility"]) await send(`${domain}.enable`)
  return {
    send,
    events,
    evaluate: async (expression) => {
      const { result, exceptionDetails } = await send("Runtime.evaluate", {
        expression,
        returnByValue: true,
        awaitPromise: true
      })
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
      return Reflect.get(Object(result), "value")
    },
    open: async (url) => {
      const done = new Promise<void>((resolve) => void (loaded = resolve))
      await send("Page.navigate", { url })
      await done
    },
    close: async () => {
      sessionId = ""
      await send("Browser.close")
      await ended
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    }
  }
}
