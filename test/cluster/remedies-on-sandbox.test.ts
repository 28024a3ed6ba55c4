/**
 * What the checklist advises where a node is lost, and where a claim is in deletion, on the served sandbox: the
 * others are on the real cluster alone. It needs the kubectl that the bed builds, and no cluster.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { start } from "@kubectl-stateful/sandbox/Scenario"
import type { Shape } from "@kubectl-stateful/sandbox"
import { kubeconfig, kubeconfigFile } from "@kubectl-stateful/sandbox/Kubeconfig"
import { serve } from "@kubectl-stateful/sandbox/Server"
import { advice, changedKeys, playLost, server, type Server, until, well } from "./suite/effects.ts"
import { kubectl } from "./suite/kubectl.ts"

const folder = mkdtempSync(join(tmpdir(), "remedies-on-sandbox-"))
const scope = Scope.makeUnsafe()

/** Both are set up before the first test. */
let on: Server
let sandbox: Shape

beforeAll(async () => {
  const config = join(folder, "kubeconfig")
  const up = Effect.gen(function* () {
    const made = yield* start("empty")
    const served = yield* serve(made)
    yield* kubeconfigFile(yield* kubeconfig(served, "shop"), config)
    return made
  })
  sandbox = await Effect.runPromise(Effect.provideService(up, Scope.Scope, scope))
  on = server({ kubectl, namespace: "shop", env: { KUBECONFIG: config, HOME: folder } })
  const items = well("sandbox.csi.kubectl-stateful.dev")
  await on.kubectl(["apply", ...on.n, "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }))
  const ready = ["get", "pods", ...on.n, "-o", "jsonpath={.items[*].status.containerStatuses[*].ready}"]
  await until("all pods are ready", async () => {
    return (await on.kubectl(ready)) === "true true true true" ? true : null
  })
})

afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  on.end()
  rmSync(folder, { recursive: true })
})

describe("what the checklist advises, on the sandbox", () => {
  it("of a node that is lost brings its pods up elsewhere", { timeout: 200_000 }, async () => {
    const { changed, node } = await playLost(on, (lost) => sandbox.loseNode(lost))
    assert.deepEqual(changed, [`Node/${node}`])
  })

  it(
    "of a node that is gone ends its pods there, which the pod collector does",
    { timeout: 200_000 },
    async () => {
      const node = await on.kubectl(["get", "pod", "cache-0", ...on.n, "-o", "jsonpath={.spec.nodeName}"])
      sandbox.loseNode(node)
      await on.kubectl(["delete", "node", node])
      const asked = { rule: "node-gone", shape: "delete pod" }
      const command = await until("node-gone advises", async () => advice(await on.findings("cache"), asked))
      const before = await on.objects()
      const { code, said } = await on.shell(command)
      assert.equal(code, 0, said)
      assert.isNull(advice(await on.findings("cache"), asked))
      assert.deepEqual(
        changedKeys(before, await on.objects()).filter((key) => !key.startsWith("Pod/")),
        []
      )
    }
  )

  // A claim that is in deletion goes with its pod, so this is after what ends pods.
  it("when a claim in deletion refuses a scale, keeps the data, and the plan says no more of it", async () => {
    const volume = await on.kubectl(["get", "pvc", "data-db-2", ...on.n, "-o", "jsonpath={.spec.volumeName}"])
    const policy = (name: string) => JSON.stringify({ spec: { persistentVolumeReclaimPolicy: name } })
    await on.kubectl(["patch", "pv", volume, "--type=merge", "-p", policy("Delete")])
    await on.kubectl(["delete", "pvc", "data-db-2", ...on.n, "--wait=false"])
    const refusals = async () => {
      const asked = ["stateful", "scale", "db", "--replicas=2", "--dry-run=client", "-o", "json", ...on.n]
      const { out } = await on.shell(`kubectl ${asked.join(" ")}`)
      const { refusals: all } = JSON.parse(out) as {
        readonly refusals: ReadonlyArray<{ readonly reason: string; readonly remedy: string }>
      }
      return all.filter(({ reason }) => reason.includes("data-db-2"))
    }
    const [refusal] = await refusals()
    const command = /kubectl patch pv [^;]+/.exec(refusal?.remedy ?? "")?.[0]
    assert.isDefined(command, refusal?.remedy)
    const before = await on.objects()
    const { code, said } = await on.shell(command ?? "")
    assert.equal(code, 0, said)
    assert.deepEqual(await refusals(), [])
    assert.deepEqual(changedKeys(before, await on.objects()), [`PersistentVolume/${volume}`])
  })
})
