/** `kubectl stateful snapshot --consistency quiesced` against real Redis and MariaDB servers: what it promises, and how a freeze ends. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { hasParts, kubectl, namespace } from "./suite/commands.ts"
import { get } from "./suite/read.ts"
import { remains, removeCuts } from "./suite/cuts.ts"
import { assertOver, isOpen, operations } from "./suite/operation.ts"
import * as Mariadb from "./suite/mariadb.ts"
import { bundled, type Ended } from "./suite/plugin.ts"
import {
  clock,
  inMember,
  installRedis,
  password,
  restoredRounds,
  snapshotsIn,
  startRounds
} from "./suite/redis.ts"
import { redis } from "../../packages/sdk/src/profile/redis.ts"

const plugin = bundled()
const round = namespace("q-round")
const wrong = namespace("q-wrong")
const late = namespace("q-late")
const killed = namespace("q-killed")
const replaced = namespace("q-replaced")
const maria = namespace("q-maria")
const all = [round, wrong, late, killed, replaced, maria].map(({ name }) => name)
const timeout = 240_000

const folder = mkdtempSync(join(tmpdir(), "profiles-"))
/** Redis' own profile with a shorter deadline. */
const hasty = join(folder, "hasty.yaml")
const deadline = 4000
writeFileSync(
  hasty,
  JSON.stringify({
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Profile",
    snapshot: { ...redis, quiesce: { ...redis.quiesce, deadline: `${deadline}ms` } }
  })
)

/** A class whose cuts come after that deadline, and well before Redis' own of ten seconds. */
const slower = {
  apiVersion: "snapshot.storage.k8s.io/v1",
  kind: "VolumeSnapshotClass",
  metadata: { name: "q-slower" },
  driver: "bed.csi.kubectl-stateful.dev",
  deletionPolicy: "Delete",
  parameters: { cutDelay: "6s" }
}

const printed: Array<string> = []
const start = (space: string, name: string, ...args: ReadonlyArray<string>) =>
  plugin.start(["snapshot", "db", "-n", space, "--name", name, "--consistency", "quiesced", ...args])
const heard = async (ended: Promise<Ended>): Promise<Ended> => {
  const said = await ended
  printed.push(said.out, said.err)
  return said
}
const pause = (millis: number) => new Promise((resume) => setTimeout(resume, millis))

interface Listed {
  readonly name: string
  readonly level: string
  readonly skew: number
  readonly quiesced?: { readonly members: ReadonlyArray<{ readonly pod: string; readonly millis: number }> }
}

const listed = async (space: string, name: string): Promise<Listed> => {
  const { out, err } = await plugin.run(["snapshots", "-n", space, "-o", "json"])
  const { items } = JSON.parse(out) as { readonly items: ReadonlyArray<Listed> }
  return items.find((each) => each.name === name) ?? assert.fail(`no ${name}: ${out}${err}`)
}

/** It ended with exit code 1 and these words, named the way to thaw by hand, and left nothing. */
const assertMissed = async (space: string, { code, err }: Ended, words: RegExp) => {
  console.log(err.trim().split("\n").at(-1))
  assert.equal(code, 1, err)
  assert.match(err, words)
  assert.match(err, /kubectl stateful thaw db -n [\w-]+ --profile/)
  assert.deepEqual(await remains(space, "db"), [])
  await assertOver(space, "db")
}

/** n0 >= n1 >= n2 >= n0 - 1: what the writer keeps at every moment. */
const isOneMoment = ([n0 = NaN, n1 = NaN, n2 = NaN]: ReadonlyArray<number>): boolean =>
  n0 >= n1 && n1 >= n2 && n2 >= n0 - 1

describe.runIf(hasParts())("a quiesced snapshot", () => {
  beforeAll(async () => {
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--timeout=120s"])
    await kubectl(["apply", "-f", "-"], JSON.stringify(slower))
    for (const name of all) await kubectl(["create", "namespace", name])
    await Promise.all([
      installRedis(round.name, { replicas: 3 }).then(() => startRounds(round.name)),
      Mariadb.installMariadb(maria.name, 2).then(() => Mariadb.startRounds(maria.name)),
      installRedis(wrong.name, { replicas: 1, told: "not-that-one" }),
      installRedis(replaced.name, { replicas: 2, appendonly: "no" }),
      ...[late, killed].map(({ name }) => installRedis(name, { replicas: 2 }))
    ])
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await removeCuts(all)
    await kubectl(["delete", "volumesnapshotclass", "q-slower", "--ignore-not-found"])
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--wait=false"])
  })

  describe.concurrent("of Redis, under a writer that goes round three members", { timeout }, () => {
    it("is one moment, each volume alone or by a driver that cuts one after another; unfrozen it is not", async () => {
      const space = round.name
      const runs = [
        ["db-alone", "--profile", "redis", "--group-class", "none"],
        ["db-apart", "--profile", "redis", "--group-class", "group-sequential"],
        // The same driver without a freeze: the later flag counts.
        ["db-unfrozen", "--consistency", "group", "--allow-lower", "--group-class", "group-sequential"]
      ] as const
      for (const [name, ...args] of runs) {
        const { code, out, err } = await heard(start(space, name, ...args).ended)
        assert.equal(code, 0, err)
        console.log(out.trim().replaceAll("\n", "; "))
      }
      const found = await Promise.all(
        runs.map(async ([name]) => restoredRounds(space, name, await snapshotsIn(space, name)))
      )
      const sets = await Promise.all(runs.map(([name]) => listed(space, name)))
      for (const [index, { name, level, skew }] of sets.entries()) {
        console.log(`${name}: ${level}, skew ${skew} ms, n = ${found[index]?.join(", ")}`)
      }
      assert.deepEqual(
        sets.map(({ level }) => level),
        ["quiesced", "quiesced", "crash"]
      )
      assert.deepEqual(found.map(isOneMoment), [true, true, false])
      assert.isAtLeast(sets[1]?.skew ?? 0, 2000)
    })
  })

  describe.concurrent("with a password that is wrong", { timeout }, () => {
    it("is refused by the probe with the server's own words, and nothing is begun", async () => {
      const { code, err } = await heard(start(wrong.name, "db-wrong", "--profile", "redis").ended)
      console.log(err.trim())
      assert.equal(code, 1)
      assert.match(err, /probe in db-0 failed, so it was not quiesced: .*NOAUTH/)
      assert.deepEqual(await operations(wrong.name), [])
      assert.deepEqual(await remains(wrong.name, "db"), [])
    })
  })

  describe.concurrent("that goes wrong", { timeout }, () => {
    it("by a late cut, a failing one, or a thaw by somebody else is missed, and leaves nothing", async () => {
      const space = late.name
      const alone = ["--group-class", "none"]
      const watch = clock(space, "db-0")
      const slow = start(space, "db-slow", "--profile", hasty, ...alone, "--class", "q-slower")
      await assertMissed(space, await heard(slow.ended), /deadline of 4s/)
      const lapsed = await watch.longest()
      console.log(`deadline passed: no write for ${lapsed} ms in the pod`)
      assert.isAtLeast(lapsed, deadline - 1000)
      assert.isAtMost(lapsed, deadline + 1000)

      const failing = start(space, "db-failing", "--profile", "redis", ...alone, "--class", "snap-failing")
      await assertMissed(space, await heard(failing.ended), /the volume snapshot of data-db-\d failed/)
      const failed = await watch.longest()
      console.log(`a cut failed: no write for ${failed} ms in the pod`)
      assert.isAtMost(failed, 5000)

      const robbed = start(space, "db-robbed", "--profile", "redis", ...alone, "--class", "q-slower")
      await robbed.says(/waiting for its snapshot/)
      const thawed = await heard(plugin.run(["thaw", "db", "-n", space, "--profile", "redis"]))
      assert.notMatch(robbed.lines().join(), /quiesced \d/, "it was thawed after the freeze, and not in it")
      assert.equal(thawed.out, "pod/db-0 thawed\npod/db-1 thawed\n", thawed.err)
      await assertMissed(space, await heard(robbed.ended), /db-\d did not stay quiesced/)
      watch.stop()
    })
  })

  describe.concurrent("whose pod is replaced meanwhile", { timeout }, () => {
    it("is missed; the next one has all that was written, though the server keeps it in memory only", async () => {
      const space = replaced.name
      const args = ["--profile", "redis", "--group-class", "none", "--class", "snap-slow"]
      const running = start(space, "db-replaced", ...args)
      await running.says(/waiting for its snapshot/)
      await kubectl(["delete", "pod", "db-1", "-n", space, "--force", "--grace-period=0"])
      await assertMissed(space, await heard(running.ended), /db-1 (was replaced|did not stay quiesced)/)
      await kubectl(["rollout", "status", "sts/db", "-n", space, "--timeout=60s"])
      for (const pod of ["db-0", "db-1"]) assert.match(await inMember(space, pod, "redis-cli set n 41"), /OK/)
      const next = await heard(start(space, "db-saved", "--profile", "redis").ended)
      assert.equal(next.code, 0, next.err)
      const found = await restoredRounds(space, "db-saved", await snapshotsIn(space, "db-saved"), "no")
      assert.deepEqual(found, [41, 41])
    })
  })

  describe.concurrent("whose caller is killed with SIGKILL, or stopped for good", { timeout }, () => {
    it("thaws by its deadline and a second, shows no password, and is ended by an abort or a resume", async () => {
      const space = killed.name
      const watches = ["db-0", "db-1"].map((pod) => clock(space, pod))
      const slow = ["--group-class", "none", "--class", "snap-slow"]
      const moments = [
        ["redis", /quiesces 2 members/, 150, "SIGKILL", "resume"],
        ["redis", /waiting for its snapshot/, 0, "SIGKILL", "abort"],
        ["redis", /waiting for its snapshot/, 1500, "SIGKILL", "resume"],
        // The connection stands, and nobody is at its other end: only the deadline is left.
        [hasty, /waiting for its snapshot/, 0, "SIGSTOP", "abort"]
      ] as const
      let hits = 0
      for (const [profile, line, after, signal, way] of moments) {
        const first = start(space, "db-killed", "--profile", profile, ...slow)
        await first.says(line)
        await pause(after)
        first.kill(signal)
        const argv = await inMember(space, "db-0", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        assert.notInclude(argv, password)
        if (signal === "SIGSTOP") await pause(deadline + 2000)
        first.kill("SIGKILL")
        await heard(first.ended)
        const held = await Promise.all(watches.map(({ longest }) => longest()))
        console.log(`${signal} ${after} ms after ${line.source}, ${way}: no write for ${held.join(", ")} ms`)
        const limit = profile === hasty ? deadline : 10_000
        for (const millis of held) assert.isAtMost(millis, limit + 1000)
        if (signal === "SIGSTOP") for (const millis of held) assert.isAtLeast(millis, deadline - 1000)
        if (Math.max(...held) > 200) hits += 1
        const [open] = (await operations(space)).filter(isOpen)
        assert.isDefined(open, "nothing was begun")
        const ended = await heard(plugin.run([way, open?.id ?? "", "-n", space]))
        if (way === "abort") assert.equal(ended.code, 0, ended.err)
        else await assertMissed(space, ended, /ended before the members were confirmed|was not given again/)
        assert.deepEqual(await remains(space, "db"), [])
        await assertOver(space, "db")
      }
      for (const { stop } of watches) stop()
      assert.isAtLeast(hits, 2, "no caller was killed while the members were held")
    })
  })

  describe.concurrent("of MariaDB, under a writer that goes round two members", { timeout }, () => {
    it("is one moment also by a driver that cuts one after another, and is missed if its session is killed", async () => {
      const space = maria.name
      const apart = ["--group-class", "group-sequential"]
      const runs = [
        ["db-alone", "--profile", "mariadb", "--group-class", "none"],
        ["db-apart", "--profile", "mariadb", ...apart],
        ["db-unfrozen", "--consistency", "group", "--allow-lower", ...apart]
      ] as const
      for (const [name, ...args] of runs) {
        const { code, out, err } = await heard(start(space, name, ...args).ended)
        assert.equal(code, 0, err)
        console.log(out.trim().replaceAll("\n", "; "))
      }
      const there = await remains(space, "db")
      const slow = start(
        space,
        "db-robbed",
        "--profile",
        "mariadb",
        "--group-class",
        "none",
        "--class",
        "q-slower"
      )
      await slow.says(/waiting for its snapshot/)
      const thawed = await heard(plugin.run(["thaw", "db", "-n", space, "--profile", "mariadb"]))
      assert.notMatch(slow.lines().join(), /quiesced \d/, "it was thawed after the freeze, and not in it")
      assert.equal(thawed.code, 0, thawed.err)
      const { code, err } = await heard(slow.ended)
      assert.equal(code, 1, err)
      assert.match(err, /db-\d did not stay quiesced/)
      assert.deepEqual(await remains(space, "db"), there)
      const found = await Promise.all(
        runs.map(async ([name]) => Mariadb.restoredRounds(space, name, await snapshotsIn(space, name)))
      )
      const sets = await Promise.all(runs.map(([name]) => listed(space, name)))
      for (const [index, { name, level, skew }] of sets.entries()) {
        console.log(`MariaDB ${name}: ${level}, skew ${skew} ms, n = ${found[index]?.join(", ")}`)
      }
      assert.deepEqual(
        sets.map(({ level }) => level),
        ["quiesced", "quiesced", "crash"]
      )
      const isOne = ([n0 = NaN, n1 = NaN]: ReadonlyArray<number>) => n0 >= n1 && n1 >= n0 - 1
      assert.deepEqual(found.map(isOne), [true, true, false])
    })
  })

  it("shows the password in nothing that was printed, and in no object but Secrets", async () => {
    assert.notInclude(printed.join(), password)
    const objects = await Promise.all(
      all.map((name) => get<object>(["configmaps,volumesnapshots,statefulsets,events", "-n", name]))
    )
    assert.notInclude(JSON.stringify(objects), password)
  })
})
