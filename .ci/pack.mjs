/**
 * Packs the packages as they are published: `node .ci/pack.mjs FOLDER`, after a build.
 *
 * What only a checkout needs stays out: the `source` condition, development dependencies and scripts; and
 * of the plugin every dependency, since its bundle holds them.
 */
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const root = join(import.meta.dirname, "..")

const published = (exported) =>
  Object.fromEntries(
    Object.entries(exported).map(([path, target]) => {
      if (target === null || typeof target === "string") return [path, target]
      const { source: _, ...conditions } = target
      return [path, conditions]
    })
  )

const manifestOf = ({
  scripts: _scripts,
  devDependencies: _development,
  dependencies,
  exports: exported,
  ...rest
}) => ({
  ...rest,
  ...(exported === undefined ? {} : { exports: published(exported) }),
  ...(rest.bin === undefined ? { dependencies } : {})
})

/** The tarballs' paths, by package name. */
export const pack = (into) => {
  const folder = resolve(into)
  mkdirSync(folder, { recursive: true })
  return new Map(
    ["sdk", "sandbox", "kubectl-stateful"].map((name) => {
      const home = join(root, "packages", name)
      const stage = mkdtempSync(join(tmpdir(), "pack-"))
      const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"))
      for (const part of ["dist", "bin", "README.md"]) {
        const from = existsSync(join(home, part))
          ? join(home, part)
          : part.endsWith(".md")
            ? join(root, part)
            : null
        if (from !== null) cpSync(from, join(stage, part), { recursive: true })
      }
      if (name === "sdk") {
        cpSync(join(home, "schema"), join(stage, "schema"), {
          recursive: true,
          filter: (path) => !path.endsWith(".ts")
        })
      }
      cpSync(join(root, "LICENSE"), join(stage, "LICENSE"))
      writeFileSync(join(stage, "package.json"), `${JSON.stringify(manifestOf(manifest), null, 2)}\n`)
      const [{ filename }] = JSON.parse(
        execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
          cwd: stage,
          encoding: "utf8"
        })
      )
      rmSync(stage, { recursive: true })
      return [manifest.name, join(folder, filename)]
    })
  )
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, path] of pack(process.argv[2] ?? "tarballs")) console.log(`${name} ${path}`)
}
