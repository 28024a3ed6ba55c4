/** `kubectl stateful restore` of one member, of several StatefulSets, and from VolumeSnapshots that others made, on real volumes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { hasParts, kubectl } from "./suite/commands.ts"
import { removeCuts } from "./suite/cuts.ts"
import { neighbourhood } from "./suite/neighbour.ts"
import { assertOver } from "./suite/operation.ts"
import { bundled, type Ended } from "./suite/plugin.ts"

const plugin = bundled()
const folder = mkdtempSync(join(tmpdir(), "restore-"))
const part = neighbourhood("inplace-part", { replicas: 3, whenScaled: "Delete" })
const others = neighbourhood("inplace-others", { replicas: 2 })
const both = neighbourhood("inplace-both", { replicas: 1 })
const all = [part, others, both]
const timeout = 360_000

const ok = (ended: Ended): Ended => {
  assert.equal(ended.code, 0, ended.err)
  return ended
}
const run = async (space: string, ...args: ReadonlyArray<string>) =>
  ok(await plugin.run([...args, "-n", space]))
const restore = (space: string, ...args: ReadonlyArray<string>) => run(space, "restore", ...args, "--yes")

/** The operation of a restore that is over, as its result says. */
const idIn = ({ out }: Ended): string => /--undo ([0-9a-f]{8})/.exec(out)?.[1] ?? assert.fail(out)

const each = <A>(count: number, act: (pod: string) => Promise<A>) =>
  Promise.all(Array.from({ length: count }, (_, ordinal) => act(`db-${ordinal}`)))

const write = (space: string, count: number, when: string) =>
  each(count, (pod) =>
    kubectl(["exec", "-n", space, pod, "--", "sh", "-c", `echo ${when} > /data/mark; sync`])
  )

/** From when each member's volume is. */
const marks = async (space: string, count: number) => {
  await kubectl(["rollout", "status", "sts/db", "-n", space, "--timeout=60s"])
  return each(count, async (pod) =>
    (await kubectl(["exec", "-n", space, pod, "--", "cat", "/data/mark"])).trim()
  )
}
const uids = (space: string, count: number) =>
  each(count, (pod) => kubectl(["get", "pod", pod, "-n", space, "-o", "jsonpath={.metadata.uid}"]))

describe.runIf(hasParts())("a restore", () => {
  beforeAll(async () => {
    const names = all.map(({ name }) => name)
    await removeCuts(names)
    await kubectl(["delete", "namespace", ...names, "--ignore-not-found", "--timeout=120s"])
    await Promise.all(
      all.map(async ({ apply, manifests, ready }) => {
        await apply(...manifests)
        await ready()
      })
    )
  })
  afterAll(async () => {
    const names = all.map(({ name }) => name)
    rmSync(folder, { recursive: true, force: true })
    await removeCuts(names)
    await kubectl(["delete", "namespace", ...names, "--ignore-not-found", "--wait=false"])
  })

  describe.concurrent("in part", { timeout }, () => {
    it("puts back one member, verified, while those below it go on, and takes that back", async () => {
      const space = part.name
      await write(space, 3, "before")
      await run(space, "snapshot", "db", "--name", "cut")
      await write(space, 3, "after")
      const before = await uids(space, 3)
      const profile = (word: string) => {
        const path = join(folder, `${word}.yaml`)
        const verify = { command: ["grep", "-q", word, "{path}/mark"] }
        const head = { apiVersion: "kubectl-stateful.dev/v1", kind: "Profile" }
        writeFileSync(path, JSON.stringify({ ...head, restore: { verify } }))
        return ["--profile", path]
      }
      const wrong = await plugin.run([
        "restore",
        "cut",
        "--ordinal",
        "2",
        "--yes",
        "-n",
        space,
        ...profile("nothing")
      ])
      assert.notEqual(wrong.code, 0)
      assert.match(wrong.err, /not restored: data-db-2: not verified: .* \(exit code 1\)/)
      await run(space, "abort")
      assert.deepEqual(await marks(space, 3), ["after", "after", "after"])
      const last = await restore(space, "cut", "--ordinal", "2", ...profile("before"))
      assert.match(last.out, /content verified by .*before\.yaml/)
      assert.deepEqual(await marks(space, 3), ["after", "after", "before"])
      const then = await uids(space, 3)
      assert.deepEqual(then.slice(0, 2), before.slice(0, 2))
      await restore(space, "--undo", idIn(last))
      assert.deepEqual(await marks(space, 3), ["after", "after", "after"])
      await restore(space, "cut", "--ordinal", "1")
      assert.deepEqual(await marks(space, 3), ["after", "before", "after"])
      assert.equal((await uids(space, 3))[0], before[0])
      await assertOver(space, "db")
    })
  })

  describe.concurrent("of several workloads", { timeout }, () => {
    it("stops and starts them as one, a Deployment with its own claim too, and takes that back as one", async () => {
      const space = both.name
      const [, db] = both.manifests
      const metadata = { name: "web", namespace: space, labels: { tier: "shop" } }
      const labels = { app: "web" }
      const spec: object = Reflect.get(db ?? {}, "spec")
      const template: object = Reflect.get(spec, "template")
      const selector = { matchLabels: labels }
      await both.apply({
        ...db,
        metadata,
        spec: { ...spec, serviceName: "web", selector, template: { ...template, metadata: { labels } } }
      })
      const files = { app: "files" }
      const mounts = [{ name: "data", mountPath: "/data" }]
      const podSpec: object = Reflect.get(template, "spec")
      const [container]: ReadonlyArray<object> = Reflect.get(podSpec, "containers")
      await both.apply(
        {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name: "uploads", namespace: space, labels: { chart: "shop" } },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "16Mi" } } }
        },
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "files", namespace: space, labels: { tier: "shop" } },
          spec: {
            selector: { matchLabels: files },
            template: {
              metadata: { labels: files },
              spec: {
                ...podSpec,
                containers: [{ ...container, volumeMounts: mounts }],
                volumes: [{ name: "data", persistentVolumeClaim: { claimName: "uploads" } }]
              }
            }
          }
        }
      )
      await kubectl(["label", "sts/db", "-n", space, "tier=shop"])
      await kubectl(["rollout", "status", "sts/web", "-n", space, "--timeout=60s"])
      await kubectl(["rollout", "status", "deploy/files", "-n", space, "--timeout=60s"])
      const pods = ["db-0", "web-0", "deploy/files"]
      const mark = (when: string) =>
        Promise.all(
          pods.map((pod) =>
            kubectl(["exec", "-n", space, pod, "--", "sh", "-c", `echo ${when} > /data/mark; sync`])
          )
        )
      const found = () =>
        Promise.all(
          pods.map(async (pod) =>
            (await kubectl(["exec", "-n", space, pod, "--", "cat", "/data/mark"])).trim()
          )
        )
      await mark("before")
      await run(space, "snapshot", "-l", "tier=shop", "--name", "cut")
      await mark("after")
      const ended = await restore(space, "cut", "--order", "web,db")
      assert.deepEqual(await found(), ["before", "before", "before"])
      const label = ["get", "pvc", "uploads", "-n", space, "-o", "jsonpath={.metadata.labels}"]
      assert.equal(await kubectl(label), '{"chart":"shop"}')
      assert.match(ended.err, /replicas 1 -> 0[\s\S]*bind data-db-0 to the volume[\s\S]*replicas 0 -> 1/)
      await restore(space, "--undo", idIn(ended))
      assert.deepEqual(await found(), ["after", "after", "after"])
      await assertOver(space, "db")
    })
  })

  describe.concurrent("from what others cut", { timeout }, () => {
    it("takes the newest ready VolumeSnapshot of each claim, and shows which", async () => {
      const space = others.name
      await write(space, 2, "before")
      const cut = (name: string, claim: string) => ({
        apiVersion: "snapshot.storage.k8s.io/v1",
        kind: "VolumeSnapshot",
        metadata: { name, namespace: space },
        spec: { source: { persistentVolumeClaimName: claim } }
      })
      await others.apply(cut("backup-0", "data-db-0"), cut("backup-1", "data-db-1"))
      await kubectl([
        "wait",
        "--for=jsonpath={.status.readyToUse}=true",
        "volumesnapshot/backup-0",
        "volumesnapshot/backup-1",
        "-n",
        space,
        "--timeout=60s"
      ])
      await write(space, 2, "after")
      const shown = await run(space, "restore", "--from-volume-snapshots", "db", "--dry-run=client")
      assert.match(shown.out, /data-db-1 from volumesnapshot backup-1, taken 20\d\d-/)
      assert.match(shown.out, /their consistency is unknown, and they were taken [\d.]+ s apart/)
      const ended = await restore(space, "--from-volume-snapshots", "db")
      assert.deepEqual(await marks(space, 2), ["before", "before"])
      assert.match(ended.out, /restored from volumesnapshots: 2 volumes, 2 replicas/)
      await restore(space, "--undo", idIn(ended))
      assert.deepEqual(await marks(space, 2), ["after", "after"])
      await assertOver(space, "db")
    })
  })
})
