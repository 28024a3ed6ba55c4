/**
 * Builds one program that needs no Node beside it: `node binary.ts FILE [NODE]`, after a build. It is NODE with the
 * plugin in it, and so for NODE's system and processor. Default: the Node that runs this. Another has to be of the same
 * version, and gets no code cache, which only the processor that will run it can make.
 */
import { execFileSync } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { rolldown } from "rolldown"
import { from, minify } from "./bundle.ts"

const home = import.meta.dirname
const output = resolve(process.argv[2] ?? "kubectl-stateful")
const other = process.argv[3] === undefined ? {} : { executable: resolve(process.argv[3]) }
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
      // The program carries this name: one without the folder, which is another each time.
      main: basename(script),
      mainFormat: "commonjs",
      useCodeCache: other.executable === undefined,
      ...other,
      output,
      disableExperimentalSEAWarning: true,
      assets: { "oclif.manifest.json": join(home, "dist", "oclif.manifest.json") }
    })
  )
  // The code cache depends on the seed of hashes; V8 accepts it whatever seed the program itself gets.
  execFileSync(process.execPath, ["--random-seed=1", "--build-sea", config], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"]
  })
} finally {
  await rm(folder, { recursive: true })
}
