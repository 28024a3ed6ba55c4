/** A Helm release on the served sandbox, from its installation to its end. It needs the binaries that the bed builds, and no cluster. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { start } from "@kubectl-stateful/sandbox/Scenario"
import { kubeconfig, kubeconfigFile } from "@kubectl-stateful/sandbox/Kubeconfig"
import { serve } from "@kubectl-stateful/sandbox/Server"
import { buildHelm } from "./bed/build.ts"
import { ok, type Tools, tools } from "./helm/release.ts"

const folder = mkdtempSync(join(tmpdir(), "helm-on-sandbox-"))
const scope = Scope.makeUnsafe()

/** Set up before the first test. */
let on: Tools

beforeAll(async () => {
  const config = join(folder, "kubeconfig")
  const up = Effect.gen(function* () {
    const served = yield* serve(yield* start("empty"))
    yield* kubeconfigFile(yield* kubeconfig(served, "shop"), config)
  })
  await Effect.runPromise(Effect.provideService(up, Scope.Scope, scope))
  on = tools(await buildHelm(), { namespace: "shop", env: { KUBECONFIG: config, HOME: folder } })
}, 3_600_000)

afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true })
})

const client = "--server-side=false"

describe("a Helm release on the sandbox", { timeout: 300_000 }, () => {
  it("is not installed by server-side apply, which the sandbox refuses by name", async () => {
    const refused = await on.helm("install")
    assert.notStrictEqual(refused.code, 0)
    assert.match(refused.err, /the sandbox does not do this: server-side apply/)
    await on.helm("uninstall")
  })

  it("is installed with all that its chart has, and describe names it", async () => {
    ok(await on.helm("install", client, "--wait", "--timeout=60s"))
    const made = "statefulset/db service/db configmap/db-conf secret/db-pass poddisruptionbudget/db"
    await on.kubectl("get", ...made.split(" "))
    const page = ok(await on.stateful("describe", "db"))
    assert.match(page, /^Managed by: +Helm\/db \(replicas\)$/m)
    assert.match(page, /^Workload: +StatefulSet, 2 of 2 ready/m)
  })

  it("undoes a scale at its next upgrade, as the plan says, unless its values say the same", async () => {
    const scaled = await on.stateful("scale", "db", "--replicas", "3")
    ok(scaled)
    assert.include(
      scaled.err.replaceAll(/\s+/g, " "),
      'Helm release "db": set replicas to 3 in its values too'
    )
    assert.strictEqual(await on.replicas(), "3")
    ok(await on.helm("upgrade", client, "--set=greeting=hi"))
    assert.strictEqual(await on.replicas(), "2")
    ok(await on.stateful("scale", "db", "--replicas", "3"))
    ok(await on.helm("upgrade", client, "--set=replicas=3", "--wait", "--timeout=60s"))
    assert.strictEqual(await on.replicas(), "3")
  })

  it("is rolled back to its first revision, and is described as that", async () => {
    ok(await on.helm("rollback", "1", client, "--wait", "--timeout=60s"))
    assert.strictEqual(await on.replicas(), "2")
    assert.match(ok(await on.stateful("describe", "db")), /^Managed by: +Helm\/db \(replicas\)$/m)
  })

  it("is uninstalled, and leaves the claims with their data", async () => {
    ok(await on.helm("uninstall", "--wait", "--timeout=60s"))
    const { code, err } = await on.stateful("describe", "db")
    assert.strictEqual(code, 1)
    assert.match(err, /statefulsets?.* "db" not found/)
    assert.strictEqual(
      await on.kubectl("get", "pvc", "-o", "name"),
      [0, 1, 2].map((ordinal) => `persistentvolumeclaim/data-db-${ordinal}\n`).join("")
    )
  })
})
