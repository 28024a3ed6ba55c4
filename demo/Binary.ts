/** The plugin as a user starts it. */
import { execFileSync } from "node:child_process"
import { existsSync, globSync, statSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const plugin = join(root, "packages", "kubectl-stateful")
const bundle = join(plugin, "dist", "main.js")

/** In a checkout the launcher takes a build that is there, however old it is. */
const isStale = (): boolean => {
  if (!existsSync(bundle)) return false
  const built = statSync(bundle).mtimeMs
  return globSync("packages/*/src/**/*.ts", { cwd: root }).some(
    (path) => statSync(join(root, path)).mtimeMs > built
  )
}

if (isStale()) execFileSync(process.execPath, [join(plugin, "build.ts")], { stdio: "inherit" })

export const binary = join(plugin, "bin", "kubectl-stateful")
