/**
 * Writes version and platforms of a release into the manifest of this repository's krew index:
 * `node .ci/krew.mjs VERSION URL ARCHIVE...`, where URL is the folder from which the archives are downloaded.
 *
 * An archive is named `NAME_VERSION_OS_ARCH.tar.gz`, with krew's names of systems and processors. What is called
 * untested stays out: krew would offer it to everyone on that platform.
 */
import { createHash } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { parseDocument } from "yaml"

export const manifest = join(import.meta.dirname, "..", "plugins", "stateful.yaml")

/** What an archive holds, and krew installs. */
export const files = ["kubectl-stateful", "LICENSE", "THIRD-PARTY-NOTICES.txt"]

export const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex")

const platform = (url, archive) => {
  const [, os, arch] = /_(linux|darwin)_(amd64|arm64)\.tar\.gz$/.exec(archive) ?? []
  if (os === undefined) throw new Error(`${archive}: its name does not end with _OS_ARCH.tar.gz`)
  return {
    selector: { matchLabels: { os, arch } },
    uri: `${url}/${basename(archive)}`,
    sha256: sha256(archive),
    files: files.map((from) => ({ from, to: "." })),
    bin: "kubectl-stateful"
  }
}

/** The manifest of a release, as text. */
export const filled = (version, url, archives) => {
  const document = parseDocument(readFileSync(manifest, "utf8"))
  const tested = archives.filter((archive) => !archive.endsWith("_untested.tar.gz"))
  document.setIn(["spec", "version"], `v${version}`)
  document.setIn(["spec", "platforms"], document.createNode(tested.map((archive) => platform(url, archive))))
  return document.toString()
}

if (process.argv[1] === import.meta.filename) {
  const [version, url, ...archives] = process.argv.slice(2)
  if (archives.length === 0) throw new Error("usage: node .ci/krew.mjs VERSION URL ARCHIVE...")
  writeFileSync(manifest, filled(version, url, archives))
}
