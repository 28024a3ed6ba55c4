/** The real program on a served sandbox, on days when something around it fails in mid-run. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, assert, describe, it } from "vitest"
import { program } from "../shipped.ts"
import * as Journal from "../../packages/sdk/src/operation/Journal.ts"
import { statefulsets } from "../../packages/sandbox/src/registry/kinds/apps.ts"
import { make } from "../../packages/sandbox/src/Sandbox.ts"
import { kubeconfig } from "../../packages/sandbox/src/serve/Kubeconfig.ts"
import { serve } from "../../packages/sandbox/src/serve/Server.ts"
import { withCluster } from "../simulation/world.ts"
import { newRoad } from "./road.ts"

const bin = program()

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-bad-days-"))
afterAll(() => rmSync(folder, { recursive: true }))

const db = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: "shop" },
  spec: {
    replicas: 1,
    serviceName: "db",
    selector: { matchLabels: { app: "db" } },
    template: {
      metadata: { labels: { app: "db" } },
      spec: { containers: [{ name: "main", image: "app" }] }
    }
  }
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** What a shell makes of `RUN`, which is the program with its arguments. */
const start = (file: string, argv: ReadonlyArray<string>, shell = "exec RUN") => {
  const words = [process.execPath, bin, ...argv].map((word) => `'${word}'`).join(" ")
  const child = spawn("bash", ["-c", shell.replace("RUN", words)], {
    env: { PATH: process.env["PATH"], HOME: folder, KUBECONFIG: file, USER: "ann" },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const said = { out: "", err: "" }
  child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString()))
  const ended = new Promise<Ended>((resolve) => child.once("close", (code) => resolve({ code, ...said })))
  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    ended,
    hasEnded: () => child.exitCode !== null,
    said
  }
}

/** A shop whose `db` has one replica; the second gets ready only when the test says so. */
const newShop = async () => {
  const scope = Effect.runSync(Scope.make())
  const gate = { open: false }
  const { sandbox, served } = await Effect.runPromise(
    Effect.gen(function* () {
      const isReady = ({ pod }: { readonly pod: { readonly metadata: { readonly name: string } } }) =>
        gate.open || pod.metadata.name === "db-0"
      const sandbox = yield* make({ namespaces: ["shop"], startMillis: 10, programs: () => ({ isReady }) })
      sandbox.create(db)
      return { sandbox, served: yield* serve(sandbox) }
    }).pipe(Scope.provide(scope))
  )
  const road = await newRoad(Number(new URL(served.url).port))
  const file = join(folder, `kubeconfig-${road.port}`)
  const text = await Effect.runPromise(
    kubeconfig({ ...served, url: `https://127.0.0.1:${road.port}` }, "shop")
  )
  writeFileSync(file, text, { mode: 0o600 })
  const replicas = () => sandbox.store.get(statefulsets, "shop", "db")?.spec.replicas
  const journals = () => Effect.runPromise(withCluster(sandbox.cluster)(Journal.list("shop", "db")))
  return {
    gate,
    road,
    journals,
    replicas,
    start: (argv: ReadonlyArray<string>, shell?: string) => start(file, argv, shell),
    /** The token is taken for no other's until the answer is called. */
    expire: () => {
      const [login] = served.logins
      const { token } = login
      Object.assign(login, { token: "another" })
      return () => Object.assign(login, { token })
    },
    /** Once the count is changed, the program waits for a pod that is not ready. */
    begun: async (run: ReturnType<typeof start>) => {
      while (replicas() !== 2) {
        assert.isFalse(run.hasEnded(), run.said.err)
        await sleep(20)
      }
      await sleep(200)
    },
    [Symbol.asyncDispose]: async () => {
      road.close()
      await Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
}
type Shop = Awaited<ReturnType<typeof newShop>>

const scale = ["scale", "db", "--replicas", "2"]

/** The one operation can be taken up, and gets where it was to go. */
const assertResumes = async (
  { journals, gate, start: run, replicas }: Shop,
  left: "Stopped" | "Running",
  err: string | null
) => {
  const [entry] = await journals()
  const { plan, status } = entry ?? assert.fail("there is no journal")
  assert.strictEqual(status.phase, left)
  if (err !== null) assert.include(err, `\`kubectl stateful resume ${plan.id} -n shop\` to continue`)
  gate.open = true
  const resumed = await run(["resume", plan.id]).ended
  assert.deepEqual([resumed.code, resumed.out], [0, "statefulset.apps/db scaled\n"], resumed.err)
  assert.strictEqual(replicas(), 2)
  assert.strictEqual((await journals())[0]?.status.phase, "Succeeded")
}

describe.concurrent("what was begun can be taken up, and its exit code is not 0,", () => {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143]
  ] as const) {
    it(`after ${signal}`, async () => {
      await using shop = await newShop()
      const run = shop.start(scale)
      await shop.begun(run)
      run.kill(signal)
      const ended = await run.ended
      assert.deepEqual([ended.code, ended.out], [code, ""])
      await assertResumes(shop, "Stopped", ended.err)
    })
  }

  it("after its credentials expired", async () => {
    await using shop = await newShop()
    const run = shop.start(scale)
    await shop.begun(run)
    const renew = shop.expire()
    const ended = await run.ended
    renew()
    assert.deepEqual([ended.code, ended.out], [1, ""])
    assert.match(ended.err, /error: You must be logged in to the server \(Unauthorized\)/)
    // Who may not write cannot leave a word in the journal.
    await assertResumes(shop, "Running", ended.err)
  })

  it("after a time limit that ran out while the server was out of reach", async () => {
    await using shop = await newShop()
    const run = shop.start([...scale, "--timeout", "10s"])
    await shop.begun(run)
    shop.road.cut()
    await sleep(11_000)
    shop.road.mend()
    const ended = await run.ended
    assert.deepEqual([ended.code, ended.out], [1, ""])
    await assertResumes(shop, "Stopped", ended.err)
  })

  for (const [what, shell] of [
    ["nobody reads its progress any more", "RUN 2> >(head -c 1 >/dev/null)"],
    ["the disk is full that its progress goes to", "RUN 2>/dev/full"]
  ] as const) {
    it(`where ${what}`, async () => {
      await using shop = await newShop()
      const { code, out } = await shop.start(scale, shell).ended
      assert.deepEqual([code, out], [1, ""])
      await assertResumes(shop, "Stopped", null)
    })
  }
})

describe.concurrent("a result that cannot be written", () => {
  for (const [what, shell, says] of [
    ["is no success where nobody reads it", "RUN > >(exec <&-)", ""],
    [
      "is no success on a full disk, and says so",
      "RUN >/dev/full",
      "error: cannot write the output: no space"
    ]
  ] as const) {
    it(what, async () => {
      await using shop = await newShop()
      shop.gate.open = true
      const { code, err } = await shop.start(scale, shell).ended
      assert.strictEqual(code, 1)
      assert.include(err, says)
      assert.notMatch(err, /^ +at /m)
      const [entry] = await shop.journals()
      assert.strictEqual(entry?.status.phase, "Succeeded")
      const again = await shop.start(["resume", entry?.plan.id ?? ""]).ended
      assert.deepEqual([again.code, again.out], [0, "statefulset.apps/db scaled\n"])
    })
  }
})

describe.concurrent("a server out of reach for a moment", () => {
  it("is waited for", async () => {
    await using shop = await newShop()
    const run = shop.start(scale)
    await shop.begun(run)
    shop.road.cut()
    shop.gate.open = true
    await sleep(2500)
    shop.road.mend()
    const { code, out, err } = await run.ended
    assert.deepEqual([code, out], [0, "statefulset.apps/db scaled\n"], err)
  })
})

describe.concurrent("the exit code is 0 if and only if the report says success (I13),", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>, string | null, string | null]> = [
    ["when it is done", scale, "scaled", "Succeeded"],
    ["when nothing is to be done", ["scale", "db", "--replicas", "1"], "unchanged", null],
    ["when it is refused", [...scale, "--current-replicas", "7"], null, null],
    ["when a step gets nowhere", [...scale, "--step-timeout", "1s"], null, "Stopped"],
    ["when there is no such set", ["scale", "nobody", "--replicas", "2"], null, null]
  ]
  for (const [when, argv, says, phase] of cases) {
    it(when, async () => {
      await using shop = await newShop()
      shop.gate.open = !argv.includes("--step-timeout")
      const { code, out, err } = await shop.start(argv).ended
      assert.strictEqual(out, says === null ? "" : `statefulset.apps/db ${says}\n`, err)
      assert.strictEqual(code, says === null ? 1 : 0)
      assert.strictEqual((await shop.journals())[0]?.status.phase ?? null, phase)
    })
  }
})
