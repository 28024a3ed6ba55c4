/** `kubectl stateful snapshot` on real volumes: what a level promises, and what is left of a set. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { hasParts, isBed, kubectl, namespace } from "./suite/commands.ts"
import { get } from "./suite/read.ts"
import { contentsOf, handlesOf, kept, marksIn, removeCuts, remains } from "./suite/cuts.ts"
import { type Neighbourhood, neighbourhood } from "./suite/neighbour.ts"
import { assertOver, isOpen, operations } from "./suite/operation.ts"
import { bundled, type Ended } from "./suite/plugin.ts"
import { type Restored, installMembers, restored, startWriter, written } from "./suite/writer.ts"
import { assertPutBack } from "./suite/volumes.ts"

const plugin = bundled()
const round = namespace("snapc-round")
const offline = namespace("snapc-offline")
const gone = neighbourhood("snapc-gone", { replicas: 2 })
const late = neighbourhood("snapc-late", { replicas: 3 })
const later = neighbourhood("snapc-later", { replicas: 3 })
const killed = ["a", "b"].map((letter) => neighbourhood(`snapc-killed-${letter}`, { replicas: 2 }))
const elsewhere = namespace("snapc-elsewhere")
const small = [gone, late, later, ...killed]
const bare = [round, offline, elsewhere]
const all = [...bare, ...small].map(({ name }) => name)
const timeout = 240_000

/** A class of groups whose members are not ready as long as anybody waits. */
const never = "snapc-never"
const neverReady = {
  apiVersion: "groupsnapshot.storage.k8s.io/v1",
  kind: "VolumeGroupSnapshotClass",
  metadata: { name: never },
  driver: "bed.csi.kubectl-stateful.dev",
  deletionPolicy: "Delete",
  parameters: { mode: "atomic", readyAfter: "1h" }
}

const snapshot = (space: string, name: string, ...args: ReadonlyArray<string>) =>
  plugin.start(["snapshot", "db", "-n", space, "--name", name, ...args])

const take = async (space: string, name: string, ...args: ReadonlyArray<string>): Promise<Ended> => {
  const ended = await snapshot(space, name, ...args).ended
  assert.equal(ended.code, 0, ended.err)
  console.log(ended.out.trim().replaceAll("\n", "; "))
  return ended
}

interface Listed {
  readonly name: string
  readonly level: string
  readonly why: ReadonlyArray<string>
  readonly skew: number
  readonly ready: ReadonlyArray<string>
  readonly cuts: ReadonlyArray<{ readonly claim: string; readonly snapshotHandle: string }>
}

const listed = async (space: string, name: string): Promise<Listed> => {
  const { out, err } = await plugin.run(["snapshots", "-n", space, "-o", "json"])
  const { items } = JSON.parse(out) as { readonly items: ReadonlyArray<Listed> }
  return items.find((each) => each.name === name) ?? assert.fail(`no ${name}: ${out}${err}`)
}

const handlesIn = ({ cuts }: Listed) => cuts.map(({ snapshotHandle }) => snapshotHandle)

interface Snapshot {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly source: { readonly persistentVolumeClaimName: string } }
  readonly status?: {
    readonly volumeGroupSnapshotName?: string
    readonly readyToUse?: boolean
  }
}

/** A set's VolumeSnapshots by their claims, as a person finds them: members by their group, others by their labels. */
const snapshotsOf = async (space: string, set: string): Promise<Readonly<Record<string, string>>> => {
  const { items } = await get<{ readonly items: ReadonlyArray<Snapshot> }>(["volumesnapshots", "-n", space])
  return Object.fromEntries(
    items
      .filter(
        ({ metadata, status }) =>
          status?.volumeGroupSnapshotName === set || metadata.name.startsWith(`${set}-data-`)
      )
      .map(({ metadata, spec }) => [spec.source.persistentVolumeClaimName, metadata.name])
  )
}

/** Its claims with their volumes. */
const claimed = async (space: string) => {
  const { items } = await get<{
    readonly items: ReadonlyArray<{
      readonly metadata: { readonly name: string; readonly uid: string }
      readonly spec: { readonly volumeName: string }
    }>
  }>(["pvc", "-n", space, "-l", "app=db"])
  return items.map(({ metadata: { name, uid }, spec: { volumeName } }) => ({
    pod: name.replace("data-", ""),
    claim: name,
    uid,
    volume: volumeName,
    mark: ""
  }))
}

/** The set's members as they come back, each without a gap. */
const back = async (space: string, set: string): Promise<ReadonlyArray<Restored>> => {
  const found = await restored(space, set, await snapshotsOf(space, set))
  console.log(`${set}: ${found.map(({ n, state }) => `${n} (${state})`).join(", ")}`)
  for (const { claim, n, count } of found) assert.equal(count, n, `${set}: ${claim} has gaps`)
  return found
}

/** n0 >= n1 >= n2 >= n0 - 1: what the writer keeps at every moment. */
const isOneMoment = (found: ReadonlyArray<Restored>): boolean => {
  const [n0 = NaN, n1 = NaN, n2 = NaN] = found.map(({ n }) => n)
  return n0 >= n1 && n1 >= n2 && n2 >= n0 - 1
}

const setUp = async ({ apply, manifests, ready }: Neighbourhood) => {
  await apply(...manifests)
  await ready()
}

describe.runIf(hasParts())("a snapshot", () => {
  beforeAll(async () => {
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--timeout=120s"])
    await kubectl(["apply", "-f", "-"], JSON.stringify(neverReady))
    for (const space of bare) await kubectl(["create", "namespace", space.name])
    await Promise.all([
      installMembers(round.name, { replicas: 3 }).then(() => startWriter(round.name)),
      installMembers(offline.name, { replicas: 2, whenScaled: "Delete" }),
      ...small.map(setUp)
    ])
  })
  afterAll(async () => {
    await removeCuts(all)
    await kubectl(["delete", "volumegroupsnapshotclass", never, "--ignore-not-found"])
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--wait=false"])
  })

  describe.concurrent("under a writer that goes round three members", { timeout }, () => {
    it("by group is one moment, each alone is whole, and what is not one moment says so", async () => {
      const space = round.name
      const before = await written(space, "db-0")
      await take(space, "db-group", "--consistency", "group")
      await take(space, "db-auto")
      const lower = await take(space, "db-apart", "--group-class", "group-sequential")
      await take(space, "db-crash", "--consistency", "crash")
      assert.isAbove(await written(space, "db-2"), before, "the writer stands still")

      // A level that was asked for by name is reached, or nothing is left.
      const there = await remains(space, "db")
      const asked = ["--consistency", "group", "--group-class", "group-sequential"]
      const missed = await snapshot(space, "db-missed", ...asked).ended
      assert.equal(missed.code, 1, missed.err)
      assert.match(missed.err, /taken [\d.]+ s apart.*what was created is deleted; use --consistency offline/)
      assert.deepEqual(await remains(space, "db"), there)
      await assertOver(space, "db")

      const [group = [], auto = [], apart = []] = await Promise.all(
        ["db-group", "db-auto", "db-apart", "db-crash"].map((set) => back(space, set))
      )
      const summaries = await Promise.all(
        ["db-group", "db-auto", "db-apart", "db-crash"].map((set) => listed(space, set))
      )
      for (const { name, level, skew, ready, why } of summaries) {
        console.log(`${name}: ${level}, skew ${skew} ms, ready ${ready.length}, ${why.join("; ")}`)
        assert.lengthOf(ready, 3)
      }
      assert.isTrue(isOneMoment(group), JSON.stringify(group))
      assert.isTrue(isOneMoment(auto), JSON.stringify(auto))
      assert.isFalse(isOneMoment(apart), "two seconds between three members, and nobody saw it")
      assert.deepEqual(
        summaries.map(({ level }) => level),
        ["group", "group", "crash", "crash"]
      )
      const skews = summaries.map(({ skew }) => skew)
      assert.deepEqual(skews.slice(0, 2), [0, 0])
      assert.isAtLeast(skews[2] ?? 0, 2000)
      assert.match(lower.out, /taken: crash, 3 claims, .*, skew 2.*the snapshots of the group were taken/s)
    })
  })

  describe.concurrent("taken offline", { timeout }, () => {
    it("is of members that were shut down cleanly, and puts everything back as it was", async () => {
      const space = offline.name
      const n = ["-n", space]
      const insert = "insert into rounds select generate_series(1, 1000)"
      for (const pod of ["db-0", "db-1"]) await kubectl(["exec", ...n, pod, "--", "psql", "-qc", insert])
      const members = await claimed(space)
      const set = async () =>
        (
          await get<{
            readonly spec: {
              readonly replicas: number
              readonly persistentVolumeClaimRetentionPolicy: object
            }
          }>(["sts/db", ...n])
        ).spec
      const { replicas, persistentVolumeClaimRetentionPolicy } = await set()
      await take(space, "db-offline", "--consistency", "offline")
      const after = await set()
      assert.equal(after.replicas, replicas)
      assert.deepEqual(after.persistentVolumeClaimRetentionPolicy, persistentVolumeClaimRetentionPolicy)
      assert.deepEqual(await claimed(space), members)
      await assertPutBack(members, Object.fromEntries(members.map(({ claim }) => [claim, "claimed"])))
      await kubectl(["rollout", "status", "sts/db", ...n, "--timeout=60s"])
      for (const pod of ["db-0", "db-1"]) assert.equal(await written(space, pod), 1000)
      const found = await back(space, "db-offline")
      assert.deepEqual(
        found.map(({ state, n: highest }) => [state, highest]),
        [
          ["shut down", 1000],
          ["shut down", 1000]
        ]
      )
      assert.deepInclude(await listed(space, "db-offline"), { level: "offline" })
      await assertOver(space, "db")
    })
  })

  describe.concurrent("whose namespace is deleted", { timeout }, () => {
    it("is in the storage still, and can be restored elsewhere; one that is pruned is there no more", async () => {
      const { name } = gone
      const members = await gone.members()
      await take(name, "db-first", "--consistency", "group")
      await take(name, "db-second", "--consistency", "crash")
      await take(name, "db-third", "--consistency", "group")
      const [first, second, third] = await Promise.all(
        ["db-first", "db-second", "db-third"].map((set) => listed(name, set))
      )
      const lasting = [second, third].flatMap((one) => (one === undefined ? [] : handlesIn(one)))
      const pruned = await plugin.run(["snapshots", "prune", "db-first", "--yes", "-n", name])
      assert.equal(pruned.code, 0, pruned.err)
      const handles = await handlesOf(name, "db")
      assert.lengthOf(first === undefined ? [] : handlesIn(first), 2)
      const assertKept = (ids: ReadonlyArray<string>) => {
        if (!isBed()) return // nobody can look into another cluster's storage
        const ours = kept().filter(({ source }) => handles.includes(source))
        assert.sameMembers(
          ours.map(({ id }) => id),
          [...ids]
        )
      }
      assertKept(lasting)
      assert.notMatch((await remains(name, "db")).join(), /db-first/)

      await kubectl(["delete", "namespace", name, "--timeout=120s"])
      assertKept(lasting)
      const left = await contentsOf(handles)
      assert.deepEqual([...new Set(left.map(({ spec }) => spec?.deletionPolicy))], ["Retain"])
      const known = left.flatMap(({ status }) => status?.snapshotHandle ?? [])
      assert.includeMembers(known, lasting)
      assert.deepEqual(
        await marksIn(elsewhere.name, handlesIn(third ?? assert.fail())),
        members.map(({ mark }) => mark)
      )
      await removeCuts([name, elsewhere.name])
      assertKept([])
    })
  })

  /** Where the caller is killed: a line of its own, and milliseconds after that. */
  const moments: ReadonlyArray<readonly [RegExp, number]> = [
    [/^operation /, 0],
    [/^\[1\/5\]/, 60],
    [/waiting for its snapshot/, 0],
    [/ taken \d+ms/, 0],
    [/^\[2\/5\]/, 30],
    [/^\[3\/5\]/, 20],
    [/^\[4\/5\]/, 0]
  ]
  const runs = moments.map((moment, index) => [...moment, index % 4 < 2 ? "abort" : "resume"] as const)

  describe.concurrent("whose caller is killed with SIGKILL", { timeout }, () => {
    it("is named by operations, is ended by a resume, and leaves nothing after an abort", async () => {
      const hits = await Promise.all(
        killed.map(async ({ name }, worker) => {
          const mine = runs.filter((_, index) => index % killed.length === worker)
          let hit = 0
          for (const [line, after, way] of mine) {
            const first = snapshot(name, "db-killed", "--consistency", "group")
            await first.says(line)
            await new Promise((resume) => setTimeout(resume, after))
            first.kill("SIGKILL")
            const { err, signal } = await first.ended
            const at = `${way}, killed ${after} ms after "${err.trim().split("\n").at(-1)}"`
            const open = (await operations(name)).filter(isOpen)
            assert.isAtMost(open.length, 1, at)
            console.log(`${open.length === 1 && signal === "SIGKILL" ? "mid-run" : "outside"}: ${at}`)
            const [left] = open
            if (left === undefined) {
              const there = await remains(name, "db")
              // Before its journal was written, or after its end: nothing, or all of it.
              if (signal === "SIGKILL" && !err.includes("[1/5]")) assert.deepEqual(there, [], at)
            } else {
              hit += 1
              const said = await plugin.run(["operations", "-n", name])
              assert.match(said.out, new RegExp(`${left.id} +snapshot +db +Running`), at)
              const ended = await plugin.run([way, left.id, "-n", name])
              assert.equal(ended.code, 0, `${at}: ${ended.err}`)
              await assertOver(name, "db")
              if (way === "abort") assert.deepEqual(await remains(name, "db"), [], at)
              else {
                const { level, ready, skew } = await listed(name, "db-killed")
                assert.deepEqual(
                  { level, ready: ready.length, skew },
                  { level: "group", ready: 2, skew: 0 },
                  at
                )
              }
            }
            const there = await remains(name, "db")
            if (there.length > 0) {
              const pruned = await plugin.run([
                "snapshots",
                "prune",
                "db-killed",
                "--last",
                "--yes",
                "-n",
                name
              ])
              assert.equal(pruned.code, 0, `${at}: ${pruned.err}`)
              assert.deepEqual(await remains(name, "db"), [], at)
            }
          }
          return hit
        })
      )
      const hit = hits.reduce((sum, each) => sum + each, 0)
      console.log(`${hit} of ${runs.length} SIGKILLs hit a running snapshot`)
      assert.isAtLeast(hit, 4)
    })
  })

  describe.concurrent("of a group whose members are ready late, or never", { timeout }, () => {
    it("is given up after --step-timeout, names them with the way out, and an abort leaves nothing", async () => {
      const { name } = late
      const flags = ["--step-timeout", "5s"]
      const assertGivenUp = ({ code, err }: Ended) => {
        assert.equal(code, 1, err)
        console.log(err.trim().split("\n").at(-1))
        assert.match(err, /not ready to use in 5s: .*data-db-0.*data-db-1.*data-db-2/)
        assert.match(err, /a resume continues to wait: .* 15 minutes .* abort, and take another snapshot/)
      }
      const began = Date.now()
      assertGivenUp(await snapshot(name, "db-never", "--group-class", never, ...flags).ended)
      console.log(`given up after ${Date.now() - began} ms`)
      assert.isBelow(Date.now() - began, 60_000)
      assert.deepInclude(await listed(name, "db-never"), { level: "group", ready: [] })
      const [open] = (await operations(name)).filter(isOpen)
      assertGivenUp(await plugin.run(["resume", open?.id ?? "", "-n", name, ...flags]))
      const aborted = await plugin.run(["abort", open?.id ?? "", "-n", name])
      assert.equal(aborted.code, 0, aborted.err)
      assert.deepEqual(await remains(name, "db"), [])
      await assertOver(name, "db")
    })

    it("by a class that is ready late is ready at its end, or names who is not, and goes with an abort", async () => {
      const { name } = later
      const args = ["--group-class", "group-late", "--step-timeout", "15s"]
      const { code, err } = await snapshot(name, "db-late", ...args).ended
      const { ready } = await listed(name, "db-late")
      console.log(`group-late: exit ${code}, ready ${ready.length} of 3`)
      // Upstream's race: the group turns ready, and some of its members never do.
      assert.equal(code, ready.length === 3 ? 0 : 1, err)
      if (code === 1) assert.match(err, /not ready to use in 15s: .*data-db-\d/)
      const [open] = (await operations(name)).filter(isOpen)
      const end =
        open === undefined ? ["snapshots", "prune", "db-late", "--last", "--yes"] : ["abort", open.id]
      const ended = await plugin.run([...end, "-n", name])
      assert.equal(ended.code, 0, ended.err)
      assert.deepEqual(await remains(name, "db"), [])
      await assertOver(name, "db")
    })
  })
})
