/** The caller of a quiesced snapshot is killed at each of its calls: nobody is frozen beyond the deadline and a second. */
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { from } from "../../packages/kubectl-stateful/bundle.ts"
import { hasParts, kubectl, namespace } from "./suite/commands.ts"
import { remains, removeCuts } from "./suite/cuts.ts"
import { deadline } from "./suite/dyingCaller.ts"
import { assertOver, isOpen, operations } from "./suite/operation.ts"
import { bundled } from "./suite/plugin.ts"
import { clock, installRedis } from "./suite/redis.ts"

const plugin = bundled()
const spaces = ["a", "b", "c"].map((letter) => namespace(`proofs-q-kill-${letter}`))
const all = spaces.map(({ name }) => name)
const timeout = 7_200_000
const ours = "app.kubernetes.io/managed-by=kubectl-stateful"
const folder = mkdtempSync(join(tmpdir(), "dying-caller-"))
const program = join(folder, "dyingCaller.js")

/** In CI so many calls of the run, spread over it; `npm run prove -- kills` takes each. */
const isWhole = process.env["PROVE_RUNS"] !== undefined
const points = 12

interface Caller {
  readonly isKilled: boolean
  readonly out: string
  readonly err: string
}

const caller = (space: string, set: string, call: number): Promise<Caller> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, space, set, `${call}`],
      { encoding: "utf8", timeout: 120_000 },
      (error, out, err) => resolve({ isKilled: error?.signal === "SIGKILL", out, err })
    )
  })

/** Every set of these namespaces for good, and what tells of it: the next one may have its name. */
const removeSets = async (space: string): Promise<void> => {
  await removeCuts([space])
  await kubectl(["delete", "secrets,configmaps", "-n", space, "-l", ours])
}

describe.runIf(hasParts())("a quiesced snapshot whose caller is killed with SIGKILL", () => {
  beforeAll(async () => {
    const bundle = await rolldown(from(fileURLToPath(new URL("suite/dyingCaller.ts", import.meta.url))))
    await bundle.write({ file: program, format: "esm", codeSplitting: false })
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--timeout=120s"])
    await Promise.all(
      spaces.map(async ({ name }) => {
        await kubectl(["create", "namespace", name])
        await installRedis(name, { replicas: 2 })
      })
    )
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--wait=false"])
  })

  it(
    "at any of its calls holds no member beyond its deadline and a second, and leaves nothing",
    { timeout },
    async () => {
      const [first] = all
      const plain = await caller(first ?? "", "db-plain", 0)
      assert.include(plain.out, "Succeeded", plain.err)
      const { calls } = JSON.parse(plain.out) as { readonly calls: ReadonlyArray<string> }
      await removeSets(first ?? "")
      const execs = calls.flatMap((what, index) => (what.startsWith("EXEC ") ? [index + 1] : []))
      // From the first probe on something may be held; before that a few will do.
      const from = isWhole ? 1 : (execs[0] ?? 1)
      const each = isWhole ? 1 : Math.max(1, (calls.length - from) / points)
      const chosen = Array.from({ length: isWhole ? calls.length : points }, (_, index) =>
        Math.round(from + index * each)
      )
      let [killed, frozen, longest] = [0, 0, 0]
      const one = async (space: string, call: number, watches: ReadonlyArray<ReturnType<typeof clock>>) => {
        const { isKilled, err } = await caller(space, "db-killed", call)
        const held = Math.max(...(await Promise.all(watches.map((watch) => watch.longest()))))
        const at = `call ${call} of ${calls.length}, ${calls[call - 1]}`
        if (isKilled) killed += 1
        if (held > 300) frozen += 1
        longest = Math.max(longest, held)
        assert.isAtMost(held, deadline + 1000, `${at}: ${err}`)
        for (const open of (await operations(space)).filter(isOpen)) {
          const ended = await plugin.run(["abort", open.id, "-n", space])
          assert.equal(ended.code, 0, `${at}: ${ended.err}`)
        }
        // One run asks a few times more than another: near the end it may have succeeded before it died.
        const isTaken = (await operations(space)).some(({ phase }) => phase === "Succeeded")
        if (isTaken) {
          const told = await plugin.run(["snapshots", "describe", "db-killed", "-n", space])
          assert.equal(told.code, 0, `${at}: ${told.err}`)
          assert.match(told.out, /quiesced/i, at)
        } else assert.deepEqual(await remains(space, "db"), [], at)
        await assertOver(space, "db").catch((cause: unknown) => {
          // A Lease of a caller that died before its journal stands until somebody else comes.
          if (!String(cause).includes("kubectl-stateful.db")) throw cause
        })
        await removeSets(space)
      }
      await Promise.all(
        all.map(async (space, worker) => {
          const watches = ["db-0", "db-1"].map((pod) => clock(space, pod))
          try {
            for (const watch of watches) await watch.longest()
            for (const call of chosen.filter((_, index) => index % all.length === worker))
              await one(space, call, watches)
          } finally {
            for (const { stop } of watches) stop()
          }
        })
      )
      console.log(
        `${killed} SIGKILLs at ${chosen.length} of ${calls.length} calls, at ${frozen} of them a write waited above 300 ms, ${longest} ms; the deadline is ${deadline} ms`
      )
      assert.isAtLeast(killed, chosen.length - 2)
    }
  )
})
