/** `kubectl stateful scale` of a real PostgreSQL while a node is lost, and while the API server is. */
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { bed, isBed, kubectl, namespace } from "./suite/commands.ts"
import { get } from "./suite/read.ts"
import { assertOver, isOpen, operations, podsOf } from "./suite/operation.ts"
import { bundled } from "./suite/plugin.ts"
import { install, profile, said } from "./suite/postgres.ts"

const space = namespace("scale-loss")
const n = ["-n", space.name]
const plugin = bundled()

const nodeOf = async (pod: string): Promise<string> =>
  (await get<{ readonly spec: { readonly nodeName: string } }>(["pod", pod, ...n])).spec.nodeName

const openOne = async (): Promise<string> => {
  const open = (await operations(space.name)).filter(isOpen)
  assert.lengthOf(open, 1)
  return open[0]?.id ?? ""
}

describe.runIf(isBed())("scaling PostgreSQL while something is lost", () => {
  beforeAll(async () => {
    await space.create()
    await install(space.name, 1)
  })
  afterAll(async () => {
    await space.remove()
  })

  it("a node lost half way: it stops at the barrier and says which member, and a resume finishes", async () => {
    // The hello of db-1 ends only when the test says so: until then the loss can be seen by all.
    const manners = profile({ helloWaitsFor: "/tmp/go" })
    const flags = [...n, "--profile", manners, "--step-timeout", "25s"]
    const first = plugin.start(["scale", "db", "--replicas", "3", ...flags])
    assert.isTrue(await first.says(/afterAdd in db-1/), first.lines().join("\n"))
    const lost = await nodeOf("db-0")
    assert.notEqual(await nodeOf("db-1"), lost)
    bed("lose", "node", lost)
    try {
      await kubectl(["wait", ...n, "pod/db-0", "--for=condition=Ready=false", "--timeout=60s"])
      await kubectl(["exec", ...n, "db-1", "--", "touch", "/tmp/go"])
      const stopped = await first.ended
      assert.equal(stopped.code, 1)
      assert.match(stopped.err, new RegExp(`waiting for db-0 .*${lost}`))
      assert.include(stopped.err, `kubectl stateful resume ${await openOne()}`)
      assert.deepEqual(await podsOf(space.name, "db"), ["db-0", "db-1"])
    } finally {
      bed("heal", "node", lost)
    }
    const again = plugin.start(["resume", ...n, "--profile", manners])
    assert.isTrue(await again.says(/afterAdd in db-2/), again.lines().join("\n"))
    await kubectl(["exec", ...n, "db-2", "--", "touch", "/tmp/go"])
    const resumed = await again.ended
    assert.equal(resumed.code, 0, resumed.err)
    assert.deepEqual(await podsOf(space.name, "db"), ["db-0", "db-1", "db-2"])
    for (const pod of ["db-1", "db-2"])
      assert.deepEqual(
        (await said(space.name, pod)).map(({ what }) => what),
        ["hello"]
      )
    await assertOver(space.name, "db")
  }, 180_000)

  it("the API server killed half way: it waits for it and ends right, or resumes", async () => {
    const manners = profile()
    const scale = plugin.start(["scale", "db", "--replicas", "1", ...n, "--profile", manners])
    assert.isTrue(await scale.says(/replicas 3 -> 2/), scale.lines().join("\n"))
    bed("lose", "apiserver")
    // Longer than the holder's renewals may be silent.
    await sleep(2500)
    bed("heal", "apiserver")
    const ended = await scale.ended
    if (ended.code !== 0) {
      assert.match(ended.err, /kubectl stateful resume/)
      const resumed = await plugin.run(["resume", ...n, "--profile", manners])
      assert.equal(resumed.code, 0, resumed.err)
    }
    console.log(ended.code === 0 ? "it ended right by itself" : "it was resumed")
    assert.deepEqual(await podsOf(space.name, "db"), ["db-0"])
    await assertOver(space.name, "db")
    const back = await plugin.run(["scale", "db", "--replicas", "3", ...n])
    assert.equal(back.code, 0, back.err)
    for (const pod of ["db-1", "db-2"])
      assert.deepEqual(
        (await said(space.name, pod)).map(({ what }) => what),
        ["hello", "goodbye"]
      )
  }, 180_000)
})
