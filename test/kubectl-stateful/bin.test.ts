import { spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "vitest"
import * as shipped from "../shipped.ts"

const checkout = fileURLToPath(new URL("../..", import.meta.url))
const bin = join(checkout, "packages", "kubectl-stateful", "bin")
const main = shipped.program()
const temporary = mkdtempSync(join(tmpdir(), "kubectl-stateful-"))
afterAll(() => rmSync(temporary, { recursive: true }))

const run = (file: string, args: ReadonlyArray<string>, node: ReadonlyArray<string> = []) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...node, file, ...args], {
    encoding: "utf8",
    env: { ...process.env, KUBECONFIG: join(temporary, "none"), HOME: temporary, XDG_CACHE_HOME: temporary }
  })
  return { status, stdout, stderr }
}
const plugin = (...args: ReadonlyArray<string>) => run(main, args)

/** One for each way that output is written. */
const written = [
  ["describe", "--help"],
  ["--version"],
  ["__complete", "describe", "-"],
  ["completion", "bash"]
]

/** Makes the Node that loads it say that it is an old one. */
const oldNode = join(temporary, "old.cjs")
writeFileSync(
  oldNode,
  `Object.defineProperty(process.versions, "node", { value: "20.20.2" })
   Object.defineProperty(process, "version", { value: "v20.20.2" })`
)

/** The launcher alone, in a tree of its own. */
const installed = (name: string, parts: { readonly src?: boolean; readonly dist?: string }): string => {
  const home = join(temporary, name, "packages", "kubectl-stateful")
  cpSync(bin, join(home, "bin"), { recursive: true })
  if (parts.src === true) {
    mkdirSync(join(home, "src"), { recursive: true })
    writeFileSync(join(home, "src", "main.ts"), "")
  }
  if (parts.dist !== undefined) {
    mkdirSync(join(home, "dist"), { recursive: true })
    writeFileSync(join(home, "package.json"), '{ "type": "module" }')
    writeFileSync(join(home, "dist", "main.js"), parts.dist)
  }
  return join(home, "bin", "kubectl-stateful")
}

const withOwnNode = (file: string): string => {
  const folder = join(file, "..", "..", "..", "..", "node_modules", ".bin")
  mkdirSync(folder, { recursive: true })
  symlinkSync(process.execPath, join(folder, "node"))
  return file
}

describe("the launcher", () => {
  it("answers --version from a checkout", () => {
    assert.deepEqual(run(join(bin, "kubectl-stateful"), ["--version"]), {
      status: 0,
      stdout: "kubectl-stateful v0.1.0\n",
      stderr: ""
    })
  })

  it("takes help before a command as --help after it, as kubectl does", () => {
    const { status, stdout } = plugin("help", "thaw")
    assert.deepEqual({ status, stdout }, { status: 0, stdout: plugin("thaw", "--help").stdout })
    assert.match(stdout, /USAGE/)
    assert.strictEqual(plugin("help").stdout, plugin("--help").stdout)
  })

  it("completes for kubectl", () => {
    const { status, stdout } = run(join(shipped.bin(), "kubectl_complete-stateful"), ["describe", "-o", "j"])
    assert.deepEqual({ status, stdout }, { status: 0, stdout: "json\n:4\n" })
  })

  it("on a Node that is too old says so in one line with what to do", () => {
    const file = installed("old", { dist: "process.exitCode = 9" })
    assert.deepEqual(run(file, [], ["-r", oldNode]), {
      status: 1,
      stdout: "",
      stderr:
        "error: kubectl-stateful needs Node 22.19 or newer, this is v20.20.2; install one from nodejs.org\n"
    })
    const unprepared = installed("unprepared", { src: true })
    assert.include(run(unprepared, [], ["-r", oldNode]).stderr, "run `npm ci` in the checkout")
  })

  it("on a Node that is too old goes on with the checkout's own, with its exit code", () => {
    const file = withOwnNode(
      installed("checkout", {
        src: true,
        dist: "process.stdout.write(process.argv.slice(2).join()); process.exitCode = 7"
      })
    )
    assert.deepEqual(run(file, ["a", "b c"], ["-r", oldNode]), { status: 7, stdout: "a,b c", stderr: "" })
  })

  it("hands on a signal, and ends as its child did", async () => {
    const file = withOwnNode(
      installed("signals", {
        src: true,
        dist: `
          process.on("SIGTERM", () => process.exit(42))
          setInterval(() => {}, 1000)
          process.stdout.write("ready")`
      })
    )
    const child = spawn(process.execPath, ["-r", oldNode, file], { stdio: ["ignore", "pipe", "inherit"] })
    child.stdout.once("data", () => child.kill("SIGTERM"))
    assert.strictEqual(await new Promise((resolve) => child.once("exit", resolve)), 42)
  })

  it("in a checkout runs the sources where one of them is younger than the bundle", () => {
    const file = installed("stale", { src: true, dist: "process.stdout.write('bundle')" })
    const home = join(file, "..", "..")
    writeFileSync(join(home, "src", "main.ts"), "process.stdout.write('sources')")
    const later = new Date(Date.now() + 1000)
    const earlier = new Date(Date.now() - 1000)
    utimesSync(join(home, "src", "main.ts"), earlier, earlier)
    assert.strictEqual(run(file, []).stdout, "bundle")
    const sdk = join(home, "..", "sdk", "src", "kind")
    mkdirSync(sdk, { recursive: true })
    writeFileSync(join(sdk, "Pod.ts"), "")
    utimesSync(join(sdk, "Pod.ts"), later, later)
    assert.strictEqual(run(file, []).stdout, "sources")
  })

  it("keeps its compiled code where nobody else can write, and nowhere else", () => {
    for (const [mode, isKept] of [
      [0o700, true],
      [0o777, false]
    ] as const) {
      const cache = join(temporary, `cache-${isKept}`)
      const code = join(cache, "kubectl-stateful", "code")
      mkdirSync(code, { recursive: true })
      chmodSync(code, mode)
      spawnSync(process.execPath, [main, "--version"], { env: { ...process.env, XDG_CACHE_HOME: cache } })
      assert.strictEqual(readdirSync(code).length > 0, isKept, mode.toString(8))
    }
  })

  it("runs under a uid that has no account, with or without $HOME and $SHELL", () => {
    const nobody = join(temporary, "nobody.cjs")
    writeFileSync(
      nobody,
      `const os = require("node:os")
       const none = (what) => () => { throw new Error("uv_os_" + what + " returned ENOENT") }
       os.userInfo = none("get_passwd")
       os.homedir = () => process.env.HOME ?? none("homedir")()
       require("node:module").syncBuiltinESMExports()`
    )
    const { HOME: _, SHELL: __, ...env } = process.env
    for (const own of [{}, { HOME: "/" }, { SHELL: "/bin/sh" }]) {
      const of = (...args: ReadonlyArray<string>) =>
        spawnSync(process.execPath, ["-r", nobody, main, ...args], {
          encoding: "utf8",
          env: { ...env, ...own, KUBECONFIG: join(temporary, "none") }
        }).stderr
      assert.match(of("describe"), /^error: no kubeconfig found: .*\n$/)
      assert.strictEqual(of("describe", "--help"), "")
    }
  })

  it("says in one line that its output cannot be written", () => {
    const full = openSync("/dev/full", "w")
    for (const args of written) {
      const { status, stderr } = spawnSync(process.execPath, [main, ...args], {
        encoding: "utf8",
        stdio: ["ignore", full, "pipe"]
      })
      assert.deepEqual(
        { status, stderr },
        {
          status: 1,
          stderr: "error: cannot write the output: no space left on device; the output is incomplete\n"
        }
      )
    }
    closeSync(full)
  })

  it("says nothing of a reader that has gone", async () => {
    const said = written.map(async (args) => {
      const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] })
      child.stdout.destroy()
      return await text(child.stderr)
    })
    assert.deepEqual(
      await Promise.all(said),
      written.map(() => "")
    )
  })

  it("without its bundle says what to do", () => {
    const { status, stderr } = run(installed("broken", {}), [])
    assert.strictEqual(status, 1)
    assert.match(stderr, /^error: .*main\.js is missing; install kubectl-stateful again\n$/)
  })
})

describe("the bundle", () => {
  const dist = join(shipped.bin(), "..", "dist")

  it("prints from its manifest the help that the sources print from their commands", () => {
    const sources = join(bin, "..", "src", "main.ts")
    for (const args of [["--help"], ["scale", "--help"], ["snapshots", "--help"]]) {
      const { status, stdout } = run(main, args)
      assert.deepEqual(
        { status, stdout },
        { status: 0, stdout: run(sources, args, ["--conditions=source"]).stdout }
      )
    }
  })

  it("loads neither oclif nor the width of letters for --version", () => {
    const seen = new Set<string>()
    const load = (file: string): string => {
      if (seen.has(file)) return ""
      seen.add(file)
      const text = readFileSync(join(dist, file), "utf8")
      return (
        text +
        [...text.matchAll(/from\s*"\.\/([^"]+)"|import\s*"\.\/([^"]+)"/g)]
          .map((each) => load(each[1] ?? each[2] ?? ""))
          .join("")
      )
    }
    const loaded = load("main.js")
    assert.include(loaded, "kubectl-stateful v")
    assert.notInclude(loaded, "oclif.manifest")
    assert.notInclude(loaded, "Expected a code point")
    const all = readdirSync(dist).map((file) => readFileSync(join(dist, file), "utf8"))
    assert.isTrue(all.some((text) => text.includes("oclif.manifest")))
    assert.isTrue(all.some((text) => text.includes("Expected a code point")))
  })
})

describe("a wrong command line", () => {
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
    [["describ"], 'error: unknown command "describ" for "kubectl stateful"; did you mean describe?'],
    [["nothing"], 'error: unknown command "nothing" for "kubectl stateful"; see `kubectl stateful --help`'],
    [["describe", "--foo"], "error: unknown flag: --foo; see `kubectl stateful describe --help`"],
    [["describe", "-x"], "error: unknown shorthand flag: -x; see `kubectl stateful describe --help`"],
    [
      ["describe", "-n"],
      "error: flag needs an argument: --namespace; see `kubectl stateful describe --help`"
    ],
    [["describe", "-o", "xml"], 'error: invalid value "xml" for --output; use one of json, yaml, wide, name'],
    [["peers", "a", "b", "c"], "error: too many names: c; see `kubectl stateful peers --help`"],
    [["describe", "--request-timeout=soon"], 'error: invalid duration "soon"; write it as 30s, 2m or 1h30m'],
    [
      ["describe", "deployment/web"],
      `error: "deployment/web" is not a StatefulSet; name a StatefulSet, or all of an application's workloads by their labels with -l`
    ],
    [["snapshot", "db\u001b[2J", "x"], "error: 2 names, but one application at a time; e.g. snapshot db"],
    [
      ["describe", "db"],
      `error: no kubeconfig found: $KUBECONFIG names ${join(temporary, "none")}, which does not exist; correct $KUBECONFIG, or name a file with --kubeconfig`
    ]
  ]
  for (const [argv, line] of cases) {
    it(`is one line and exit code 1: ${JSON.stringify(argv)}`, () => {
      assert.deepEqual(plugin(...argv), { status: 1, stdout: "", stderr: `${line}\n` })
    })
  }
})

describe("a kubeconfig that turns the check of certificates off", () => {
  it("is warned of in one line on stderr, with the flag's name", () => {
    const kubeconfig = join(temporary, "insecure")
    const cluster = { server: "https://127.0.0.1:1", "insecure-skip-tls-verify": true }
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        clusters: [{ name: "far", cluster }],
        contexts: [{ name: "far\u001b[2J", context: { cluster: "far" } }],
        "current-context": "far\u001b[2J"
      })
    )
    const { status, stdout, stderr } = plugin("operations", "--kubeconfig", kubeconfig)
    const [warning = "", error = "", ...more] = stderr.split("\n")
    assert.deepEqual({ status, stdout, more }, { status: 1, stdout: "", more: [""] })
    assert.include(warning, "insecure-skip-tls-verify")
    assert.include(warning, 'https://127.0.0.1:1 (context "far\\u001b[2J")')
    assert.match(error, /^error: /)
  })
})

describe("Ctrl-C", () => {
  it("ends a command that waits for a server, with the shell's exit code and no word", async () => {
    const asked = Promise.withResolvers<void>()
    const silent = createServer(() => asked.resolve())
    await new Promise<void>((resolve) => void silent.listen(0, "127.0.0.1", resolve))
    const address = silent.address()
    const port = typeof address === "object" ? address?.port : undefined
    const kubeconfig = join(temporary, "silent")
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        clusters: [{ name: "silent", cluster: { server: `http://127.0.0.1:${port}` } }],
        contexts: [{ name: "silent", context: { cluster: "silent" } }],
        "current-context": "silent"
      })
    )
    const child = spawn(process.execPath, [main, "describe", "db", "--kubeconfig", kubeconfig], {
      stdio: ["ignore", "pipe", "pipe"]
    })
    let said = ""
    for (const output of [child.stdout, child.stderr]) output.on("data", (text) => (said += String(text)))
    await asked.promise
    child.kill("SIGINT")
    const code = await new Promise((resolve) => child.once("close", resolve))
    silent.closeAllConnections()
    silent.close()
    assert.deepEqual({ code, said }, { code: 130, said: "" })
  })
})
