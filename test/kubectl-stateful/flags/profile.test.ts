import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { profileOf } from "../../../packages/kubectl-stateful/src/flags/hooks.ts"
import { quiesceGiven, quiesceOf } from "../../../packages/kubectl-stateful/src/flags/profile.ts"

const folder = mkdtempSync(join(tmpdir(), "profiles-"))
const file = (name: string, sections: object): string => {
  const path = join(folder, name)
  writeFileSync(path, JSON.stringify({ apiVersion: "kubectl-stateful.dev/v1", kind: "Profile", ...sections }))
  return path
}
const hooks = { scale: { afterAdd: { command: ["join"] } } }
const snapshot = { snapshot: { guarantee: "recoverable-per-member", quiesce: { command: ["hold"] } } }

const failure = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => assert.fail("it was taken"),
    (error: Error) => error.message
  )

describe("--profile", () => {
  afterAll(() => rmSync(folder, { recursive: true }))

  it("is a built-in profile by its name, and a file with a slash or a dot in it", async () => {
    assert.equal((await quiesceOf("redis")).guarantee, "blocks-writes")
    const path = file("own.yaml", snapshot)
    const { profile, guarantee } = await quiesceOf(path)
    assert.deepEqual({ profile, guarantee }, { profile: path, guarantee: "recoverable-per-member" })
    assert.match(
      await failure(quiesceOf("oracle")),
      /no built-in profile oracle; available: etcd, mariadb, postgres, redis/
    )
    assert.match(await failure(quiesceOf("./none")), /cannot read the profile .\/none: ENOENT/)
  })

  it("of hooks alone quiesces nothing, and one that only quiesces has no hooks", async () => {
    const path = file("hooks.yaml", hooks)
    assert.match(await failure(quiesceOf(path)), /no snapshot section/)
    assert.deepEqual(await quiesceGiven(path), {})
    for (const profile of ["redis", file("quiet.yaml", snapshot)])
      assert.match(await failure(profileOf({ profile })), /has no scale section/)
    assert.deepEqual(await profileOf({ profile: "redis" }, true), { profile: {} })
    assert.hasAllKeys((await profileOf({ profile: path })).profile, ["afterAdd"])
  })

  it("with both sections is one file for scaling and for snapshots", async () => {
    const path = file("both.yaml", { ...hooks, ...snapshot })
    assert.hasAllKeys((await profileOf({ profile: path })).profile, ["afterAdd"])
    assert.deepInclude((await quiesceGiven(path)).quiesce?.hold, { argv: ["hold"] })
    const older = file("older.yaml", { hooks: hooks.scale })
    assert.hasAllKeys((await profileOf({ profile: older })).profile, ["afterAdd"])
    const twice = file("twice.yaml", { hooks: hooks.scale, ...hooks })
    assert.match(await failure(profileOf({ profile: twice })), /older name of scale: give one/)
  })
})
