import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { root } from "../house/sources.ts"
import { stopped, usable } from "../../packages/kubectl-stateful/src/print/sandbox.ts"

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-sandbox-test-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** The plugin from its sources. */
const plugin = (...args: ReadonlyArray<string>) => {
  const main = join(root, "packages", "kubectl-stateful", "src", "main.ts")
  const child = spawn(process.execPath, ["--conditions=source", main, ...args], {
    env: { PATH: process.env["PATH"], HOME: folder, TMPDIR: folder }
  })
  const said = { out: "", err: "" }
  child.stdout.on("data", (chunk: Buffer) => (said.out += chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString()))
  return { child, said, closed: once(child, "close") }
}

const errorOf = async (...args: ReadonlyArray<string>) => {
  const { said, closed } = plugin(...args)
  const [code] = await closed
  return { code, err: said.err, out: said.out }
}

describe("kubectl stateful sandbox", () => {
  it("writes a kubeconfig for its owner alone, leads others to it, and takes it away on Ctrl-C", async () => {
    const { child, said, closed } = plugin("sandbox", "--scenario", "empty", "--seed", "7")
    while (!said.err.includes("Ctrl-C")) await once(child.stderr, "data")
    const file = /^export KUBECONFIG=(\S+)\n$/.exec(said.out)?.[1] ?? assert.fail(said.out)
    assert.strictEqual(statSync(file).mode & 0o777, 0o600)
    const { code, out } = await errorOf("describe", "-A", "--kubeconfig", file)
    assert.deepEqual([code, out], [0, ""])
    child.kill("SIGINT")
    assert.deepEqual(await closed, [130, null])
    assert.isFalse(existsSync(file))
    assert.isTrue(said.err.endsWith(stopped))
  })

  it("refuses a kubeconfig that is there, a port that is none, and flags that choose a cluster", async () => {
    const file = join(folder, "mine")
    writeFileSync(file, "precious")
    assert.deepEqual(await errorOf("sandbox", "--scenario", "empty", "--kubeconfig", file), {
      code: 1,
      out: "",
      err: `error: ${file} exists; name a new file, or remove it\n`
    })
    const nowhere = join(folder, "nowhere", "file")
    assert.strictEqual(
      (await errorOf("sandbox", "--scenario", "empty", "--kubeconfig", nowhere)).err,
      `error: ${nowhere} cannot be written: its folder is not there; name another file\n`
    )
    assert.match((await errorOf("sandbox", "--port", "99999")).err, /^error: .*65535/)
    assert.match((await errorOf("sandbox", "--context", "prod")).err, /^error: --context chooses/)
    assert.match(
      (await errorOf("sandbox", "--scenario", "chaos")).err,
      /^error: invalid value "chaos" for --scenario; use one of ledger, lost-node, empty\n$/
    )
  })

  it("quotes a path that a shell would take apart", () => {
    const scenario = { summary: "nothing", namespace: "default" }
    const { environment } = usable({ file: "/tmp/my dir/it's", url: "", name: "empty", scenario })
    assert.strictEqual(environment, "export KUBECONFIG='/tmp/my dir/it'\\''s'\n")
  })
})
