import { spawn } from "node:child_process"
import { mkdirSync, openSync, closeSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as cgroup from "./cgroup.ts"
import { below, binaries } from "./folder.ts"

export interface Settings {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** Show the command's stderr as it comes. */
  readonly loud?: boolean
}

const path = `${binaries}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`

/** Runs a command to its end and returns what it printed. */
export const run = (command: string, args: ReadonlyArray<string>, settings: Settings = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...(settings.cwd === undefined ? {} : { cwd: settings.cwd }),
      env: { ...process.env, ...settings.env },
      stdio: ["pipe", "pipe", settings.loud ? "inherit" : "pipe"]
    })
    let out = ""
    let err = ""
    child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()))
    child.on("error", (cause: NodeJS.ErrnoException) =>
      reject(cause.code === "ENOENT" ? new Error(`${command} is not on the PATH`) : cause)
    )
    child.on("close", (code) => {
      if (code === 0) return resolve(out)
      const words = [command, ...args].join(" ").slice(0, 200)
      reject(new Error(`${words}: exit ${code}: ${err.trim().split("\n").slice(-3).join(" | ")}`))
    })
    child.stdin?.on("error", () => {}) // a command may end without reading
    child.stdin?.end(settings.input ?? "")
  })

export interface Unit {
  /** Its cgroup below the bed's, and its log's name. */
  readonly name: string
  readonly command: ReadonlyArray<string>
  readonly netns?: string
  readonly env?: Readonly<Record<string, string>>
  /** Started again when it ends by itself in failure, as a kubelet does with a control plane's pods. */
  readonly again?: boolean
}

const logOf = (name: string): string => below("log", `${name.replaceAll("/", "-")}.log`)

const groupOf = (name: string): string => join(cgroup.bed, name)

/** Memory is there, and processor time is not: Go's collector takes an eighth of it at its default of 100. */
const collectLess = { GOGC: "400" }

/** Starts a daemon that outlives this program. The shell joins the cgroup before it becomes the daemon, or runs it. */
export const start = (unit: Unit): void => {
  const group = cgroup.make(groupOf(unit.name))
  const log = logOf(unit.name)
  mkdirSync(dirname(log), { recursive: true })
  const out = openSync(log, "a")
  const enter = unit.netns === undefined ? [] : ["nsenter", `--net=/run/netns/${unit.netns}`]
  const daemon = unit.again === true ? 'until "$@"; do sleep 1; done' : 'exec "$@"'
  const script = `echo $$ > "$0/cgroup.procs" && ${daemon}`
  const child = spawn("/bin/sh", ["-c", script, group, ...enter, ...unit.command], {
    cwd: below(),
    detached: true,
    env: { PATH: path, HOME: below(), ...collectLess, ...unit.env },
    stdio: ["ignore", out, out]
  })
  child.on("error", () => {}) // shows as a unit that is not alive
  child.unref()
  closeSync(out)
}

export const alive = (name: string): boolean => cgroup.pids(groupOf(name)).length > 0

/** The last words of a daemon that is gone, for the error that says so. */
export const lastWords = (name: string): string => {
  try {
    return readFileSync(logOf(name), "utf8").trimEnd().split("\n").slice(-3).join(" | ").slice(-600)
  } catch {
    return "no log"
  }
}

export const end = (names: ReadonlyArray<string>): Promise<void> => cgroup.end(names.map(groupOf))
