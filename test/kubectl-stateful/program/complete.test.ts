/** The real program, asked for completion on a server whose names have a shell's syntax in them. */
import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { bin } from "../../shipped.ts"

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-completion-"))
const marker = join(folder, "pwned")
const kubeconfig = join(folder, "config")
const program = join(bin(), "kubectl_complete-stateful")

const hostile = [
  `$(touch\${IFS}${marker})`,
  `\`touch ${marker}\``,
  "a b",
  "x\ty",
  "two\nlines",
  "é",
  "UPPER",
  "-dash",
  "dot.",
  "db-\u001b[2J",
  "a".repeat(254)
]
const good = ["db", "db-0.shop", "44b98c3f", "0"]
const record = "kubectl-stateful.snapshot."

/** Answers every list with objects of these names, each an operation's journal too. */
const server: Server = createServer(({ url }, response) => {
  response.setHeader("content-type", "application/json")
  const names = [...hostile, ...good]
  const records = [...hostile, "44b98c3f", "weekly"].map((name) => `${record}${name}`)
  const items = (url?.includes("record") === true ? records : names).map((name) => ({
    metadata: { name, uid: "u", labels: { "kubectl-stateful.dev/operation": name } }
  }))
  response.end(JSON.stringify({ kind: "List", apiVersion: "v1", metadata: { resourceVersion: "1" }, items }))
})

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const port = typeof address === "object" ? address?.port : undefined
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: "x", cluster: { server: `http://127.0.0.1:${port}` } }],
      contexts: [{ name: "x", context: { cluster: "x", namespace: "shop" } }],
      "current-context": "x"
    })
  )
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

const complete = (...words: ReadonlyArray<string>) =>
  new Promise<ReadonlyArray<string>>((resolve) => {
    const child = spawn(process.execPath, [program, ...words], {
      env: { ...process.env, KUBECONFIG: kubeconfig, HOME: folder, XDG_CACHE_HOME: folder },
      stdio: ["ignore", "pipe", "inherit"]
    })
    let said = ""
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()))
    child.once("close", () => resolve(said.split("\n").slice(0, -1)))
  })

/** As kubectl's script for bash offers words that have no description. */
const offer = (words: ReadonlyArray<string>) =>
  execFileSync("bash", ["-c", 'compgen -W "$1" -- "" || true', "bash", words.join("\n")], {
    encoding: "utf8"
  })

const isRun = (words: ReadonlyArray<string>) => {
  rmSync(marker, { force: true })
  offer(words)
  return existsSync(marker)
}

/** A machine may have much else to do. */
const unhurried = "--request-timeout=60s"

describe("completion before a command", () => {
  it("offers the flags of all commands, and not those of one", async () => {
    assert.deepEqual(await complete("--cont"), ["--context\tThe kubeconfig context to use.", ":4"])
    const after = (await complete("-n", "shop", "--")).map((line) => line.split("\t")[0])
    assert.includeMembers(after, ["--context", "--namespace", "--server"])
    assert.notInclude(after, "--replicas")
    assert.deepEqual(after, [...new Set(after)])
    assert.deepEqual(await complete("desc"), [
      "describe\tShow the full state of a stateful application and whether it can survive failures.",
      ":4"
    ])
  })
})

describe("completion on a hostile server", () => {
  for (const [what, words, expected] of [
    ["StatefulSets", ["scale", unhurried, ""], ["0", "44b98c3f", "db", "db-0.shop"]],
    ["namespaces", ["scale", unhurried, "-n", ""], ["0", "44b98c3f", "db", "db-0.shop"]],
    ["namespaces of a flag", ["scale", unhurried, "--namespace="], ["0", "44b98c3f", "db", "db-0.shop"]],
    ["operations", ["resume", unhurried, ""], ["44b98c3f"]],
    ["snapshots", ["restore", unhurried, ""], ["44b98c3f", "weekly"]]
  ] as const) {
    it(`offers no name of ${what} that a shell would run, nor any that Kubernetes would not take`, async () => {
      // The shell does run them, where they are offered.
      assert.isTrue(isRun(hostile.slice(0, 1)))
      const lines = await complete(...words)
      assert.isFalse(isRun(lines))
      assert.deepEqual(lines, [...expected, ":4"])
    })
  }
})
