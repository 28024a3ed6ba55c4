import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { parse } from "yaml"
import { read, root } from "./sources.ts"

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly version?: string
    readonly shortDescription: string
    readonly description: string
    readonly platforms?: ReadonlyArray<{
      readonly selector: { readonly matchLabels: Readonly<Record<string, string>> }
      readonly uri: string
      readonly sha256: string
      readonly files: ReadonlyArray<{ readonly from: string; readonly to: string }>
      readonly bin: string
    }>
  }
}

/** The manifest as the release script leaves it, in a copy of the two folders that it uses. */
const released = (archives: Readonly<Record<string, string>>): Manifest => {
  const copy = mkdtempSync(join(tmpdir(), "krew-"))
  try {
    for (const folder of [".ci", "plugins"])
      cpSync(join(root, folder), join(copy, folder), { recursive: true })
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
    mkdirSync(join(copy, "out"))
    const paths = Object.entries(archives).map(([name, text]) => {
      writeFileSync(join(copy, "out", name), text)
      return join(copy, "out", name)
    })
    execFileSync(process.execPath, [
      join(copy, ".ci", "krew.mjs"),
      "1.2.3",
      "https://example.com/v1.2.3",
      ...paths
    ])
    return parse(readFileSync(join(copy, "plugins", "stateful.yaml"), "utf8"))
  } finally {
    rmSync(copy, { recursive: true })
  }
}

describe("the manifest for krew", () => {
  it("is named as its file, in krew's one version, with a description that fits its list", () => {
    const { apiVersion, kind, metadata, spec }: Manifest = parse(read("plugins/stateful.yaml"))
    assert.deepEqual(
      { apiVersion, kind, metadata },
      {
        apiVersion: "krew.googlecontainertools.github.com/v1alpha2",
        kind: "Plugin",
        metadata: { name: "stateful" }
      }
    )
    assert.match(spec.shortDescription, /^\S.{10,79}$/)
    // Before the first release there is nothing to download, and no version either.
    assert.strictEqual(spec.version === undefined, spec.platforms === undefined)
  })

  it("has each tested archive of a release under its own checksum, and nothing that was never run", () => {
    const { spec } = released({
      "kubectl-stateful_v1.2.3_linux_amd64.tar.gz": "one",
      "kubectl-stateful_v1.2.3_darwin_arm64.tar.gz": "two",
      "kubectl-stateful_v1.2.3_linux_arm64_untested.tar.gz": "three"
    })
    assert.strictEqual(spec.version, "v1.2.3")
    assert.deepEqual(
      spec.platforms?.map(({ selector, uri, sha256 }) => [selector.matchLabels, uri, sha256]),
      [
        ["linux", "amd64", "one"],
        ["darwin", "arm64", "two"]
      ].map(([os = "", arch = "", text = ""]) => [
        { os, arch },
        `https://example.com/v1.2.3/kubectl-stateful_v1.2.3_${os}_${arch}.tar.gz`,
        createHash("sha256").update(text).digest("hex")
      ])
    )
    for (const { files, bin } of spec.platforms ?? []) {
      const names = files.map(({ from }) => from)
      // krew's own validation wants a license among them.
      assert.includeMembers(names, [bin, "LICENSE"])
    }
  })
})
