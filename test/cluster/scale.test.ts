/** `kubectl stateful scale` on a real PostgreSQL with a real goodbye. */
import { readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { isBed, kubectl, namespace } from "./suite/commands.ts"
import { get } from "./suite/read.ts"
import { assertOver, isOpen, operations, podsOf } from "./suite/operation.ts"
import { bundled, type Ended } from "./suite/plugin.ts"
import { assertOrdered, recordPods } from "./suite/podEvents.ts"
import { install, profile, query, said } from "./suite/postgres.ts"

const space = namespace("scale-postgres")
const n = ["-n", space.name]
const plugin = bundled()
const manners = profile()

const scale = (replicas: number, ...args: ReadonlyArray<string>) =>
  plugin.start(["scale", "db", ...n, "--replicas", `${replicas}`, "--profile", manners, ...args])

const succeeded = (ran: Ended): void => assert.equal(ran.code, 0, ran.err)

const claims = async (): Promise<Readonly<Record<string, string>>> => {
  const { items } = await get<{
    readonly items: ReadonlyArray<{ readonly metadata: { readonly name: string; readonly uid: string } }>
  }>(["pvc", ...n])
  return Object.fromEntries(items.map(({ metadata }) => [metadata.name, metadata.uid]))
}

/** When the controller asked for a pod's removal, as the API server's audit log has it, in seconds. */
const removals = (pod: string): ReadonlyArray<number> =>
  readFileSync(process.env["BED_AUDIT_LOG"] ?? "", "utf8")
    .split("\n")
    .filter(
      (line) =>
        line.includes('"verb":"delete"') &&
        line.includes(`/namespaces/${space.name}/pods/${pod}"`) &&
        line.includes("statefulset-controller")
    )
    .map((line) => Date.parse(/"requestReceivedTimestamp":"([^"]+)"/.exec(line)?.[1] ?? "") / 1000)

const openOne = async (): Promise<string> => {
  const open = (await operations(space.name)).filter(isOpen)
  assert.lengthOf(open, 1)
  return open[0]?.id ?? ""
}

beforeAll(async () => {
  await space.create()
  await install(space.name, 1)
})
afterAll(async () => {
  await space.remove()
})

describe("scaling PostgreSQL", () => {
  it("adds a pod only when the one below is ready, and greets each once it is", async () => {
    const events = await recordPods(space.name)
    succeeded(await scale(3).ended)
    assertOrdered(events.stop())
    assert.deepEqual(await podsOf(space.name, "db"), ["db-0", "db-1", "db-2"])
    for (const ordinal of [1, 2]) {
      const words = await said(space.name, `db-${ordinal}`)
      assert.deepEqual(
        words.map(({ what, to }) => `${what} ${to}`),
        [`hello db-${ordinal} ${ordinal} db-${ordinal}.db.${space.name}.svc`]
      )
    }
    await assertOver(space.name, "db")
  })

  it("says goodbye once, before the pod is removed, and gives the same data back with the claim", async () => {
    await query(space.name, "db-2", "create table kept as select 42 as answer")
    const before = await claims()
    succeeded(await scale(2).ended)
    assert.deepEqual(await podsOf(space.name, "db"), ["db-0", "db-1"])
    assert.deepEqual(await claims(), before)
    succeeded(await scale(3).ended)
    assert.deepEqual(await claims(), before)
    assert.equal(await query(space.name, "db-2", "select answer from kept"), "42")
    const words = await said(space.name, "db-2")
    assert.deepEqual(
      words.map(({ what }) => what),
      ["hello", "goodbye", "hello"]
    )
    if (isBed()) {
      // The last: the log may hold earlier runs of this suite.
      const removed = removals("db-2").at(-1)
      assert.isDefined(removed)
      assert.isBelow(words[1]?.at ?? Infinity, removed ?? 0)
    }
    await assertOver(space.name, "db")
  })

  it("is interrupted by Ctrl-C, says how to go on, and goes on from another process, from the top down", async () => {
    const events = await recordPods(space.name)
    const first = scale(1)
    assert.isTrue(await first.says(/replicas 3 -> 2/))
    first.kill("SIGINT")
    const stopped = await first.ended
    const id = await openOne()
    assert.notEqual(stopped.code, 0)
    assert.include(stopped.err, `kubectl stateful resume ${id}`)
    succeeded(await plugin.run(["resume", id, ...n, "--profile", manners]))
    assertOrdered(events.stop())
    assert.deepEqual(await podsOf(space.name, "db"), ["db-0"])
    await assertOver(space.name, "db")
  })

  it("refuses a second caller while one runs, and is aborted by another after SIGKILL", async () => {
    // Longer than all that follows: one that ended just then could say hello after the goodbye.
    const slow = profile({ helloTakes: 30 })
    const first = plugin.start(["scale", "db", ...n, "--replicas", "2", "--profile", slow])
    assert.isTrue(await first.says(/afterAdd in db-1/))
    const id = await openOne()
    const second = await scale(3).ended
    assert.equal(second.code, 1)
    assert.match(second.err, new RegExp(`runs operation ${id} on db since .*--take-over`, "s"))
    first.kill("SIGKILL")
    await first.ended
    const third = await scale(3).ended
    assert.equal(third.code, 1)
    assert.include(third.err, id)
    succeeded(await plugin.run(["abort", id, ...n, "--profile", slow]))
    assert.deepEqual(await podsOf(space.name, "db"), ["db-0"])
    await assertOver(space.name, "db")
  })

  it("said each hello and goodbye once in the whole story, also to the member that was taken back", async () => {
    succeeded(await scale(2).ended)
    const words = (await said(space.name, "db-1")).map(({ what }) => what)
    // Added, removed, added by the caller that was killed and taken back, added again. The hello that
    // was cut short is answered by a goodbye, whether it came to its row or not.
    assert.include(["hello goodbye hello goodbye hello", "hello goodbye goodbye hello"], words.join(" "))
  })

  it("refuses to remove a member where too few would be well, and removes nothing", async () => {
    // The readiness probe asks through this socket.
    await kubectl(["exec", ...n, "db-1", "--", "rm", "/tmp/.s.PGSQL.5432"])
    await kubectl(["wait", ...n, "pod/db-1", "--for=condition=Ready=false", "--timeout=60s"])
    const refused = await scale(1).ended
    assert.equal(refused.code, 1)
    assert.match(refused.err, /db-1 not ready: 1 of 2 are, quorum needs 2.*--quorum none/s)
    assert.deepEqual(await podsOf(space.name, "db"), ["db-0", "db-1"])
    await assertOver(space.name, "db")
  })

  it("starts empty where a claim is set aside, and deletes that one alone, with its data, when purged", async () => {
    // The member from before gets well again as a new pod.
    await kubectl(["delete", ...n, "pod/db-1"])
    await kubectl(["wait", ...n, "pod/db-1", "--for=create", "--timeout=60s"])
    await kubectl(["wait", ...n, "pod/db-1", "--for=condition=Ready", "--timeout=60s"])
    await query(space.name, "db-1", "create table mine as select 7 as answer")
    succeeded(await scale(1).ended)
    succeeded(await scale(2, "--leftover-claims", "set-aside").ended)
    assert.equal(await query(space.name, "db-1", "select to_regclass('mine') is null"), "t")
    const before = await claims()
    const aside = Object.keys(before).filter((name) => /^(data|wal)-db-1-[0-9a-f]{8}$/.test(name))
    assert.lengthOf(aside, 2, JSON.stringify(before))
    const path = "jsonpath={range .items[*]}{.spec.volumeName} {end}"
    const marked = ["-l", "kubectl-stateful.dev/set-aside=db"]
    const volumes = (await kubectl(["get", "pvc", ...n, ...marked, "-o", path])).trim().split(" ")

    for (const mode of ["client", "server"]) {
      const plan = await plugin.run(["scale", "db", ...n, "--purge", `--dry-run=${mode}`])
      assert.equal(plan.code, 0, plan.err)
      for (const name of [...aside, ...volumes]) assert.include(plan.out, name)
      const path = "jsonpath={.items[*].metadata.deletionTimestamp}"
      assert.equal(await kubectl(["get", "pvc", ...n, "-o", path]), "", mode)
      assert.deepEqual(await claims(), before)
    }
    const purged = await plugin.run(["scale", "db", ...n, "--purge"])
    succeeded(purged)
    for (const name of aside) assert.include(purged.err, `purged ${name} and volume `)
    const others = Object.entries(before).filter(([name]) => !aside.includes(name))
    assert.deepEqual(await claims(), Object.fromEntries(others))
    assert.equal(await kubectl(["get", "pv", ...volumes, "--ignore-not-found", "-o", "name"]), "")
    assert.equal(await query(space.name, "db-0", "select 1"), "1")
    await assertOver(space.name, "db")
  })
})
