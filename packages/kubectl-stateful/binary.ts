/**
 * Builds one program that needs no Node beside it: `node binary.ts FILE`, after a build. It is the Node that runs
 * this with the plugin in it, and so for the system and the processor of the machine that builds it.
 */
import { execFileSync } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { rolldown } from "rolldown"
import { from, minify } from "./bundle.ts"

const home = import.meta.dirname
const output = resolve(process.argv[2] ?? "kubectl-stateful")
const folder = await mkdtemp(join(tmpdir(), "kubectl-stateful-binary-"))
try {
  const script = join(folder, "main.cjs")
  const bundle = await rolldown(from(join(home, "src", "main.ts")))
  await bundle.write({ file: script, format: "cjs", codeSplitting: false, minify })
  await bundle.close()
  const config = join(folder, "sea.json")
  await writeFile(
    config,
    JSON.stringify({
      main: script,
      mainFormat: "commonjs",
      useCodeCache: true,
      output,
      disableExperimentalSEAWarning: true,
      assets: { "oclif.manifest.json": join(home, "dist", "oclif.manifest.json") }
    })
  )
  execFileSync(process.execPath, ["--build-sea", config], { stdio: ["ignore", "ignore", "inherit"] })
} finally {
  await rm(folder, { recursive: true })
}
