/**
 * Builds `dist/`, or the folder that is given: one ESM bundle in parts, so that each command loads
 * only what it needs, and oclif's manifest, so that help loads no command.
 */
import { readdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { rolldown } from "rolldown"
import { from, minify } from "./bundle.ts"

const home = import.meta.dirname
const dist = process.argv[2] ?? join(home, "dist")

await rm(dist, { recursive: true, force: true })
const bundle = await rolldown(
  from({ main: join(home, "src", "main.ts"), program: join(home, "src", "program.ts") })
)
const { output } = await bundle.write({
  dir: dist,
  format: "esm",
  minify,
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
