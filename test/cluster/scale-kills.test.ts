/** `kubectl stateful scale` killed with SIGKILL at moments all over its run, and resumed each time. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { hasParts, kubectl, namespace } from "./suite/commands.ts"
import { assertOver, isOpen, operations, podsOf } from "./suite/operation.ts"
import { bundled } from "./suite/plugin.ts"

const space = namespace("scale-kills")
const n = ["-n", space.name]
const plugin = bundled()
/** The nodes of the bed share the host's files: what hooks write here outlives their pods. */
const folder = mkdtempSync(join(tmpdir(), "scale-kills-"))

const manners = join(folder, "profile.json")
writeFileSync(
  manners,
  JSON.stringify({
    apiVersion: "kubectl-stateful.dev/v1",
    kind: "Profile",
    hooks: {
      afterAdd: { command: ["sh", "-c", "echo hello >> /said/{pod}"] },
      beforeRemove: { command: ["sh", "-c", "echo goodbye >> /said/{pod}"] },
      probe: { command: ["sh", "-c", "tail -n 1 /said/{pod} | grep -q hello"] }
    }
  })
)

const set = (name: string) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name },
  spec: {
    replicas: 1,
    serviceName: name,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "main",
            image: "docker.io/local/busybox:1",
            imagePullPolicy: "Never",
            command: ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"],
            volumeMounts: [{ name: "said", mountPath: "/said" }]
          }
        ],
        volumes: [{ name: "said", hostPath: { path: folder } }]
      }
    }
  }
})

const said = (pod: string): ReadonlyArray<string> => {
  try {
    return readFileSync(join(folder, pod), "utf8").split("\n").filter(Boolean)
  } catch {
    return []
  }
}

interface Kill {
  readonly line: number
  readonly after: number
  /** What it had said last when it was killed. */
  readonly at: string
  readonly midRun: boolean
}

const sets = ["k0", "k1", "k2", "k3"]
/** In CI 12; `npm run prove -- kills` has more, each at another moment. */
const count = process.env["PROVE_RUNS"] === undefined ? 12 : 140
const pauses = count === 12 ? [0, 150] : [0, 150, 40, 90, 250]
/** A run down tells some 13 lines, one up some 20: killed after each of 13, at once and some moments later. */
const moments = Array.from({ length: count }, (_, index) => ({
  line: 1 + Math.floor((index * 13) / count),
  after: pauses[index % pauses.length] ?? 0
}))

const pause = (milliseconds: number) => new Promise((resume) => setTimeout(resume, milliseconds))

/** One run from 1 to 3 or back that is killed, and resumed to its end; each hook was run exactly once. */
const killed = async (name: string, up: boolean, moment: (typeof moments)[number]): Promise<Kill> => {
  const pods = [`${name}-1`, `${name}-2`]
  const before = pods.map((pod) => said(pod).length)
  const to = up ? 3 : 1
  const scale = ["scale", name, ...n, "--replicas", `${to}`, "--profile", manners]
  const first = plugin.start(scale)
  // Warnings come before the operation; what is counted is what it tells of itself.
  const told = () => first.lines().filter((line) => !line.startsWith("Warning"))
  await first.until(() => told().length >= moment.line)
  await pause(moment.after)
  first.kill("SIGKILL")
  const { signal } = await first.ended
  const open = (await operations(space.name)).filter((each) => each.app === name && isOpen(each))
  const [left] = open
  assert.isAtMost(open.length, 1)
  const again = left === undefined ? scale : ["resume", left.id, ...n, "--profile", manners]
  const resumed = await plugin.run(again)
  assert.equal(resumed.code, 0, `killed at "${told().at(-1)}", then: ${resumed.err}`)
  await assertOver(space.name, name)
  assert.deepEqual(
    await podsOf(space.name, name),
    Array.from({ length: to }, (_, ordinal) => `${name}-${ordinal}`)
  )
  for (const [index, pod] of pods.entries()) {
    assert.deepEqual(
      said(pod).slice(before[index]),
      [up ? "hello" : "goodbye"],
      `${pod}, killed at "${told().at(-1)}"`
    )
  }
  return { ...moment, at: told().at(-1) ?? "", midRun: signal === "SIGKILL" && left !== undefined }
}

describe.runIf(hasParts())(`${count} SIGKILLs`, () => {
  beforeAll(async () => {
    await space.create()
    const all = { apiVersion: "v1", kind: "List", items: sets.map(set) }
    await kubectl(["apply", ...n, "-f", "-"], JSON.stringify(all))
    for (const name of sets) await kubectl(["rollout", "status", `sts/${name}`, ...n, "--timeout=120s"])
  })
  afterAll(async () => {
    await space.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  it(
    "at different moments: each is resumed to the right end, with each hook run exactly once",
    async () => {
      const runs = sets.map(async (name, worker) => {
        const mine = moments.filter((_, index) => index % sets.length === worker)
        const kills: Array<Kill> = []
        for (const [index, moment] of mine.entries()) kills.push(await killed(name, index % 2 === 0, moment))
        return kills
      })
      const kills = (await Promise.all(runs)).flat()
      const real = kills.filter(({ midRun }) => midRun)
      for (const { at, after, midRun } of kills)
        console.log(`${midRun ? "mid-run" : "outside"}  ${after} ms after "${at}"`)
      console.log(`${real.length} of ${kills.length} SIGKILLs hit a running operation`)
      assert.lengthOf(kills, count)
      assert.isAtLeast(real.length, count * 0.6)
    },
    15_000 * count
  )
})
