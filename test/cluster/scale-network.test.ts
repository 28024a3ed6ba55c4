/** `kubectl stateful scale` of a real PostgreSQL while its caller has no network; the cluster goes on. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { newRoad } from "../kubectl-stateful/road.ts"
import { hasParts, kubectl, namespace } from "./suite/commands.ts"
import { assertOver, podsOf } from "./suite/operation.ts"
import { bundled } from "./suite/plugin.ts"
import { install, profile, said } from "./suite/postgres.ts"

const space = namespace("scale-network")
const n = ["-n", space.name]
const plugin = bundled()

/** The kubeconfig of a caller whose way to the server can be cut; the cluster goes on meanwhile. */
const ownRoad = async (kubeconfig: string) => {
  const whole = JSON.parse(await kubectl(["config", "view", "--raw", "-o", "json"])) as {
    readonly clusters: ReadonlyArray<{ readonly cluster: { server: string; "tls-server-name"?: string } }>
  }
  const { cluster } = whole.clusters[0] ?? assert.fail("the kubeconfig has no cluster")
  const { hostname, port } = new URL(cluster.server)
  const road = await newRoad(Number(port), hostname)
  cluster.server = `https://127.0.0.1:${road.port}`
  cluster["tls-server-name"] = hostname
  writeFileSync(kubeconfig, JSON.stringify(whole), { mode: 0o600 })
  return road
}

describe.runIf(hasParts())("scaling PostgreSQL", () => {
  beforeAll(async () => {
    await space.create()
    await install(space.name, 3)
  })
  afterAll(space.remove)

  it("the caller's network lost for a minute: it waits, goes on, and ends right", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-road-"))
    const kubeconfig = join(folder, "kubeconfig")
    const road = await ownRoad(kubeconfig)
    try {
      const flags = [...n, "--kubeconfig", kubeconfig, "--profile", profile()]
      const scale = plugin.start(["scale", "db", "--replicas", "1", ...flags])
      await kubectl(["wait", ...n, "sts/db", "--for=jsonpath={.spec.replicas}=2", "--timeout=60s"])
      road.cut()
      await sleep(60_000)
      // What was asked for came; nobody was there for the next goodbye.
      assert.deepEqual(await podsOf(space.name, "db"), ["db-0", "db-1"])
      road.mend()
      const { code, err } = await scale.ended
      assert.equal(code, 0, err)
    } finally {
      road.close()
      rmSync(folder, { recursive: true })
    }
    assert.deepEqual(await podsOf(space.name, "db"), ["db-0"])
    await assertOver(space.name, "db")
    const back = await plugin.run(["scale", "db", "--replicas", "3", ...n])
    assert.equal(back.code, 0, back.err)
    for (const pod of ["db-1", "db-2"])
      assert.deepEqual(
        (await said(space.name, pod)).map(({ what }) => what),
        ["goodbye"]
      )
  }, 240_000)
})
