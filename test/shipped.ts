/**
 * The plugin as its package has it, built once before the tests that start it: a bundle starts in a quarter
 * of the time of its sources, and no edit replaces it while they run.
 */
import { execFileSync } from "node:child_process"
import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "./house/sources.ts"

/** Names its folder to the processes in which tests run. */
const variable = "SHIPPED"

/** Builds it; the answer removes it. */
export const ship = (): (() => void) => {
  const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-shipped-"))
  const home = join(root, "packages", "kubectl-stateful")
  execFileSync(process.execPath, [join(home, "build.ts"), join(folder, "dist")], {
    stdio: ["ignore", "ignore", "inherit"]
  })
  for (const part of ["bin", "package.json"])
    cpSync(join(home, part), join(folder, part), { recursive: true })
  process.env[variable] = folder
  return () => rmSync(folder, { recursive: true })
}

const shipped = (...parts: ReadonlyArray<string>): string => {
  const folder = process.env[variable]
  if (folder === undefined) throw new Error("the plugin was not built: call ship() before")
  return join(folder, ...parts)
}

/** For `PATH`. */
export const bin = (): string => shipped("bin")

export const program = (): string => shipped("bin", "kubectl-stateful")

/** Where it keeps its compiled code: apart from the user's own, and gone with it. */
export const cache = () => ({ XDG_CACHE_HOME: shipped("cache") })

/** Where the suites of the cluster have the plugin without a process of its own. */
export const here = (...parts: ReadonlyArray<string>): string => shipped("here", ...parts)

export const copyTo = (folder: string): void => {
  for (const part of ["bin", "dist", "package.json"])
    cpSync(shipped(part), join(folder, part), { recursive: true })
}

export default ship
