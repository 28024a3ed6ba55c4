/**
 * What the packages of a release hold, as CycloneDX: npm's own list of the lock, reduced to one package.
 *
 * npm lists a workspace by its folders and leaves out what is also a development dependency of another, so the whole
 * lock is asked for once. For a library that is all it depends on, at the versions it was tested with; for the plugin,
 * which depends on nothing, what its bundle holds by its own notices. Neither a time nor a random number is in it.
 */
import { execFileSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const folders = ["sdk", "sandbox", "kubectl-stateful"]
const read = (...path) => JSON.parse(readFileSync(join(root, ...path), "utf8"))
const byText = (one, other) => (one < other ? -1 : 1)

/** All that the lock names. npm refuses a root without a version, as ours has none. */
const locked = () => {
  const stage = mkdtempSync(join(tmpdir(), "sbom-"))
  try {
    copyFileSync(join(root, "package-lock.json"), join(stage, "package-lock.json"))
    writeFileSync(join(stage, "package.json"), JSON.stringify({ ...read("package.json"), version: "0.0.0" }))
    for (const folder of folders) {
      mkdirSync(join(stage, "packages", folder), { recursive: true })
      copyFileSync(
        join(root, "packages", folder, "package.json"),
        join(stage, "packages", folder, "package.json")
      )
    }
    const args = ["sbom", "--package-lock-only", "--sbom-format=cyclonedx"]
    return JSON.parse(execFileSync("npm", args, { cwd: stage, encoding: "utf8", maxBuffer: 1 << 26 }))
  } finally {
    rmSync(stage, { recursive: true })
  }
}

/** `name@version` of every package with code in the plugin's bundle. */
export const bundled = (notices) =>
  notices.split(`\n\n${"-".repeat(80)}\n\n`).flatMap((block) => {
    const [, name, version] = /^(\S+) (\d\S*): /.exec(block) ?? []
    return name === undefined ? [] : [`${name}@${version}`]
  })

/** All that can be reached from these references. */
const reachable = (from, edges) => {
  const found = new Set()
  const visit = (ref) => {
    if (found.has(ref)) return
    found.add(ref)
    for (const next of edges.get(ref) ?? []) visit(next)
  }
  for (const ref of from) visit(ref)
  return found
}

/** One document for each package, by its name. */
export const sboms = () => {
  const all = locked()
  const manifests = folders.map((folder) => read("packages", folder, "package.json"))
  const ours = new Map(manifests.map((manifest) => [`${manifest.name}@${manifest.version}`, manifest]))
  // npm calls a workspace by its folder.
  const components = new Map(
    all.components.map((component) => {
      const ref = component["bom-ref"]
      const name = ours.get(ref)?.name ?? component.name
      return [ref, { ...component, name, scope: "required", properties: [] }]
    })
  )
  const edges = new Map(
    all.dependencies.map(({ ref, dependsOn }) => {
      const manifest = ours.get(ref)
      if (manifest === undefined) return [ref, dependsOn]
      const published = { ...manifest.peerDependencies, ...manifest.dependencies }
      return [ref, dependsOn.filter((next) => next.slice(0, next.lastIndexOf("@")) in published)]
    })
  )
  return new Map(
    [...ours].map(([self, manifest]) => {
      const isBundle = manifest.bin !== undefined
      const notices = join(root, "packages", "kubectl-stateful", "dist", "THIRD-PARTY-NOTICES.txt")
      const held = isBundle
        ? new Set([self, ...ours.keys(), ...bundled(readFileSync(notices, "utf8"))])
        : reachable([self], edges)
      const refs = [...held].toSorted(byText)
      for (const ref of refs)
        if (!components.has(ref)) throw new Error(`${self} holds ${ref}, which the lock lacks`)
      const { "bom-ref": _, ...component } = components.get(self)
      return [
        manifest.name,
        {
          $schema: all.$schema,
          bomFormat: all.bomFormat,
          specVersion: all.specVersion,
          version: 1,
          metadata: {
            tools: all.metadata.tools,
            component: { "bom-ref": self, ...component, type: isBundle ? "application" : "library" }
          },
          components: refs.filter((ref) => ref !== self).map((ref) => components.get(ref)),
          dependencies: refs.map((ref) => ({
            ref,
            dependsOn: (edges.get(ref) ?? []).filter((next) => held.has(next)).toSorted(byText)
          }))
        }
      ]
    })
  )
}
