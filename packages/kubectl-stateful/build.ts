/**
 * Builds `dist/`, or the folder that is given: one ESM bundle in parts, so that each command loads
 * only what it needs, and oclif's manifest, so that help loads no command.
 */
import { execFileSync } from "node:child_process"
import { readdir, readFile, rm, writeFile } from "node:fs/promises"
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
const { output } = await bundle.write({
  dir: dist,
  format: "esm",
  minify: { mangle: false, compress: true, codegen: { removeWhitespace: true } },
  chunkFileNames: "[name]-[hash].js",
  entryFileNames: "[name].js"
})
await bundle.close()

/** The folder of the package that a module is of, and null for our own. */
const packageOf = (module: string): string | null =>
  /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(module.replace(/^\0/, ""))?.[0] ?? null

/** Name, version and license of one package, with the text that it asks to be kept. */
const notice = async (folder: string): Promise<string> => {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"))
  const files = (await readdir(folder))
    .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
    .toSorted()
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")))
  return [`${name} ${version}: ${license ?? "see below"}`, ...texts.map((text) => text.trim())].join("\n\n")
}

// The bundle has other people's code in it, whose licenses ask for their texts beside it.
const modules = output.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []))
const folders = [...new Set(modules.map(packageOf))].filter((folder) => folder !== null).toSorted()
const notices = await Promise.all(folders.map(notice))
await writeFile(
  join(dist, "THIRD-PARTY-NOTICES.txt"),
  `${["kubectl-stateful contains code of these packages.", ...notices].join(`\n\n${"-".repeat(80)}\n\n`)}\n`
)

const { recorded } = await import(pathToFileURL(join(dist, "program.js")).href)
await writeFile(join(dist, "oclif.manifest.json"), JSON.stringify(await recorded()))
