/** The whole program on a served sandbox, typed as kubectl's users type. */
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as shipped from "../shipped.ts"
import { root } from "../house/sources.ts"

const main = shipped.program()

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-command-line-"))
const environment = {
  PATH: process.env["PATH"],
  HOME: folder,
  TMPDIR: folder,
  NO_COLOR: "1",
  NODE_COMPILE_CACHE: folder
}
const kubeconfig = join(folder, "config")

const program = (...args: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number; readonly out: string; readonly err: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { env: { ...environment, KUBECONFIG: kubeconfig } },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err })
    )
    child.stdin?.end()
  })

const ok = async (...args: ReadonlyArray<string>): Promise<string> => {
  const { code, out, err } = await program(...args)
  assert.strictEqual(code, 0, err)
  return out
}

const sandbox = spawn(process.execPath, [main, "sandbox", "--seed", "7", "--kubeconfig", kubeconfig], {
  env: environment
})

beforeAll(async () => {
  let said = ""
  sandbox.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()))
  while (!said.includes("Ctrl-C")) await once(sandbox.stderr, "data")
})
afterAll(async () => {
  const closed = once(sandbox, "close")
  sandbox.kill("SIGINT")
  await closed
  rmSync(folder, { recursive: true })
})

describe("the command line", () => {
  it("takes flags before the command, with their values", async () => {
    const usual = await ok("describe", "ledger", "-o", "name", "-n", "shop")
    for (const args of [
      ["-n", "shop", "describe", "ledger", "-o", "name"],
      ["--namespace=shop", "-oname", "describe", "ledger"],
      ["-v", "-n", "shop", "--context", "sandbox", "describe", "-o", "name", "ledger"]
    ])
      assert.strictEqual(await ok(...args), usual, args.join(" "))
    assert.include(await ok("-n", "shop", "help", "scale"), "scale [TYPE/]NAME")
    assert.include(await ok("__complete", "-n", "shop", "describe", "l"), "ledger\n")
  })

  it("reaches a server by flags alone", async () => {
    const [, server = ""] = /server: (\S+)/.exec(readFileSync(kubeconfig, "utf8")) ?? []
    const [, token = ""] = /token: (\S+)/.exec(readFileSync(kubeconfig, "utf8")) ?? []
    const away = ["--kubeconfig", "/dev/null", "-n", "shop", "-s", server]
    const skipped = await program(
      ...away,
      "--token",
      token,
      "--insecure-skip-tls-verify",
      "describe",
      "ledger"
    )
    assert.deepEqual([skipped.code, /^Name: +ledger/.test(skipped.out)], [0, true], skipped.err)
    assert.match(skipped.err, /certificate/)
    assert.match((await program(...away, "--token", token, "describe", "ledger")).err, /certificate/)
    const wrong = await program("describe", "-A", "--token", "canary")
    assert.strictEqual(wrong.code, 1)
    assert.include(wrong.err, "Unauthorized")
    assert.notInclude(wrong.err, "canary")
    const both = await program("describe", "-A", "--token", "canary", "--username", "ann")
    assert.strictEqual(
      both.err,
      "error: a token cannot be combined with a user name and password; use one or the other\n"
    )
  })

  it("says what was meant by a flag that does not exist, and what reads JSON", async () => {
    const near = await program("describe", "--namespce", "shop")
    assert.strictEqual(near.err, "error: unknown flag: --namespce; did you mean --namespace?\n")
    const path = await program("describe", "-o", "jsonpath={.items}")
    assert.strictEqual(path.err, "error: -o jsonpath is not supported; use -o json, and read it with jq\n")
    const colour = String.fromCodePoint(27)
    assert.include(await ok("describe", "web", "--color=always"), colour)
    assert.notInclude(await ok("describe", "web", "--color=auto"), colour)
    assert.notInclude(await ok("sandbox", "--help"), "--context")
  })

  it("prints this program's version, and the server's", async () => {
    assert.match(
      await ok("version"),
      /^Client Version: v\S+( \(commit [0-9a-f]+\))?\nNode.js Version: v\S+\nServer Version: v1\.\d+/
    )
    const { clientVersion, serverVersion } = JSON.parse(await ok("version", "-o", "json"))
    assert.deepEqual(Object.keys(clientVersion), ["gitVersion", "gitCommit", "nodeVersion", "platform"])
    assert.match(serverVersion.gitVersion, /^v1\./)
    const away = await program("version", "-s", "http://127.0.0.1:1")
    assert.strictEqual(away.code, 1)
    assert.match(away.out, /^Client Version/)
    assert.match(away.err, /^error: The connection to the server 127\.0\.0\.1:1 was refused/)
  })

  it("describes several in one go, and says which of them is not there", async () => {
    const both = await ok("describe", "web", "ledger", "-o", "json")
    assert.deepEqual(
      JSON.parse(both).items.map(({ name }: { readonly name: string }) => name),
      ["web", "ledger"]
    )
    assert.strictEqual(JSON.parse(await ok("describe", "web", "-o", "json")).name, "web")
    const { code, out, err } = await program("describe", "web", "gone", "ledger", "-o", "name")
    assert.deepEqual([code, out], [1, "statefulset.apps/web\nstatefulset.apps/ledger\n"])
    assert.match(err, /^Error from server \(NotFound\): statefulsets\.apps "gone" not found/)
  })

  it("reads names from manifests, whose namespace counts", async () => {
    const file = join(folder, "sets.yaml")
    writeFileSync(
      file,
      `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: other}}
- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web, namespace: shop}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ledger}
`
    )
    const names = "statefulset.apps/web\nstatefulset.apps/ledger\n"
    assert.strictEqual(await ok("describe", "-f", file, "-o", "name"), names)
    const plan = await ok("scale", "-f", file, "--replicas", "4", "--dry-run=client", "-o", "name")
    assert.strictEqual(plan, names)
    const elsewhere = await program("describe", "-f", file, "-n", "other")
    assert.strictEqual(elsewhere.code, 1)
    assert.match(elsewhere.err, /the namespace "shop" of statefulset\/web is not the given namespace "other"/)
    const two = await program("describe", "web", "-f", file)
    assert.match(two.err, /^error: -f cannot be combined with names/)
    const none = await program("scale", "-f", main, "--replicas", "3")
    assert.strictEqual(none.code, 1)
  })

  it("scales each that a selector finds, or all, and none where nothing is found", async () => {
    const all = ["scale", "--all", "--replicas", "5", "--dry-run=client", "-o", "name"]
    assert.strictEqual(await ok(...all), "statefulset.apps/ledger\nstatefulset.apps/web\n")
    const label = "app.kubernetes.io/name=web"
    const chosen = ["scale", "sts", "-l", label, "--replicas", "5", "--dry-run=client", "-o", "name"]
    assert.strictEqual(await ok(...chosen), "statefulset.apps/web\n")
    const none = await program("scale", "-l", "app=none", "--replicas", "0")
    assert.match(none.err, /^error: no StatefulSets found in shop namespace for selector app=none/)
    for (const args of [
      ["web", "--all"],
      ["-l", "app=web", "--all"]
    ]) {
      const { code, err } = await program("scale", ...args, "--replicas", "0")
      assert.deepEqual([code, err.split(";")[0]], [1, "error: names, -l, -f and --all cannot be combined"])
    }
  })

  it("names an operation as -o name prints it, shows its steps, and lists those of all namespaces", async () => {
    await ok("scale", "ledger", "--replicas", "5")
    const name = (await ok("operations", "ledger", "-o", "name")).trim()
    assert.match(name, /^operation\/[0-9a-f]{8}$/)
    const id = name.replace("operation/", "")
    for (const word of [name, id, `operations/${id.slice(0, 4)}`]) {
      const page = await ok("operations", word)
      assert.match(page, new RegExp(`^Operation: +${id}\n`))
      assert.match(page, /\n1 +Succeeded +\d+s +\d+s +replicas 3 -> 5\n$/)
    }
    const { kind, steps } = JSON.parse(await ok("operations", id, "-o", "json"))
    assert.deepEqual([kind, steps.length, steps[0].done.state], ["Operation", 1, "Succeeded"])
    assert.match(await ok("operations", "-A"), /^NAMESPACE +ID .*\nshop +/)
    const over = await program("resume", name)
    assert.strictEqual(over.err, `operation ${id} (scale) has already finished: Succeeded\n`)
    const missing = await program("operations", "operation/00000000")
    assert.match(missing.err, /^error: operation "00000000" not found; `kubectl stateful operations -n shop`/)
  })
})

describe("a report", () => {
  const commands = readFileSync(join(root, "docs", "report.md"), "utf8")
    .split("\n")
    .flatMap((line) => /^kubectl stateful (report .*?)(?: > \S+)?$/.exec(line)?.[1] ?? [])

  it("is written by each command of its documentation, without a credential", async () => {
    assert.isAbove(commands.length, 3)
    const { token } = /token: (?<token>\S+)/.exec(readFileSync(kubeconfig, "utf8"))?.groups ?? {}
    assert.isAbove(token?.length ?? 0, 10)
    for (const command of new Set(commands)) {
      const out = await ok(...command.split(" "))
      assert.match(out, command.endsWith("json") ? /^\{\n/ : /^<!doctype html>\n/)
      assert.include(out, "ledger-2")
      for (const secret of [token ?? "", "not-a-real-key", btoa("not-a-real-key")])
        assert.notInclude(out, secret)
    }
  })

  it("is of one application, and of none that is not there", async () => {
    const none = await program("report", "nothing", "-n", "shop")
    assert.strictEqual(none.out, "")
    assert.match(none.err, /^Error from server \(NotFound\): .*nothing/)
    assert.deepEqual(await program("report"), {
      code: 1,
      out: "",
      err: "error: resource name or -l SELECTOR is required; e.g. report db > db.html\n"
    })
  })
})
