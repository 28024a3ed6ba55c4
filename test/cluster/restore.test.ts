/** `kubectl stateful restore` on real volumes: the state of the cut, the way back, and nothing lost on the way. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { hasParts, kubectl, namespace } from "./suite/commands.ts"
import { get } from "./suite/read.ts"
import { removeCuts } from "./suite/cuts.ts"
import { neighbourhood } from "./suite/neighbour.ts"
import { assertOver, isOpen, operations } from "./suite/operation.ts"
import { bundled, type Ended } from "./suite/plugin.ts"
import { installMembers, startWriter, written } from "./suite/writer.ts"

const plugin = bundled()
const round = namespace("restorec-round")
const killed = ["a", "b", "c", "d"].map((letter) =>
  neighbourhood(`restorec-killed-${letter}`, { replicas: 2 })
)
const lost = neighbourhood("restorec-lost", { replicas: 2, whenScaled: "Delete" })
const small = [...killed, lost]
const all = [round.name, ...small.map(({ name }) => name)]
const timeout = 360_000

const ok = (ended: Ended): Ended => {
  assert.equal(ended.code, 0, ended.err)
  return ended
}
const run = async (space: string, ...args: ReadonlyArray<string>) => plugin.run([...args, "-n", space])
const restore = (space: string, ...args: ReadonlyArray<string>) =>
  plugin.start(["restore", ...args, "--yes", "-n", space])

/** The operation of a restore that is over, as its result says. */
const idIn = ({ out }: Ended): string => /--undo ([0-9a-f]{8})/.exec(out)?.[1] ?? assert.fail(out)

interface Volume {
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> }
  readonly spec: {
    readonly persistentVolumeReclaimPolicy: string
    readonly claimRef?: { readonly name: string; readonly namespace: string }
  }
}

/** The volumes of a namespace's claims: their policies, and whether an operation's mark is on them. */
const volumes = async (space: string) => {
  const { items } = await get<{ readonly items: ReadonlyArray<Volume> }>(["pv"])
  return items
    .filter(({ spec }) => spec.claimRef?.namespace === space)
    .map(({ metadata, spec }) => ({
      claim: spec.claimRef?.name ?? "",
      policy: spec.persistentVolumeReclaimPolicy,
      marked: metadata.annotations?.["kubectl-stateful.dev/reclaim-policy-before"] !== undefined
    }))
    .toSorted((left, right) => (left.claim < right.claim ? -1 : 1))
}

/** Each member writes into its volume from when it is. */
const write = (space: string, when: string) =>
  Promise.all(
    [0, 1].map((ordinal) =>
      kubectl([
        "exec",
        "-n",
        space,
        `db-${ordinal}`,
        "--",
        "sh",
        "-c",
        `echo ${when}-${ordinal} > /data/mark; sync`
      ])
    )
  )

/** From when the members' volumes are: they have to agree. */
const stateOf = async (space: string): Promise<string> => {
  await kubectl(["rollout", "status", "sts/db", "-n", space, "--timeout=60s"])
  const marks = await Promise.all(
    [0, 1].map((ordinal) => kubectl(["exec", "-n", space, `db-${ordinal}`, "--", "cat", "/data/mark"]))
  )
  const [first = "", second = ""] = marks.map((mark) => mark.trim())
  assert.equal(first.replace(/-0$/, ""), second.replace(/-1$/, ""), "one state")
  return first.replace(/-0$/, "")
}

/** No check pod, no mark on the members' own volumes, and no claim that nobody names. */
const assertSettled = async (space: string) => {
  await assertOver(space, "db")
  const pods = await kubectl(["get", "pods", "-n", space, "-o", "name"])
  assert.notInclude(pods, "prove")
  for (const { claim, marked } of await volumes(space))
    if (/^data-db-\d$/.test(claim)) assert.isFalse(marked, claim)
}

describe.runIf(hasParts())("a restore", () => {
  beforeAll(async () => {
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--timeout=120s"])
    await kubectl(["create", "namespace", round.name])
    await Promise.all([
      installMembers(round.name, { replicas: 3 }).then(() => startWriter(round.name)),
      ...small.map(async ({ apply, manifests, ready, name }) => {
        await apply(...manifests)
        await ready()
        await write(name, "before")
        ok(await run(name, "snapshot", "db", "--name", "cut"))
        await write(name, "after")
      })
    ])
  })
  afterAll(async () => {
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--wait=false"])
  })

  describe.concurrent("of three PostgreSQL members under a writer that goes round them", { timeout }, () => {
    it("is one moment, stops them hardly longer than going to 0 and back, and is undone", async () => {
      const space = round.name
      ok(await run(space, "snapshot", "db", "--name", "moment", "--consistency", "group"))
      const cut = await written(space, "db-0")
      await new Promise((resume) => setTimeout(resume, 1000))
      const before = await volumes(space)
      ok(await run(space, "restore", "moment", "--dry-run=server"))
      assert.deepEqual(await volumes(space), before)
      const deleted = "jsonpath={.items[*].metadata.deletionTimestamp}"
      assert.equal(await kubectl(["get", "pvc", "-n", space, "-o", deleted]), "")
      const reached = await written(space, "db-0")
      assert.isAbove(reached, cut, "the writer stands still")
      const first = restore(space, "moment")
      assert.isTrue(await first.says(/^\[3\/\d+\] replicas 3 -> 0/))
      const began = performance.now()
      const ended = ok(await first.ended)
      const down = performance.now() - began
      await kubectl(["delete", "pod", "writer", "-n", space, "--ignore-not-found"])
      const found = await Promise.all(["db-0", "db-1", "db-2"].map((pod) => written(space, pod)))
      const [n0 = 0, n1 = 0, n2 = 0] = found
      assert.isTrue(n0 >= n1 && n1 >= n2 && n2 >= n0 - 1, found.join())
      assert.isAtMost(n0, cut)
      assert.isAbove(n0, 0)

      const idle = performance.now()
      ok(await run(space, "scale", "db", "--replicas", "0"))
      ok(await run(space, "scale", "db", "--replicas", "3"))
      const alone = performance.now() - idle
      const ratio = (down / alone).toFixed(2)
      console.log(
        `restore: down ${Math.round(down)} ms, to 0 and back ${Math.round(alone)} ms, ratio ${ratio}`
      )

      const undone = ok(await restore(space, "--undo", idIn(ended)).ended)
      const again = await Promise.all(["db-0", "db-1", "db-2"].map((pod) => written(space, pod)))
      for (const n of again) assert.isAtLeast(n, reached - 1, again.join())
      assert.match(undone.out, /^statefulset\.apps\/db restore [0-9a-f]{8} undone: 3 volumes, 3 replicas\n/)
      await assertSettled(space)
    })
  })

  describe.concurrent("after data was lost", { timeout }, () => {
    it("gives back a claim that is gone under whenScaled Delete, and keeps what was there", async () => {
      const { name, removeClaim, isGone, patch, whenScaled } = lost
      await patch("sts/db", { spec: { replicas: 1 } })
      await isGone("pod/db-1")
      await removeClaim("data-db-1").catch(() => {
        // The controller was faster.
      })
      await isGone("pvc/data-db-1")
      const ended = ok(await restore(name, "cut").ended)
      assert.equal(await stateOf(name), "before")
      assert.equal(await whenScaled(), "Delete")
      const id = idIn(ended)
      assert.deepEqual(await volumes(name), [
        { claim: "data-db-0", policy: "Delete", marked: false },
        { claim: `data-db-0-${id}`, policy: "Retain", marked: true },
        { claim: "data-db-1", policy: "Delete", marked: false }
      ])
      ok(await run(name, "scale", "db", "--purge"))
      assert.deepEqual(await volumes(name), [
        { claim: "data-db-0", policy: "Delete", marked: false },
        { claim: "data-db-1", policy: "Delete", marked: false }
      ])
      await assertSettled(name)
    })
  })

  /** Where the caller is killed: a line of its own, and milliseconds after that; then what ends it. */
  const moments: ReadonlyArray<readonly [RegExp, number, "abort" | "resume"]> = [
    [/waiting for its check pod/, 0, "abort"],
    [/^\[2\//, 30, "resume"],
    [/^\[3\//, 200, "resume"],
    [/^\[4\//, 20, "abort"],
    [/^\[5\//, 60, "resume"],
    [/^\[6\//, 30, "abort"],
    [/^\[7\//, 80, "resume"],
    [/^\[8\//, 0, "abort"],
    [/^\[9\//, 300, "resume"],
    [/^\[10\//, 0, "abort"]
  ]
  /** In CI every third; `npm run prove -- kills` takes each. */
  const isWhole = process.env["PROVE_RUNS"] !== undefined
  const chosen = moments.filter((_, index) => isWhole || index % 3 === 0)

  describe.concurrent("whose caller is killed with SIGKILL", { timeout }, () => {
    it("is ended by a resume in the new state, and by an abort in the old one, each of them whole", async () => {
      const hits = await Promise.all(
        killed.map(async ({ name }, worker) => {
          let hit = 0
          for (const [index, [line, after, way]] of chosen.entries()) {
            if (index % killed.length !== worker) continue
            await write(name, "after")
            const first = restore(name, "cut")
            await first.says(line)
            await new Promise((resume) => setTimeout(resume, after))
            first.kill("SIGKILL")
            const { err, signal } = await first.ended
            const at = `${way}, killed ${after} ms after "${err.trim().split("\n").at(-1)}"`
            const [open] = (await operations(name)).filter(isOpen)
            console.log(`${open !== undefined && signal === "SIGKILL" ? "mid-run" : "outside"}: ${at}`)
            if (open !== undefined) {
              hit += 1
              const ended = await run(name, way, open.id)
              assert.equal(ended.code, 0, `${at}: ${ended.err}`)
              assert.equal(await stateOf(name), way === "abort" ? "after" : "before", at)
            }
            await assertSettled(name)
            ok(await run(name, "scale", "db", "--purge"))
          }
          return hit
        })
      )
      const hit = hits.reduce((sum, each) => sum + each, 0)
      console.log(`${hit} of ${chosen.length} SIGKILLs hit a running restore`)
      assert.isAtLeast(hit, 0.7 * chosen.length)
    })
  })
})
