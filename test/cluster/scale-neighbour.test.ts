/**
 * `kubectl stateful scale` while a second person acts with kubectl between two of its calls: no data is
 * lost, and the exit code is 0 only where all is as the plan said.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { kubectl, stateful } from "./suite/commands.ts"
import {
  claim,
  jobOn,
  type Neighbourhood,
  neighbourhood,
  type SetOptions,
  waitsAt
} from "./suite/neighbour.ts"
import { assertOver, isOpen, operations, podsOf } from "./suite/operation.ts"
import { bundled, type Ended, type Running } from "./suite/plugin.ts"
import { assertKept, assertPutBack, fates, letGo, released, volumes } from "./suite/volumes.ts"

const plugin = bundled()
const timeout = 240_000
const folder = mkdtempSync(join(tmpdir(), "scale-neighbour-"))
const spaces: Array<Neighbourhood> = []

const space = (name: string, options: SetOptions): Neighbourhood => {
  const made = neighbourhood(`nb-${name}`, options)
  spaces.push(made)
  return made
}

const scale = ({ n }: Neighbourhood, replicas: number | "last", ...args: ReadonlyArray<string>): Running =>
  plugin.start(["scale", "db", ...n, "--replicas", `${replicas}`, "--step-timeout", "30s", ...args])

const words = ({ out, err }: Ended): string => `${err}${out}`

const assertCode = (ran: Ended, code: number): void => assert.equal(ran.code, code, words(ran))

const assertNames = (ran: Ended, ...names: ReadonlyArray<string>): void => {
  for (const name of names) assert.include(words(ran), name)
}

const says = async (running: Running, line: RegExp): Promise<void> =>
  assert.isTrue(await running.says(line), running.lines().join("\n"))

const kill = async (running: Running): Promise<void> => {
  running.kill("SIGKILL")
  await running.ended
}

const openOne = async ({ name }: Neighbourhood): Promise<string> => {
  const open = (await operations(name)).filter(isOpen)
  assert.lengthOf(open, 1)
  return open[0]?.id ?? ""
}

/** A scale from 2 to 0 that stands still while db-1, which was asked to go, waits at its gate. */
const onTheWay = async (here: Neighbourhood) => {
  const members = await here.members()
  const running = scale(here, 0)
  await says(running, /replicas 2 -> 1/)
  await here.leaves("pod/db-1")
  return { members, running, id: await openOne(here) }
}

beforeAll(async () => {
  const names = spaces.map(({ name }) => name)
  await kubectl(["delete", "namespace", ...names, "--ignore-not-found", "--timeout=120s"])
  const items = spaces.flatMap(({ manifests }) => manifests)
  await kubectl(["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }))
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  const names = spaces.map(({ name }) => name)
  await letGo(new Set(names))
  await kubectl(["delete", "namespace", ...names, "--ignore-not-found", "--wait=false"])
})

describe.concurrent("a claim of a name that the set will need", { timeout }, () => {
  const thief = space("thief", { replicas: 1 })
  const victim = space("victim", { replicas: 1 })
  it("names a volume of another namespace: set-aside refuses, and that volume and its pod go on untouched", async () => {
    const [mine] = await victim.members()
    assert.isDefined(mine)
    await thief.ready()
    const before = (await volumes()).get(mine.volume)
    await kubectl(["create", "role", "claims", ...thief.n, "--verb=create,get,patch", "--resource=pvc"])
    await kubectl(["create", "rolebinding", "claims", ...thief.n, "--role=claims", "--user=mallory"])
    const stolen = { volumeName: mine.volume }
    const bound = { annotations: { "pv.kubernetes.io/bind-completed": "yes" } }
    for (const [phase, made] of [
      ["Pending", claim("data-db-1", stolen)],
      ["Lost", claim("data-db-1", stolen, bound)]
    ] as const) {
      await kubectl(["apply", "--as=mallory", ...thief.n, "-f", "-"], JSON.stringify(made))
      await thief.hasPhase("pvc/data-db-1", phase)
      const refused = await scale(thief, 2, "--leftover-claims", "set-aside").ended
      const after = (await volumes()).get(mine.volume)
      assert.deepEqual(
        { spec: after?.spec, status: after?.status },
        { spec: before?.spec, status: before?.status }
      )
      assertCode(refused, 1)
      assertNames(refused, "data-db-1", mine.volume)
      assert.equal(await thief.replicas(), 1)
      await kubectl(["delete", "pvc", "data-db-1", ...thief.n])
    }
    assert.deepEqual(
      (await victim.members()).map(({ mark }) => mark),
      [mine.mark]
    )
    await assertKept(victim, [mine])
  })

  const terminating = space("terminating", { replicas: 2 })
  it("is being deleted: a scale-up refuses and begins nothing", async () => {
    const members = await terminating.members()
    await kubectl(["scale", "sts/db", ...terminating.n, "--replicas=1"])
    await terminating.isGone("pod/db-1")
    await terminating.patch("pvc/data-db-1", { metadata: { finalizers: ["example.com/backup-in-progress"] } })
    await terminating.removeClaim("data-db-1")
    try {
      const refused = await scale(terminating, 2).ended
      assertCode(refused, 1)
      assert.match(words(refused), /data-db-1 is being deleted/)
      assert.equal(await terminating.replicas(), 1)
      assert.deepEqual(await operations(terminating.name), [])
      await assertKept(terminating, members.slice(0, 1))
    } finally {
      await terminating.patch("pvc/data-db-1", { metadata: { finalizers: [] } })
    }
  })

  const lost = space("lost", { replicas: 1 })
  it("has lost its volume: a scale-up refuses and begins nothing", async () => {
    await lost.ready()
    const annotations = { "pv.kubernetes.io/bind-completed": "yes" }
    await lost.apply(claim("data-db-1", { volumeName: "pvc-that-is-gone" }, { annotations }))
    await lost.hasPhase("pvc/data-db-1", "Lost")
    const refused = await scale(lost, 2).ended
    assertCode(refused, 1)
    assertNames(refused, "data-db-1", "Lost", "pvc-that-is-gone")
    assert.equal(await lost.replicas(), 1)
    assert.deepEqual(await operations(lost.name), [])
  })

  const pending = space("pending", { replicas: 1 })
  it("never had a volume: nothing says that it brings old data, and its pod starts empty", async () => {
    await pending.ready()
    await pending.apply(claim("data-db-1"))
    const scaled = await scale(pending, 2).ended
    assertCode(scaled, 0)
    assert.notMatch(words(scaled), /old data|with its data/)
    await assertKept(pending, await pending.members())
  })
})

describe.concurrent("a claim that somebody deleted", { timeout }, () => {
  const before = space("before", { replicas: 2 })
  it("before its member leaves: refused with the way to save the volume, which works and lets it through", async () => {
    const members = await before.members()
    const volume = members[1]?.volume ?? ""
    await before.removeClaim("data-db-1")
    const refused = await scale(before, 1).ended
    assertCode(refused, 1)
    assertNames(refused, "data-db-1", volume)
    assert.equal(await before.replicas(), 2)
    const way = /kubectl patch pv .*Retain"\}\}'/.exec(words(refused))?.[0]
    assert.isDefined(way, words(refused))
    assert.include(way, volume)
    execFileSync("bash", ["-c", way])
    assertCode(await scale(before, 1).ended, 0)
    await released(volume)
    assert.deepEqual(await assertKept(before, members), { "data-db-0": "claimed", "data-db-1": "retained" })
  })

  /** Deleted as soon as db-1 is asked to go. */
  const deletedOnTheWay = async (here: Neighbourhood, meanwhile: (running: Running) => Promise<void>) => {
    const { members, running, id } = await onTheWay(here)
    await here.removeClaim("data-db-1")
    await meanwhile(running)
    await here.open("end", "db-1")
    await here.isGone("pod/db-1", "pvc/data-db-1")
    return { members, id, volume: members[1]?.volume ?? "", down: await running.ended }
  }
  const kept = { "data-db-0": "claimed", "data-db-1": "retained" } as const

  const zero = space("zero", { replicas: 2, holds: ["db-1"] })
  it("on the way to zero: its volume stays and is named, and is there still after the way back up", async () => {
    const { members, volume, down } = await deletedOnTheWay(zero, async () => {})
    assert.deepEqual(await fates(zero, members), kept, words(down))
    assertCode(down, 1)
    assert.match(words(down), /scaled, with deviations/)
    assertNames(down, "data-db-1", volume)
    await assertOver(zero.name, "db")
    await assertPutBack(members, kept)
    assertCode(await scale(zero, "last").ended, 0)
    assert.equal(await zero.replicas(), 2)
    const described = await stateful(["describe", "db", ...zero.n])
    assert.include(described.out, volume)
    assert.deepEqual(await assertKept(zero, members), kept)
    await assertPutBack(members, kept)
  })

  const half = space("half", { replicas: 2, holds: ["db-1"] })
  it("on the way to zero, which is aborted then: its volume stays and is named", async () => {
    const { members, id, volume } = await deletedOnTheWay(half, kill)
    const aborted = await plugin.run(["abort", id, ...half.n])
    assert.deepEqual(await assertKept(half, members, words(aborted)), kept)
    assertCode(aborted, 1)
    assertNames(aborted, "data-db-1", volume)
    assert.equal(await half.replicas(), 2)
    await assertOver(half.name, "db")
    await assertPutBack(members, kept)
  })
})

describe.concurrent("whenScaled set to Delete by somebody else, on the way down by two", { timeout }, () => {
  const goodbye = (pod: string): string => {
    const profile = join(folder, `${pod}.json`)
    const hooks = { beforeRemove: { command: waitsAt("bye", [pod]) } }
    writeFileSync(profile, JSON.stringify({ apiVersion: "kubectl-stateful.dev/v1", kind: "Profile", hooks }))
    return profile
  }

  const cases = ([1, 0] as const).flatMap((to) =>
    (["Retain", "Delete"] as const).flatMap((was) => {
      const first = `db-${to + 1}`
      const begun = new RegExp(`replicas ${to + 2} -> ${to + 1}$`)
      const ends = new RegExp(`replicas ${to + 1} -> ${to}$`)
      return [
        { to, was, when: "before the count changes", line: /beforeRemove in/, pod: first, gate: "bye" },
        { to, was, when: "between two changes", line: begun, pod: first, gate: "end" },
        // Above zero the last change is waited for like the one before.
        ...(to > 0
          ? []
          : [{ to, was, when: "while the last pod ends", line: ends, pod: `db-${to}`, gate: "end" }])
      ]
    })
  )
  // In CI every third, which has each count, policy and moment; somebody else at every call is in the simulation.
  const chosen = cases.filter((_, index) => process.env["PROVE_RUNS"] !== undefined || index % 3 === 0)
  for (const { to, was, when, line, pod, gate } of chosen) {
    const isHook = gate === "bye"
    const here = space(`${was}-${to}-${gate}-${pod}`.toLowerCase(), {
      replicas: to + 2,
      whenScaled: was,
      holds: isHook ? [] : [pod]
    })
    it(`to ${to}, ${when}, ${was} before: every volume is kept, what happened is said, and it can be ended`, async () => {
      const members = await here.members()
      const hooked = isHook ? ["--profile", goodbye(pod)] : []
      const retain = was === "Delete" && to > 0 ? ["--when-scaled", "Retain"] : []
      const running = scale(here, to, ...hooked, ...retain)
      await says(running, line)
      if (!isHook) await here.leaves(`pod/${pod}`)
      await here.flip()
      await here.open(gate, pod)
      const first = await running.ended
      const runs = [first]
      for (const verb of ["resume", "abort"]) {
        const open = (await operations(here.name)).find(isOpen)
        if (open === undefined) break
        runs.push(await plugin.run([verb, open.id, ...here.n, "--step-timeout", "30s", ...hooked]))
      }
      const said = runs.map(words).join("")
      const where = await assertKept(here, members, said)
      await assertOver(here.name, "db")
      await assertPutBack(members, where)
      assert.notInclude(await here.annotations(), "kubectl-stateful.dev/retention-before")
      if (was === "Delete") assert.equal(await here.whenScaled(), "Delete")
      const gone = members.filter(({ claim: name }) => where[name] !== "claimed")
      if (runs.some(({ code }) => code === 0)) assert.deepEqual(gone, [], said)
      // Beside the steps, which have the word in any case.
      const told = said.split("\n").filter((each) => !each.startsWith("["))
      if (first.code !== 0) assert.match(told.join("\n"), /whenScaled.*Delete|Delete.*whenScaled/)
      for (const { claim: name, volume } of gone) {
        assert.include(said, name)
        assert.include(said, volume)
      }
    })
  }
})

describe.concurrent("an operation whose caller was killed", { timeout }, () => {
  const damaged = space("damaged", { replicas: 2, whenScaled: "Delete", holds: ["db-1"] })
  it("with a journal that cannot be read: nothing else begins until an abort without it has put back what it can", async () => {
    const { members, running, id } = await onTheWay(damaged)
    await kill(running)
    const journal = `kubectl-stateful-${id}`
    const path = "jsonpath={.data.status\\.json}"
    const progress = await kubectl(["get", "configmap", journal, ...damaged.n, "-o", path])
    await damaged.patch(`configmap/${journal}`, { data: { "status.json": progress.slice(0, -10) } })
    await damaged.open("end", "db-1")
    await damaged.isGone("pod/db-1")

    const second = await scale(damaged, 2).ended
    assertCode(second, 1)
    assertNames(second, journal)
    assert.equal(await damaged.replicas(), 1)
    const aborted = await plugin.run(["abort", "db", "--without-journal", ...damaged.n])
    assertCode(aborted, 0)
    assertNames(aborted, journal)
    assert.equal(await damaged.whenScaled(), "Delete")
    const left = await damaged.annotations()
    for (const name of ["operation", "retention-before"])
      assert.notInclude(left, `kubectl-stateful.dev/${name}`)
    const all = { "data-db-0": "claimed", "data-db-1": "claimed" } as const
    await assertPutBack(members, all)
    assertCode(await scale(damaged, 2).ended, 0)
    assert.deepEqual(await assertKept(damaged, members), all)
  })

  /** Killed on the way from 1 to 5, all claims made ahead, one pod asked for; ready to be aborted. */
  const madeAhead = async (here: Neighbourhood): Promise<string> => {
    await here.ready()
    const up = scale(here, 5, "--step", "1")
    await kubectl(["wait", "sts/db", ...here.n, "--for=jsonpath={.spec.replicas}=2", "--timeout=60s"])
    await kill(up)
    for (const ordinal of [1, 2, 3, 4]) await here.hasPhase(`pvc/data-db-${ordinal}`, "Bound")
    return openOne(here)
  }

  const job = space("job", { replicas: 1, storageClass: "shared-immediate" })
  it("and a Job has written into a claim made ahead: an abort keeps and names that one", async () => {
    const id = await madeAhead(job)
    const written = (await job.claims()).get("data-db-4") ?? assert.fail("no data-db-4")
    await job.apply(jobOn("data-db-4"))
    await kubectl(["wait", "job/writes", ...job.n, "--for=condition=Complete", "--timeout=60s"])
    const aborted = await plugin.run(["abort", id, ...job.n])
    const after = await job.claims()
    const kept = await assertKept(job, [{ ...written, pod: "db-4", mark: "backup" }], words(aborted))
    assert.deepEqual(kept, { "data-db-4": "claimed" })
    assertCode(aborted, 0)
    assertNames(aborted, "data-db-4")
    assert.isFalse(after.has("data-db-2") || after.has("data-db-3"))
    await assertOver(job.name, "db")
  })

  const ahead = space("ahead", { replicas: 1, storageClass: "shared-immediate" })
  it("with claims made ahead that nobody used: an abort returns only once they are gone", async () => {
    const id = await madeAhead(ahead)
    const held = (finalizers: ReadonlyArray<string>) =>
      ahead.patch("pvc/data-db-3", { metadata: { finalizers } })
    await held(["kubernetes.io/pvc-protection", "example.com/slow"])
    const abort = plugin.start(["abort", id, ...ahead.n])
    try {
      await ahead.leaves("pvc/data-db-3")
      // Long enough for it to end, if it did not wait.
      const which = await Promise.race([abort.ended, sleep(4000, "waits")])
      assert.equal(which, "waits")
    } finally {
      await held([])
    }
    assertCode(await abort.ended, 0)
    assert.deepEqual([...(await ahead.claims()).keys()], ["data-db-0", "data-db-1"])
    await assertOver(ahead.name, "db")
  })
})

describe.concurrent("a StatefulSet that is deleted on the way to zero", { timeout }, () => {
  const gone = space("gone", { replicas: 2, whenScaled: "Delete", holds: ["db-1"] })
  it("an abort puts the reclaim policies of bound volumes back, and names what it leaves", async () => {
    const { members, running, id } = await onTheWay(gone)
    await kubectl(["delete", "sts/db", ...gone.n])
    await gone.removeClaim("data-db-1")
    await gone.open("end", "db-1")
    await gone.isGone("pod/db-0", "pod/db-1", "pvc/data-db-1")
    assertCode(await running.ended, 1)
    const aborted = await plugin.run(["abort", id, ...gone.n])
    const kept = await assertKept(gone, members, words(aborted))
    assert.deepEqual(kept, { "data-db-0": "claimed", "data-db-1": "retained" })
    await assertPutBack(members, kept)
    assertCode(aborted, 1)
    assertNames(aborted, members[1]?.volume ?? "")
    assert.deepEqual((await operations(gone.name)).filter(isOpen), [])
  })

  const anew = space("anew", { replicas: 2, whenScaled: "Delete", holds: ["db-1"] })
  it("and made anew: an abort puts the reclaim policies back, and leaves the new one alone", async () => {
    const { members, running, id } = await onTheWay(anew)
    await kubectl(["delete", "sts/db", ...anew.n])
    await anew.open("end", "db-1")
    await anew.isGone("pod/db-0", "pod/db-1")
    assertCode(await running.ended, 1)
    await anew.apply(...anew.manifests)
    await anew.ready()
    const aborted = await plugin.run(["abort", id, ...anew.n])
    assert.equal(await anew.replicas(), 2)
    assert.deepEqual(await podsOf(anew.name, "db"), ["db-0", "db-1"])
    const all = await assertKept(anew, members, words(aborted))
    assert.deepEqual(all, { "data-db-0": "claimed", "data-db-1": "claimed" })
    await assertPutBack(members, all)
    assertCode(aborted, 0)
    await assertOver(anew.name, "db")
  })
})
