import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import { program } from "../../shipped.ts"
import { stopped, usable } from "../../../packages/kubectl-stateful/src/print/sandbox.ts"

const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-sandbox-test-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** The plugin as it is shipped. */
const plugin = (...args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [program(), ...args], {
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

  it("shows hooks as they are called, in order, and lets one fail: --exec", async () => {
    const { child, said, closed } = plugin(
      "sandbox",
      '--exec=web-2=[ "$2" = leave ] && { echo no way >&2; exit 3; }; exit 0',
      '--exec=web-*/web=echo "$NAMESPACE/$POD/$CONTAINER"'
    )
    while (!said.err.includes("Ctrl-C")) await once(child.stderr, "data")
    const file = /^export KUBECONFIG=(\S+)\n$/.exec(said.out)?.[1] ?? assert.fail(said.out)
    const scale = (set: string, replicas: string, ...hook: ReadonlyArray<string>) =>
      errorOf("scale", set, "--kubeconfig", file, "--replicas", replicas, ...hook)
    const up = await scale("web", "4", "--after-add", "app join {pod}")
    assert.strictEqual(up.code, 0, up.err)
    const down = await scale("web", "2", "--before-remove", "app leave {pod}")
    assert.strictEqual(down.code, 1)
    assert.match(down.err, /^error: beforeRemove in web-2 failed: exit code 3: no way;/m)
    assert.deepEqual(said.err.match(/^web-\d\/.*$/gm), [
      "web-2/web: app join web-2: exit code 0",
      "web-3/web: app join web-3: exit code 0",
      "web-3/web: app leave web-3: exit code 0",
      "web-2/web: app leave web-2: exit code 3"
    ])
    // The ledger, of which no --exec speaks, answers for itself.
    const ledger = await scale("ledger", "4", "--after-add", "ledger balance")
    assert.strictEqual(ledger.code, 0, ledger.err)
    child.kill("SIGINT")
    await closed
  })

  it("refuses an --exec that says no pod or no command", async () => {
    assert.deepEqual(await errorOf("sandbox", "--exec", "web-0"), {
      code: 1,
      out: "",
      err: 'error: invalid value "web-0" for --exec; use POD=COMMAND or POD/CONTAINER=COMMAND\n'
    })
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
    assert.match(
      (await errorOf("sandbox", "--context", "prod")).err,
      /^error: --context selects an existing cluster/
    )
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
