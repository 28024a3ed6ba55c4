/** A Helm release on the real cluster, installed by server-side apply, which is Helm's default, and without. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { buildHelm } from "./bed/build.ts"
import { ok, type Tools, tools } from "./helm/release.ts"
import { namespace } from "./suite/commands.ts"

let helm = ""
beforeAll(async () => {
  helm = await buildHelm()
}, 3_600_000)

const wait = ["--wait", "--timeout=90s"]
const managed = /^Managed by: +Helm\/db \(replicas\)$/m

for (const way of ["server", "client"] as const) {
  describe(`a Helm release by ${way}-side apply`, { timeout: 300_000 }, () => {
    const space = namespace(`helm-${way}`)
    const flag = `--server-side=${way === "server"}`
    let on: Tools
    beforeAll(async () => {
      await space.create()
      const { KUBECONFIG = "", HOME = "" } = process.env
      on = tools(helm, { namespace: space.name, env: { KUBECONFIG, HOME } })
    })
    afterAll(() => space.remove())

    it("is described with its name, and as the writer of replicas", async () => {
      ok(await on.helm("install", flag, ...wait))
      const page = ok(await on.stateful("describe", "db"))
      assert.match(page, managed)
      assert.match(page, /^Workload: +StatefulSet, 2 of 2 ready/m)
    })

    it("is scaled with a note of what its next upgrade does, which does that", async () => {
      const scaled = await on.stateful("scale", "db", "--replicas", "3")
      ok(scaled)
      assert.include(
        scaled.err.replaceAll(/\s+/g, " "),
        'Helm release "db": set replicas to 3 in its values too, or its next upgrade undoes this or stops at a conflict'
      )
      const upgraded = await on.helm("upgrade", flag, "--set=greeting=hi")
      if (way === "client") {
        ok(upgraded)
        assert.strictEqual(await on.replicas(), "2")
        ok(await on.stateful("scale", "db", "--replicas", "3"))
      } else {
        assert.notStrictEqual(upgraded.code, 0)
        assert.match(upgraded.err, /conflict with "kubectl-stateful".*\.spec\.replicas/s)
        assert.strictEqual(await on.replicas(), "3")
      }
    })

    it("keeps the number that its values say too", async () => {
      ok(await on.helm("upgrade", flag, "--set=replicas=3", ...wait))
      assert.strictEqual(await on.replicas(), "3")
      assert.match(ok(await on.stateful("describe", "db")), /^Managed by: +Helm\/db/m)
    })

    it("is rolled back past a scale, and uninstalled without its claims", async () => {
      const force = way === "server" ? ["--force-conflicts"] : []
      ok(await on.helm("rollback", "1", flag, ...force, ...wait))
      assert.strictEqual(await on.replicas(), "2")
      ok(await on.helm("uninstall", ...wait))
      assert.strictEqual((await on.stateful("describe", "db")).code, 1)
      const claims = await on.kubectl("get", "pvc", "-o", "name")
      assert.lengthOf(claims.trim().split("\n"), 3, claims)
    })
  })
}
