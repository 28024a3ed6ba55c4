/** `kubectl stateful snapshots` on real volumes: a set that outlives its namespace, as a file and back. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { hasParts, kubectl } from "./suite/commands.ts"
import { kept, handlesOf, remains, removeCuts } from "./suite/cuts.ts"
import { neighbourhood, statefulSet } from "./suite/neighbour.ts"
import { bundled, type Ended } from "./suite/plugin.ts"

const plugin = bundled()
const lost = neighbourhood("sets-lost", { replicas: 2 })
const kind = neighbourhood("sets-kind", { replicas: 1 })
const all = [lost.name, kind.name]
const timeout = 240_000
const folder = mkdtempSync(join(tmpdir(), "sets-"))
const file = join(folder, "moment.age")
const passphrase = ["--passphrase-file", join(folder, "passphrase")]

const ok = (ended: Ended): Ended => {
  assert.equal(ended.code, 0, ended.err)
  return ended
}
const run = (space: string, ...args: ReadonlyArray<string>) => plugin.run([...args, "-n", space])

/** One member writes into its volume; all of them are read. */
const write = (word: string) =>
  kubectl(["exec", ...lost.n, "db-1", "--", "sh", "-c", `echo ${word} > /data/word; sync`])
const word = async () => (await kubectl(["exec", ...lost.n, "db-1", "--", "cat", "/data/word"])).trim()

describe.runIf(hasParts())("snapshots", () => {
  beforeAll(async () => {
    writeFileSync(passphrase[1] ?? "", "correct horse battery staple\n")
    writeFileSync(join(folder, "wrong"), "hunter2\n")
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--timeout=120s"])
    await Promise.all(
      [lost, kind].map(async ({ apply, manifests, ready }) => {
        await apply(...manifests)
        await ready()
      })
    )
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await removeCuts(all)
    await kubectl(["delete", "namespace", ...all, "--ignore-not-found", "--wait=false"])
  })

  describe.concurrent("of a namespace that was deleted", { timeout }, () => {
    it("come back from their file, are restored to a new StatefulSet, and pruned leave nothing in the storage", async () => {
      const { name, n, apply, ready } = lost
      const handles = await handlesOf(name, "db")
      await write("before")
      ok(await run(name, "snapshot", "db", "--name", "moment", "--consistency", "group"))
      await write("after")
      const described = ok(await run(name, "snapshots", "describe", "moment")).out
      assert.match(described, /^Skew: +0ms: the storage gave all volumes the same timestamp$/m)
      assert.match(described, /^Restorable: +yes$/m)
      ok(await run(name, "snapshots", "export", "moment", ...passphrase, "--file", file))
      await kubectl(["delete", "namespace", name, "--timeout=120s"])
      await apply(
        { apiVersion: "v1", kind: "Namespace", metadata: { name } },
        { ...statefulSet({ replicas: 0 }), metadata: { name: "db", namespace: name } }
      )

      const bring = (...more: ReadonlyArray<string>) => run(name, "snapshots", "import", file, ...more)
      const wrong = await bring("--passphrase-file", join(folder, "wrong"))
      assert.equal(wrong.err, "error: the passphrase is wrong; give the one that it was exported with\n")
      const planned = ok(await bring(...passphrase, "--trust-handles", "--dry-run=server")).out
      assert.match(
        planned,
        /^data-db-0: bed\.csi\.kubectl-stateful\.dev member-\S+, 64Mi, its content is here still$/m
      )
      const unasked = await bring(...passphrase, "--trust-handles")
      assert.include(unasked.err, "error: nothing was imported; use --yes")
      ok(await bring(...passphrase, "--trust-handles", "--yes"))
      const listed = ok(await run(name, "snapshots")).out
      assert.match(listed, /^moment +db +group +0ms +2\/2 +128Mi +yes /m)

      ok(await run(name, "restore", "moment", "--yes"))
      await ready()
      assert.equal(await word(), "before")

      const refused = await run(name, "snapshots", "prune", "moment", "--yes")
      assert.match(refused.err, /moment is the newest complete one of its application; .*--last/)
      ok(await run(name, "snapshots", "prune", "moment", "--last", "--yes"))
      assert.deepEqual(
        kept().filter(({ source }) => handles.includes(source)),
        []
      )
      const left = await kubectl(["get", "volumesnapshotcontents,volumegroupsnapshotcontents", "-o", "json"])
      assert.notInclude(left, `"${name}"`)
      assert.equal(await kubectl(["get", "volumesnapshots,volumegroupsnapshots", ...n, "-o", "name"]), "")
    })
  })

  describe.concurrent("of one application", { timeout }, () => {
    it("are compared, pruned by number, and touch no volume of another namespace by a file", async () => {
      const { name, patch } = kind
      for (const set of ["first", "second"])
        ok(await run(name, "snapshot", "db", "--name", set, "--consistency", "crash"))
      assert.equal(ok(await run(name, "snapshots", "diff", "first", "second")).out, "No differences.\n")
      await patch("sts/db", { spec: { template: { metadata: { annotations: { seen: "yes" } } } } })
      assert.match(
        ok(await run(name, "snapshots", "diff", "second")).out,
        /^topology +StatefulSet\/db +its pod template differs$/m
      )
      const other = join(folder, "first.age")
      ok(await run(name, "snapshots", "export", "first", ...passphrase, "--file", other))
      assert.notInclude(readFileSync(other, "latin1"), "StatefulSet")
      const stolen = await run(
        "default",
        "snapshots",
        "import",
        other,
        ...passphrase,
        "--trust-handles",
        "--yes"
      )
      assert.match(
        stolen.err,
        /^error: the file is of a snapshot of namespace sets-kind, and not of default;/
      )

      ok(await run(name, "snapshots", "prune", "--keep", "1", "--yes"))
      const listed = ok(await run(name, "snapshots", "-o", "name")).out
      assert.equal(listed, "snapshot/second\n")
      ok(await run(name, "snapshots", "prune", "second", "--last", "--yes"))
      assert.deepEqual(await remains(name, "db"), [])
    })
  })
})
