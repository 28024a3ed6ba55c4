/** The single binary, alone in a folder of `PATH` beside kubectl, on the real cluster. */
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { built, type Programs } from "../bench/programs.ts"
import * as workload from "../bench/workload.ts"
import { namespace, type Ran } from "./suite/commands.ts"

const home = namespace("binary")
const folder = mkdtempSync(join(tmpdir(), "binary-"))
let programs: Programs
let environment: NodeJS.ProcessEnv

const run = (line: string, more: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  new Promise((resolve) => {
    const env = { ...environment, ...more }
    execFile("kubectl", line.split(" "), { encoding: "utf8", env }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err })
    )
  })

const ok = async (line: string): Promise<string> => {
  const { code, out, err } = await run(line)
  assert.strictEqual(code, 0, `kubectl ${line}: ${err}`)
  return out
}

beforeAll(async () => {
  programs = built()
  const kubectlFolder = dirname(
    (process.env["PATH"] ?? "")
      .split(":")
      .map((path) => join(path, "kubectl"))
      .find((path) => path.includes("kubectl-stateful")) ?? "kubectl"
  )
  symlinkSync(join(kubectlFolder, "kubectl"), join(folder, "kubectl"))
  // No Node anywhere, and no home in which to keep compiled code.
  environment = {
    PATH: `${folder}:${dirname(programs.binary[0] ?? "")}`,
    KUBECONFIG: process.env["KUBECONFIG"],
    HOME: folder,
    COLUMNS: "80"
  }
  await home.create()
  await workload.create({ name: "db", namespace: home.name, replicas: 1 })
})

afterAll(async () => {
  await home.remove()
  programs.remove()
  rmSync(folder, { recursive: true })
})

describe("the single binary", () => {
  it("says what it and the server are, and prints help from its own manifest", async () => {
    assert.include(await ok("stateful version"), "Server Version")
    assert.include(await ok("stateful scale --help"), "--replicas")
  })

  it("scales, and shows the operation and the application", async () => {
    assert.include(await ok(`stateful scale db --replicas 2 -n ${home.name}`), "db scaled")
    assert.include(await ok(`stateful operations -n ${home.name}`), "Succeeded")
    assert.include(await ok(`stateful describe db -n ${home.name}`), "db-1")
  })

  it("takes no options that are for the Node of somebody's own programs", async () => {
    for (const NODE_OPTIONS of [
      "--no-such-option",
      "--require /nowhere/tracer.js",
      "--inspect=127.0.0.1:0"
    ]) {
      const { code, out, err } = await run("stateful version --client", { NODE_OPTIONS })
      assert.deepEqual({ code, err }, { code: 0, err: "" }, NODE_OPTIONS)
      assert.include(out, "Client Version", NODE_OPTIONS)
    }
  })

  it("completes verbs and names", async () => {
    assert.include(await ok("stateful __complete desc"), "describe")
    assert.include(await ok(`stateful __complete describe -n ${home.name} d`), "db")
  })

  it("fails in one line that names what is missing", async () => {
    const { code, err } = await run(`stateful describe nobody -n ${home.name}`)
    assert.strictEqual(code, 1)
    assert.match(err, /^Error from server \(NotFound\): [^\n]*"nobody"[^\n]*\n$/)
  })
})
