/** The plugin: in processes that can be killed, and in the suite's own. */
import { spawn } from "node:child_process"
import { pathToFileURL } from "node:url"
import { cache, here, program } from "../../shipped.ts"
import type * as Here from "./here.ts"
import type { Ran } from "./commands.ts"

export interface Ended extends Ran {
  readonly signal: NodeJS.Signals | null
}

export interface Running {
  /** What it said on stderr until now, line by line. */
  readonly lines: () => ReadonlyArray<string>
  /** Resolves once a line matches, or it has ended; true: a line does. */
  readonly says: (words: RegExp) => Promise<boolean>
  /** Resolves once what it said is so, or it has ended; true: it is so. */
  readonly until: (holds: (lines: ReadonlyArray<string>) => boolean) => Promise<boolean>
  readonly kill: (signal: NodeJS.Signals) => void
  readonly ended: Promise<Ended>
}

export interface Plugin {
  /** A process of its own. */
  readonly start: (args: ReadonlyArray<string>) => Running
  /** In the process of the suite. */
  readonly run: (args: ReadonlyArray<string>) => Promise<Ended>
}

const ranHere = async (args: ReadonlyArray<string>): Promise<Ended> => {
  const { run }: typeof Here = await import(/* @vite-ignore */ pathToFileURL(here("here.js")).href)
  return { ...(await run(args)), signal: null }
}

export const bundled = (): Plugin => {
  const start: Plugin["start"] = (args) => {
    const child = spawn(process.execPath, [program(), ...args], {
      env: { ...process.env, ...cache() },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let out = ""
    let err = ""
    const watchers = new Set<() => void>()
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString()
      for (const watcher of watchers) watcher()
    })
    const ended = new Promise<Ended>((resolve) =>
      child.on("close", (code, signal) => resolve({ code: code ?? 1, signal, out, err }))
    )
    const lines = () => err.split("\n").slice(0, -1)
    const until: Running["until"] = (holds) =>
      new Promise((resolve) => {
        const look = () => {
          if (holds(lines())) resolve(true)
        }
        watchers.add(look)
        look()
        void ended.then(() => resolve(holds(lines())))
      })
    return {
      lines,
      until,
      says: (words) => until((all) => all.some((line) => words.test(line))),
      kill: (signal) => child.kill(signal),
      ended
    }
  }
  return { start, run: ranHere }
}
