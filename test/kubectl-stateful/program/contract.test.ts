import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { make } from "@kubectl-stateful/sandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { assert, describe, it } from "vitest"
import recorded from "../../../packages/kubectl-stateful/command-snapshot.json" with { type: "json" }
import { complete, type Names } from "../../../packages/kubectl-stateful/src/program/complete.ts"
import type { ClusterFlags } from "../../../packages/kubectl-stateful/src/flags/cluster.ts"
import { clusterNames } from "../../../packages/kubectl-stateful/src/program/names.ts"
import { commandList } from "../../../packages/kubectl-stateful/src/program/commandList.ts"

describe("the contract with scripts", () => {
  it("names every command, flag and short form as the code has them", async () => {
    assert.deepEqual<unknown>(
      await commandList(),
      recorded,
      "run `npm run commands` and look at the difference"
    )
  })

  it("gives each short form to one flag of a command", () => {
    for (const command of recorded.commands) {
      const chars = command.flags.flatMap((flag) => ("char" in flag ? [flag.char] : []))
      assert.deepEqual(chars, [...new Set(chars)], command.name)
    }
  })
})

describe("completion", () => {
  const names: Names = async (what, flags) =>
    what === "namespaces"
      ? ["shop", "sales"]
      : what === "snapshots"
        ? ["nightly", "weekly"]
        : what === "restores" || what === "copies" || what === "operations"
          ? ["9ffe19c6"]
          : [`db-in-${flags.get("namespace") ?? "default"}`]
  const lines = async (...words: ReadonlyArray<string>) =>
    (await complete(words, names)).split("\n").slice(0, -1)

  it("offers commands, each with what it does, and no file names", async () => {
    const [first, directive] = await lines("de")
    assert.match(first ?? "", /^describe\t\S/)
    assert.strictEqual(directive, ":4")
  })

  it("offers a command's flags", async () => {
    const [first, ...rest] = await lines("describe", "--na")
    assert.match(first ?? "", /^--namespace\t/)
    assert.deepEqual(rest, [":4"])
  })

  it("offers the values of a flag that has a fixed set", async () => {
    assert.deepEqual(await lines("describe", "-o", ""), ["json", "yaml", "wide", "name", ":4"])
    assert.deepEqual(await lines("describe", "-o=j"), ["json", ":4"])
  })

  it("offers the applications of the namespace that was typed, until one is named", async () => {
    assert.deepEqual(await lines("describe", ""), ["db-in-default", ":4"])
    assert.deepEqual(await lines("describe", "-n", "shop", "db"), ["db-in-shop", ":4"])
    assert.deepEqual(await lines("describe", "-w", "--namespace=shop", ""), ["db-in-shop", ":4"])
    assert.deepEqual(await lines("snapshot", "db", ""), [":4"])
    assert.deepEqual(await lines("describe", "db", ""), ["db-in-default", ":4"])
    assert.deepEqual(await lines("describe", "db-in-default", ""), [":4"])
    assert.deepEqual(await lines("scale", "sts/"), ["sts/db-in-default", ":4"])
    assert.deepEqual(await lines("snapshot", "sts", ""), ["db-in-default", ":4"])
    assert.deepEqual(await lines("snapshot", "sts", "db", ""), [":4"])
    assert.deepEqual(await lines("rbac", "p"), ["peers", ":4"])
    assert.deepEqual(await lines("rbac", "scale", "sn"), ["snapshot", "snapshots", ":4"])
    assert.deepEqual(await lines("rbac", "peers", ""), ["db-in-default", ":4"])
    assert.deepEqual(await lines("operations", ""), ["db-in-default", "9ffe19c6", ":4"])
  })

  it("has an answer for the value of every flag", async () => {
    for (const { name, flags } of recorded.commands)
      for (const flag of flags) {
        if (!flag.takesValue) continue
        const directive = (await lines(name, `--${flag.name}`, "")).at(-1)
        const isFile = /FILE|FOLDER/.test(flag.value ?? "")
        assert.strictEqual(directive, isFile ? ":0" : ":4", `${name} --${flag.name}`)
      }
    for (const flag of ["context", "cluster", "user", "to-namespace", "release"])
      assert.isAbove((await lines("restore", `--${flag}`, "")).length, 1, flag)
  })

  it("offers namespaces, and file names where a file is asked for", async () => {
    assert.deepEqual(await lines("describe", "-n", "s"), ["shop", "sales", ":4"])
    assert.deepEqual(await lines("describe", "--kubeconfig", ""), [":0"])
    assert.deepEqual(await lines("describe", "-f", ""), [":0"])
  })

  it("offers after `=` the value alone, since kubectl's scripts put the flag before it", async () => {
    assert.deepEqual(await lines("describe", "--namespace=sh"), ["shop", ":4"])
    assert.deepEqual(await lines("describe", "--namespace="), ["shop", "sales", ":4"])
    assert.deepEqual(await lines("describe", "--kubeconfig="), [":0"])
    assert.match((await lines("scale", "--profile=re")).join(" "), /^redis\t.* :0$/)
  })

  it("offers the value of a flag before the command, and takes it as given there", async () => {
    assert.deepEqual(await lines("-n", "sh"), ["shop", ":4"])
    assert.deepEqual(await lines("--namespace=sh"), ["shop", ":4"])
    assert.deepEqual(await lines("-n", "shop", "describe", ""), ["db-in-shop", ":4"])
    assert.match((await lines("-n", "shop", "desc")).join(" "), /^describe\t.* :4$/)
  })

  it("reads a value that is attached to its short flag, as in -nshop", async () => {
    assert.deepEqual(await lines("describe", "-nshop", ""), ["db-in-shop", ":4"])
    assert.deepEqual(await lines("-nshop", "describe", ""), ["db-in-shop", ":4"])
    assert.deepEqual(await lines("describe", "-lapp=db", "-nshop", "--", ""), ["db-in-shop", ":4"])
  })

  it("offers the built-in profiles, and files, where one is asked for", async () => {
    for (const words of [
      ["profile", "r"],
      ["snapshot", "db", "--profile", "r"]
    ]) {
      const [first, ...rest] = await lines(...words)
      assert.match(first ?? "", /^redis\t\S/)
      assert.deepEqual(rest, [":0"])
    }
  })

  it("offers snapshots where one is named, and what can be done with them", async () => {
    for (const word of ["restore", "drill"]) {
      assert.deepEqual(await lines(word, "n"), ["nightly", ":4"])
      assert.deepEqual(await lines(word, "nightly", ""), [":4"])
    }
    assert.deepEqual(await lines("snapshots", "d"), ["describe", "diff", ":4"])
    assert.deepEqual(await lines("snapshots", "describe", ""), ["nightly", "weekly", ":4"])
    assert.deepEqual(await lines("snapshots", "describe", "nightly", ""), [":4"])
    assert.deepEqual(await lines("snapshots", "diff", "nightly", ""), ["weekly", "live", ":4"])
    assert.deepEqual(await lines("snapshots", "prune", "nightly", ""), ["weekly", ":4"])
    assert.deepEqual(await lines("snapshots", "import", ""), [":0"])
    assert.deepEqual(await lines("snapshots", "list", ""), [":4"])
  })

  it("offers restores where one is to be undone", async () => {
    assert.deepEqual(await lines("restore", "--undo", ""), ["9ffe19c6", ":4"])
    assert.deepEqual(await lines("restore", "--undo=9"), ["9ffe19c6", ":4"])
    assert.deepEqual(await lines("restore", "--from-volume-snapshots", ""), ["db-in-default", ":4"])
  })

  it("offers nothing after a command that does not exist", async () => {
    assert.deepEqual(await lines("nothing", "-"), [":4"])
  })
})

describe("names for completion", () => {
  const reached = clusterNames(() =>
    Layer.effect(
      Cluster,
      Effect.map(make(), ({ cluster }) => cluster)
    )
  )
  const none = new ClusterError({ reason: { _tag: "Config" }, message: "no kubeconfig" })

  it("are the cluster's", async () => {
    assert.include(await reached("namespaces", new Map()), "kube-system")
    assert.deepEqual(await reached("statefulsets", new Map()), [])
  })

  it("of contexts, clusters and users are the kubeconfig's", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-names-"))
    const file = join(folder, "config")
    const named = (kind: string) => [{ name: `one-${kind}`, [kind]: {} }]
    writeFileSync(
      file,
      JSON.stringify({
        contexts: named("context"),
        clusters: named("cluster"),
        users: [...named("user"), { name: "$(touch x)", user: {} }]
      })
    )
    const flags = new Map([["kubeconfig", file]])
    assert.deepEqual(await reached("contexts", flags), ["one-context"])
    assert.deepEqual(await reached("clusters", flags), ["one-cluster"])
    const offered = await complete(["describe", "--user", ""], (what) => reached(what, flags))
    assert.strictEqual(offered, "one-user\n:4\n")
    rmSync(folder, { recursive: true })
  })

  it("are asked for as the flags say, and of no unverified server unless one of them says so", async () => {
    const asked: Array<ClusterFlags> = []
    const names = clusterNames((flags) => {
      asked.push(flags)
      return Layer.effect(Cluster, Effect.fail(none))
    })
    for (const [word, isInsecure] of [
      ["--insecure-skip-tls-verify", true],
      ["--insecure-skip-tls-verify=true", true],
      ["--insecure-skip-tls-verify=false", false]
    ] as const) {
      asked.length = 0
      await complete(["describe", word, "--as=uid=ann,ou=ops", ""], names)
      assert.lengthOf(asked, 1)
      assert.strictEqual(asked[0]?.["insecure-skip-tls-verify"], isInsecure, word)
      assert.strictEqual(asked[0]?.as, "uid=ann,ou=ops")
    }
  })

  it("are none when there is no cluster to ask", async () => {
    const unreached = clusterNames(() => Layer.effect(Cluster, Effect.fail(none)))
    assert.deepEqual(await unreached("namespaces", new Map()), [])
  })
})
