/**
 * Builds `dist/`, or the folder that is given: one ESM bundle in parts, so that each command loads
 * only what it needs, and oclif's manifest, so that help loads no command.
 */
import { execFileSync } from "node:child_process"
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { rolldown } from "rolldown"

const home = import.meta.dirname
const dist = process.argv[2] ?? join(home, "dist")

/** The commit that is built, or null outside of a checkout. */
const commit = (): string | null => {
  try {
    return execFileSync("git", ["rev-parse", "HEAD"], { cwd: home, encoding: "utf8", stdio: "pipe" }).trim()
  } catch {
    return null
  }
}

/** Packages whose modules do nothing but define; the rest of them can be left out. */
const withoutSideEffects = /node_modules\/(@kubernetes\/client-node|effect|yaml)\//

await rm(dist, { recursive: true, force: true })
const bundle = await rolldown({
  input: { main: join(home, "src", "main.ts"), program: join(home, "src", "program.ts") },
  platform: "node",
  transform: { define: { "process.env.KUBECTL_STATEFUL_COMMIT": JSON.stringify(commit()) } },
  resolve: { conditionNames: ["source", "node", "import", "default"] },
  treeshake: {
    moduleSideEffects: [
      { test: withoutSideEffects, sideEffects: false },
      { test: /packages\/(sdk|sandbox)\/src\//, sideEffects: false }
    ]
  }
})
await bundle.write({
  dir: dist,
  format: "esm",
  minify: { mangle: false, compress: true, codegen: { removeWhitespace: true } },
  chunkFileNames: "[name]-[hash].js",
  entryFileNames: "[name].js"
})
await bundle.close()

const { recorded } = await import(pathToFileURL(join(dist, "program.js")).href)
await writeFile(join(dist, "oclif.manifest.json"), JSON.stringify(await recorded()))
