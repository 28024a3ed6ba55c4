/**
 * `kubectl stateful restore --as` and `drill` on a network that enforces NetworkPolicies, and on one that does
 * not: the copy has the state of the cut, and is kept from its source, or it is not made at all.
 */
import { afterAll, assert, beforeAll, beforeEach, describe, it } from "vitest"
import { application } from "./suite/clone.ts"
import { bed, hasParts, isBed, kubectl } from "./suite/commands.ts"
import { get } from "./suite/read.ts"
import { removeCuts } from "./suite/cuts.ts"
import { bundled, type Ended } from "./suite/plugin.ts"

const plugin = bundled()
const source = "clonec-source"
const copies = "clonec-copies"
const all = [source, copies]
const timeout = 240_000

const run = (space: string, ...args: ReadonlyArray<string>): Promise<Ended> =>
  plugin.run([...args, "-n", space])

const ok = (ended: Ended): Ended => {
  assert.equal(ended.code, 0, ended.err)
  return ended
}

const inPod = (space: string, pod: string, command: string) =>
  kubectl(["exec", "-n", space, pod, "--", "sh", "-c", command])

/** Who answers there; null: nobody can be reached. */
const answers = (space: string, pod: string, host: string): Promise<string | null> =>
  inPod(space, pod, `timeout 5 nc -w 2 ${host} 7000 </dev/null`).then(
    (said) => said.trim(),
    () => null
  )

/** The operation of a restore that is over, as its result says. */
const idIn = ({ out }: Ended): string => /--release ([0-9a-f]{8})/.exec(out)?.[1] ?? assert.fail(out)

const kinds = "statefulsets,pods,services,configmaps,secrets,pvc,pdb,networkpolicies"

/** The names of what there is of a copy. */
const namesOf = async (space: string, copy: string): Promise<ReadonlyArray<string>> => {
  const names = (await kubectl(["get", kinds, "-n", space, "-o", "name"])).trim().split("\n")
  return names.filter((name) => name.includes(`/${copy}`) || name.includes(`/data-${copy}-`))
}

interface Drilled {
  readonly passed: boolean
  readonly fenced: boolean
  readonly volumes: number
  readonly bytes: number
  readonly toVolumes: number
  readonly toReady: number
}

interface Content {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly volumeSnapshotRef: { readonly namespace: string } }
}

const contentsOf = async (space: string) => {
  const { items } = await get<{ readonly items: ReadonlyArray<Content> }>(["volumesnapshotcontents"])
  return items.filter(({ spec }) => spec.volumeSnapshotRef.namespace === space)
}

/** The bed's network obeys; of another cluster's the first restore shows what it does. */
const policies = (state: "on" | "off"): void => {
  if (isBed()) bed("policies", state)
}
let enforced = isBed()

describe.runIf(hasParts())("a restore as another application", () => {
  beforeAll(async () => {
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--timeout=120s"])
    for (const name of all) await kubectl(["create", "namespace", name])
    const list = { apiVersion: "v1", kind: "List", items: application(source) }
    await kubectl(["apply", "-n", source, "-f", "-"], JSON.stringify(list))
    await kubectl(["rollout", "status", "sts/db", "-n", source, "--timeout=90s"])
    ok(await run(source, "snapshot", "db", "--name", "cut"))
    await inPod(source, "db-0", "echo later >> /data/mark; sync")
  }, timeout)
  afterAll(async () => {
    policies("off")
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--wait=false"])
  })

  it("leaves nothing where the network does not enforce its fence", { timeout }, async ({ skip }) => {
    policies("off")
    const ended = await run(source, "restore", "cut", "--as", "open", "--yes")
    enforced ||= ended.code === 0
    skip(enforced && !isBed(), "this cluster's network enforces it")
    assert.equal(ended.code, 1)
    assert.match(ended.err, /open cannot be isolated from db: the network does not enforce networkpolicies/)
    assert.deepEqual(await namesOf(source, "open"), [])
  })

  describe.concurrent("where the network enforces its fence", { timeout }, () => {
    // On a new machine what enforces them is compiled first.
    beforeAll(() => policies("on"), 900_000)
    beforeEach(({ skip }) => skip(!enforced, "this cluster's network does not enforce it"))

    it("has the state of the cut, reaches itself and not its source, and is let out by its release", async () => {
      ok(await run(source, "restore", "cut", "--as", "copy", "--dry-run=server"))
      const ended = ok(await run(source, "restore", "cut", "--as", "copy", "--yes"))
      assert.equal(await inPod(source, "copy-0", "cat /data/mark"), "db-0\n")
      assert.equal(await inPod(source, "db-0", "cat /data/mark"), "db-0\nlater\n")
      assert.match(await inPod(source, "copy-0", "cat /conf/peers"), /^copy-0\.copy\.clonec-source\.svc/)
      const here = await kubectl([
        "get",
        "endpoints",
        "db",
        "-n",
        source,
        "-o",
        "jsonpath={.subsets[*].addresses[*].targetRef.name}"
      ])
      assert.equal(here.trim().split(" ").toSorted().join(), "db-0,db-1")
      assert.equal(await answers(source, "copy-0", "copy-1.copy"), "copy-1")
      assert.isNull(await answers(source, "copy-0", "db-0.db"))
      assert.isNull(await answers(source, "db-0", "copy-0.copy"))
      assert.equal(await answers(source, "db-0", "db-1.db"), "db-1")
      ok(await run(source, "restore", "--release", idIn(ended), "--yes"))
      assert.equal(await answers(source, "copy-0", "db-0.db"), "db-0")
    })

    it("goes into another namespace under its own name, and leaves no content behind", async () => {
      const ended = ok(await run(source, "restore", "cut", "--to-namespace", copies, "--yes"))
      assert.equal(await inPod(copies, "db-1", "cat /data/mark"), "db-1\n")
      assert.match(await inPod(copies, "db-1", "cat /conf/peers"), /^db-0\.db\.clonec-copies\.svc/)
      assert.isNull(await answers(copies, "db-1", "db-0.db.clonec-source"))
      assert.deepEqual(await contentsOf(copies), [])
      assert.notInclude(ended.out + ended.err, "nobody-sees-this")
    })

    it("that is killed half way is aborted, and nothing of it is left", async () => {
      const started = plugin.start(["restore", "cut", "--as", "half", "--yes", "-n", source])
      assert.isTrue(await started.says(/^\[5\/\d+\] fill/))
      started.kill("SIGKILL")
      await started.ended
      const [, id = ""] = /^operation ([0-9a-f]{8})/m.exec(started.lines().join("\n")) ?? []
      ok(await run(source, "abort", id, "--take-over"))
      assert.deepEqual(await namesOf(source, "half"), [])
    })

    it("is rehearsed: a drill passes, fails for what was written after the cut, and leaves nothing", async () => {
      const [passed, failed] = await Promise.all(
        ["db-0", "later"].map((word) =>
          run(source, "drill", "cut", "--verify", `grep -q ${word} /data/mark`, "-o", "json")
        )
      )
      const result = JSON.parse(ok(passed ?? assert.fail()).out) as Drilled
      assert.deepInclude(result, { passed: true, fenced: true, volumes: 2, bytes: 2 * 64 * 1024 * 1024 })
      console.log(`drill: volumes after ${result.toVolumes} ms, ready after ${result.toReady} ms`)
      assert.equal(failed?.code, 1)
      assert.deepInclude(JSON.parse(failed?.out ?? ""), { passed: false, left: [] })
      const spaces = await kubectl([
        "get",
        "namespaces",
        "-l",
        "kubectl-stateful.dev/drill=cut",
        "-o",
        "name"
      ])
      assert.equal(spaces, "")
    })
  })
})
