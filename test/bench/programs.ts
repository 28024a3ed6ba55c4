/** Whole processes: how long each takes and how much memory, and the plugin as the package and the binary have it. */
import { execFileSync, spawn } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const home = "packages/kubectl-stateful"

export interface Ran {
  readonly milliseconds: number
  /** The most memory that it had at once, in MiB. */
  readonly memory: number
}

/** The highest resident size until now, as the kernel counts it; 0 once the process has ended. */
const highest = (pid: number): number => {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Runs it to its end, its output read and thrown away; anything but success is the benchmark's failure. */
export const run = (command: ReadonlyArray<string>): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const [program = "", ...args] = command
    const began = performance.now()
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] })
    let memory = 0
    let err = ""
    const poll = setInterval(() => (memory = Math.max(memory, highest(child.pid ?? 0))), 5)
    child.stdout.resume()
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
    child.on("error", reject)
    child.on("close", (code) => {
      const milliseconds = performance.now() - began
      clearInterval(poll)
      if (code === 0) resolve({ milliseconds, memory })
      else reject(new Error(`${command.join(" ")}: exit code ${code}: ${err}`))
    })
  })

export interface Programs {
  /** The single binary. */
  readonly binary: ReadonlyArray<string>
  /** The package as npm installs it, in this Node. */
  readonly npm: ReadonlyArray<string>
  readonly remove: () => void
}

/** Builds both, outside of the checkout. */
export const built = (): Programs => {
  const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-bench-"))
  const node = (...args: ReadonlyArray<string>) =>
    execFileSync(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] })
  const dist = join(folder, "npm", "dist")
  node(join(home, "build.ts"), dist)
  node(join(home, "binary.ts"), join(folder, "kubectl-stateful"), "--dist", dist)
  for (const part of ["bin", "package.json"])
    cpSync(join(home, part), join(folder, "npm", part), { recursive: true })
  return {
    binary: [join(folder, "kubectl-stateful")],
    npm: [process.execPath, join(folder, "npm", "bin", "kubectl-stateful")],
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
