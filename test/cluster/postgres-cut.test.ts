/** `kubectl stateful snapshot --profile postgres` on real servers under load: what each member recovers to. */
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { hasParts, kubectl, namespace } from "./suite/commands.ts"
import { removeCuts } from "./suite/cuts.ts"
import { until } from "./suite/neighbour.ts"
import { bundled } from "./suite/plugin.ts"
import * as Postgres from "./suite/postgres.ts"
import { snapshotsIn } from "./suite/redis.ts"

const plugin = bundled()
const one = namespace("profiles-pg-one").name
const split = namespace("profiles-pg-split").name
const waves = namespace("profiles-pg-waves").name
const all = [one, split, waves]
const timeout = 240_000

const take = (space: string, app: string, name: string, ...args: ReadonlyArray<string>) =>
  plugin.run(["snapshot", app, "-n", space, "--name", name, "--profile", "postgres", ...args])
const alone = ["--group-class", "none"]

/** The built-in profile with a command that has each member of a copy know its own name. */
const withBeforeStart = async (): Promise<string> => {
  const { out } = await plugin.run(["profile", "postgres", "-o", "json"])
  const { restore, ...profile } = JSON.parse(out)
  const named = `echo "cluster_name = '$2'" >>"$1/pgdata/postgresql.auto.conf"`
  const beforeStart = { command: ["sh", "-c", named, "named", "{path:data}", "{pod}"] }
  const file = join(mkdtempSync(join(tmpdir(), "profile-")), "postgres.json")
  writeFileSync(file, JSON.stringify({ ...profile, restore: { ...restore, beforeStart } }))
  return file
}

describe.runIf(hasParts())("a snapshot of PostgreSQL by its profile", () => {
  beforeAll(async () => {
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--timeout=120s"])
    for (const name of all) await kubectl(["create", "namespace", name])
    await Promise.all([
      Postgres.installOneVolume(one, 3).then(() => Postgres.installStandby(one)),
      Postgres.install(split, 1),
      Postgres.install(waves, 2)
    ])
    await Promise.all([
      Postgres.startWriter(one, 3),
      Postgres.startWriter(split, 1),
      Postgres.startWriter(waves, 2)
    ])
    await Promise.all(["db-0", "db-1"].map((pod) => Postgres.moveToTablespace(waves, pod)))
  })
  afterAll(async () => {
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--wait=false"])
  })

  describe.concurrent("with data and WAL on one volume, under load", { timeout }, () => {
    it("is recoverable per member: each starts from its own cut with all that was committed before it", async () => {
      const pods = ["db-0", "db-1", "db-2"]
      const before = await Promise.all(pods.map((pod) => Postgres.highest(one, pod)))
      const { code, out, err } = await take(one, "db", "db-one", ...alone)
      console.log(out.trim())
      assert.equal(code, 0, err)
      assert.match(out, /taken: recoverable per member, 3 claims/)
      const listed = await plugin.run(["snapshots", "-n", one])
      assert.match(listed.out, /db-one +db +recoverable per member/)
      const found = await snapshotsIn(one, "db-one")
      const copies = Object.fromEntries(
        pods.map((pod) => [pod, [{ mount: "data", snapshot: found[`data-${pod}`] ?? "" }]])
      )
      const restored = await Postgres.restored(one, "db-one", copies)
      console.log(`committed before ${before.join(", ")}; restored ${JSON.stringify(restored)}`)
      for (const [index, pod] of pods.entries())
        assert.isAtLeast(restored[pod]?.highest ?? 0, before[index] ?? 0)
    })

    it("of a hot standby is sound too: it starts without its primary, can be promoted, and goes back in place", async () => {
      const names = ["standby-a", "standby-b", "standby-c"]
      const before: Array<number> = []
      for (const name of names) {
        before.push(await Postgres.highest(one, "standby-0"))
        const { code, err } = await take(one, "standby", name, ...alone)
        assert.equal(code, 0, err)
      }
      const copies = await Promise.all(
        names.map(async (name) => {
          const [snapshot = ""] = Object.values(await snapshotsIn(one, name))
          return [name, [{ mount: "data", snapshot }]] as const
        })
      )
      const restored = await Postgres.restored(one, "standbys", Object.fromEntries(copies))
      console.log(`replayed before ${before.join(", ")}; restored ${JSON.stringify(restored)}`)
      for (const [index, name] of names.entries()) {
        assert.isTrue(restored[name]?.wasStandby)
        assert.isAtLeast(restored[name]?.highest ?? 0, before[index] ?? 0)
      }

      // Put back in place it follows its primary again.
      await Postgres.query(one, "db-0", "alter system set wal_keep_size = '100MB'")
      await Postgres.query(one, "db-0", "select pg_reload_conf()")
      const taken = await take(one, "standby", "standby-back", ...alone)
      assert.equal(taken.code, 0, taken.err)
      const back = await plugin.run(["restore", "standby-back", "-n", one, "--yes"])
      assert.equal(back.code, 0, back.err)
      assert.equal(await Postgres.query(one, "standby-0", "select pg_is_in_recovery()"), "t")
      const committed = await Postgres.highest(one, "db-0")
      await until("the standby has caught up", async () =>
        (await Postgres.highest(one, "standby-0")) >= committed ? true : null
      )
    })
  })

  describe.concurrent("with the WAL on a volume of its own, under load", { timeout }, () => {
    it("is refused where each volume would be cut alone, and sound as one group", async () => {
      const { code, err } = await take(split, "db", "db-apart", "--consistency", "crash", ...alone)
      console.log(err.trim())
      assert.equal(code, 1)
      assert.match(
        err,
        /db-0 has its data on 2 volumes, which are snapshotted one after another: data-db-0 \(\/.*pgdata\) and wal-db-0 \(\/.*pg_wal\)/
      )
      assert.match(err, /--consistency offline/)
      const before = await Postgres.highest(split, "db-0")
      const grouped = await take(split, "db", "db-group")
      assert.equal(grouped.code, 0, grouped.err)
      assert.match(grouped.out, /taken: group, 2 claims/)
      const found = await snapshotsIn(split, "db-group")
      const copies = {
        "db-0": [
          { mount: "data", snapshot: found["data-db-0"] ?? "" },
          { mount: "wal", snapshot: found["wal-db-0"] ?? "" }
        ]
      }
      const restored = await Postgres.restored(split, "db-group", copies)
      console.log(`committed before ${before}; restored ${JSON.stringify(restored)}`)
      assert.isAtLeast(restored["db-0"]?.highest ?? 0, before)

      // A session that somebody ends between the waves leaves no set. The first volume is cut once it is held.
      const slow = ["--consistency", "quiesced", "--class", "snap-slowest", ...alone]
      const taking = take(split, "db", "db-lost", ...slow)
      await until("a cut of the first wave", async () =>
        Object.keys(await snapshotsIn(split, "db-lost")).length > 0 ? true : null
      )
      const slots = "pg_replication_slots where slot_name like 'kubectl_stateful_%'"
      const end = `select pg_terminate_backend(active_pid) from ${slots}`
      assert.equal(await Postgres.query(split, "db-0", end), "t")
      const lost = await taking
      console.log(lost.err.trim())
      assert.equal(lost.code, 1)
      assert.match(lost.err, /db-0 did not continue to the next stage: it ended with exit code/)
      assert.deepEqual(await snapshotsIn(split, "db-lost"), {})
    })
  })

  describe.concurrent("cut in waves, under load", { timeout }, () => {
    it("is put back with the label of its backup, by which each server recovers with all that was committed", async () => {
      const pods = ["db-0", "db-1"]
      const before = await Promise.all(pods.map((pod) => Postgres.highest(waves, pod)))
      const asked = ["--consistency", "quiesced", ...alone]
      const { code, out, err } = await take(waves, "db", "db-waves", ...asked)
      console.log(out.trim())
      assert.equal(code, 0, err)
      assert.match(out, /taken: quiesced per member, 4 claims/)
      const after = await Promise.all(pods.map((pod) => Postgres.highest(waves, pod)))
      const bare = await plugin.run(["restore", "db-waves", "-n", waves, "--yes"])
      assert.equal(bare.code, 1)
      assert.match(bare.err, /was taken in stages by profile postgres: .*give --profile postgres/)
      const back = await plugin.run(["restore", "db-waves", "-n", waves, "--yes", "--profile", "postgres"])
      assert.equal(back.code, 0, back.err)
      for (const [index, pod] of pods.entries()) {
        const log = await kubectl(["logs", "-n", waves, pod])
        assert.match(log, /starting backup recovery with redo LSN/)
        const [, end = ""] = /completed backup recovery with redo LSN \S+ and end LSN (\S+)/.exec(log) ?? []
        const highest = await Postgres.sound(waves, pod)
        console.log(`${pod}: ${before[index]} <= ${highest} <= ${after[index]}, recovered to ${end}`)
        assert.isAtLeast(highest, before[index] ?? 0)
        assert.isAtMost(highest, after[index] ?? 0)
      }

      // A copy gets the same, and is changed before its first start.
      const file = await withBeforeStart()
      const how = ["--as", "copy", "--no-fence", "--yes", "--profile", file]
      const copied = await plugin.run(["restore", "db-waves", "-n", waves, ...how])
      assert.equal(copied.code, 0, copied.err)
      for (const [index, pod] of ["copy-0", "copy-1"].entries()) {
        assert.equal(await Postgres.query(waves, pod, "show cluster_name"), pod)
        assert.isAtLeast(await Postgres.sound(waves, pod), before[index] ?? 0)
      }
      await kubectl(["delete", "sts/copy", "-n", waves])

      // A server in standby mode, whose backup has no end of its own.
      const standby = "touch $PGDATA/standby.signal"
      await kubectl(["exec", "-n", waves, "db-1", "--", "sh", "-c", standby])
      await kubectl(["delete", "pod", "db-1", "-n", waves])
      await kubectl(["rollout", "status", "sts/db", "-n", waves, "--timeout=60s"])
      const refused = await take(waves, "db", "db-standby", ...asked)
      assert.equal(refused.code, 1)
      assert.match(refused.err, /probe in db-1 failed, so it was not quiesced: .*hot standby with its WAL on/)
    })
  })
})
