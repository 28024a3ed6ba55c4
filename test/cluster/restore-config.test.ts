/** The configuration in a restore, on real pods: what they see afterwards, the way back, and what is left. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { hasParts, kubectl } from "./suite/commands.ts"
import { get } from "./suite/read.ts"
import { removeCuts } from "./suite/cuts.ts"
import { neighbourhood, statefulSet } from "./suite/neighbour.ts"
import { assertOver, isOpen, operations } from "./suite/operation.ts"
import { bundled, type Ended } from "./suite/plugin.ts"

const plugin = bundled()
const round = neighbourhood("config-round", { replicas: 2 })
const killed = neighbourhood("config-killed", { replicas: 2 })
const all = [round.name, killed.name]
const timeout = 240_000

const ok = (ended: Ended): Ended => {
  assert.equal(ended.code, 0, ended.err)
  return ended
}
const run = (space: string, ...args: ReadonlyArray<string>) => plugin.run([...args, "-n", space])
const idIn = ({ out }: Ended): string => /--undo ([0-9a-f]{8})/.exec(out)?.[1] ?? assert.fail(out)

/** A set that sees a ConfigMap as a file, a Secret as a variable, and a variable of its template. */
const manifests = (namespace: string) => {
  const set = statefulSet({ replicas: 2 })
  const [container] = set.spec.template.spec.containers
  const env = [
    { name: "PASSWORD", valueFrom: { secretKeyRef: { name: "pass", key: "password" } } },
    { name: "PLAIN", value: "before" }
  ]
  const own = {
    ...container,
    env: [...(container?.env ?? []), ...env],
    volumeMounts: [...(container?.volumeMounts ?? []), { name: "conf", mountPath: "/conf" }]
  }
  const spec = {
    ...set.spec.template.spec,
    containers: [own],
    volumes: [{ name: "conf", configMap: { name: "conf" } }]
  }
  return [
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "conf", namespace }, data: { a: "before" } },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "pass", namespace },
      stringData: { password: "before" }
    },
    {
      ...set,
      metadata: { name: "db", namespace },
      spec: { ...set.spec, template: { ...set.spec.template, spec } }
    }
  ]
}

const write = (space: string, when: string) =>
  Promise.all(
    [0, 1].map((ordinal) =>
      kubectl(["exec", "-n", space, `db-${ordinal}`, "--", "sh", "-c", `echo ${when} > /data/mark; sync`])
    )
  )

/** What a member has in its volume, and what it was given: `after before before before`. */
const seen = async (space: string): Promise<ReadonlyArray<string>> => {
  await kubectl(["rollout", "status", "sts/db", "-n", space, "--timeout=60s"])
  const words = await Promise.all(
    [0, 1].map((ordinal) =>
      kubectl([
        "exec",
        "-n",
        space,
        `db-${ordinal}`,
        "--",
        "sh",
        "-c",
        "echo $(cat /data/mark) $(cat /conf/a) $PASSWORD $PLAIN"
      ])
    )
  )
  return words.map((line) => line.trim())
}

/** As a person changes it. */
const change = async ({ name, patch, ready }: typeof round) => {
  await patch("configmap/conf", { data: { a: "after" } })
  await patch("secret/pass", { stringData: { password: "after" } })
  await kubectl(["set", "env", "sts/db", "PLAIN=after", "-n", name])
  await ready()
  await write(name, "after")
}

const records = async (space: string): Promise<ReadonlyArray<string>> => {
  const names = await kubectl(["get", "secrets", "-n", space, "-o", "jsonpath={.items[*].metadata.name}"])
  return names.split(" ").filter((name) => name.includes(".before-"))
}

describe.runIf(hasParts())("a restore with the configuration", () => {
  beforeAll(async () => {
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--timeout=120s"])
    await Promise.all(
      [round, killed].map(async (space) => {
        const { name, apply, ready } = space
        await kubectl(["create", "namespace", name])
        await apply(...manifests(name))
        await ready()
        await write(name, "before")
        ok(await run(name, "snapshot", "db", "--name", "cut"))
        await change(space)
      })
    )
  })
  afterAll(async () => {
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--wait=false"])
  })

  describe.concurrent("of pods that see a ConfigMap and a Secret", { timeout }, () => {
    it("gives them volumes and configuration of the cut, is undone, and done again without the volumes", async () => {
      const { name } = round
      assert.deepEqual(await seen(name), ["after after after after", "after after after after"])
      const tried = ok(await run(name, "restore", "cut", "--with-config", "--dry-run=server"))
      assert.include(tried.out, "ConfigMap/conf: a as in the record")
      assert.include(tried.out, "Secret/pass: password as in the record")
      assert.include(tried.out, "spec.containers[main].env[PLAIN].value")
      assert.deepEqual(await records(name), [])
      const first = ok(await run(name, "restore", "cut", "--with-config", "--yes"))
      assert.deepEqual(await seen(name), ["before before before before", "before before before before"])
      assert.deepEqual(await records(name), [`kubectl-stateful.snapshot.before-${idIn(first)}`])

      const second = ok(await run(name, "restore", "--undo", idIn(first), "--yes"))
      assert.deepEqual(await seen(name), ["after after after after", "after after after after"])
      assert.match(second.out, /undone: 2 volumes, ConfigMap\/conf, Secret\/pass, /)

      const uids = async () => (await round.members()).map(({ mark }) => mark)
      const before = await uids()
      ok(await run(name, "restore", "cut", "--only", "config", "--yes"))
      assert.deepEqual(await seen(name), ["after before before before", "after before before before"])
      for (const uid of await uids()) assert.notInclude(before, uid)
      const unchanged = ok(await run(name, "restore", "cut", "--only", "config", "--yes"))
      assert.equal(unchanged.out, "statefulset.apps/db unchanged: nothing of it differs\n")
      await assertOver(name, "db")
      const { items } = await get<{ readonly items: ReadonlyArray<object> }>(["cm", "-n", name])
      assert.notInclude(JSON.stringify(items), "YmVmb3Jl")
    })
  })

  describe.concurrent("whose caller is killed with SIGKILL", { timeout }, () => {
    it("is taken back whole by an abort, and ended by a resume", async () => {
      const { name } = killed
      for (const [line, way, words] of [
        [/^\[\d+\/\d+\] restore ConfigMap/, "abort", "after after after after"],
        [/^\[\d+\/\d+\] restore the pod template/, "resume", "before before before before"]
      ] as const) {
        const first = plugin.start(["restore", "cut", "--with-config", "--yes", "-n", name])
        assert.isTrue(await first.says(line))
        first.kill("SIGKILL")
        await first.ended
        const [open] = (await operations(name)).filter(isOpen)
        if (open !== undefined) ok(await run(name, way, open.id))
        const [zero, one] = await seen(name)
        assert.equal(zero, one)
        if (open !== undefined) assert.equal(zero, words)
        await assertOver(name, "db")
      }
    })
  })
})
