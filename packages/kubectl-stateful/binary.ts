/**
 * Builds one program that needs no Node beside it: `node binary.ts FILE [--node NODE] [--dist FOLDER]`, after a build, into
 * `dist` or that folder. It is NODE with the plugin in it, and so for NODE's system and processor. Default: the Node that
 * runs this. Another has to be of the same version, and gets no compiled code, which only its own processor can record.
 */
import { execFile, execFileSync, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { existsSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { parseArgs, promisify } from "node:util"
import { rolldown } from "rolldown"
import { from, minify } from "./bundle.ts"

const home = import.meta.dirname
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { node: { type: "string" }, dist: { type: "string", default: join(home, "dist") } }
})
const output = resolve(positionals[0] ?? "kubectl-stateful")
const other = values.node === undefined ? {} : { executable: resolve(values.node) }
const folder = await mkdtemp(join(tmpdir(), "kubectl-stateful-binary-"))
const parts = join(folder, "parts")
const main = join(home, "binaryMain.cjs")
const manifest = "oclif.manifest.json"

/**
 * Command lines whose compiled code goes into the binary. They run against a sandbox, and whether they succeed is not
 * the point.
 */
const recorded: ReadonlyArray<string> = [
  "--help",
  "scale --help",
  "__complete ",
  "__complete describe -n shop l",
  "version",
  "operations -n shop",
  "peers ledger -n shop",
  "snapshots -n shop",
  "describe ledger -n shop",
  "describe ledger -n shop -o json",
  "describe -A",
  "snapshot ledger -n shop",
  "scale ledger --replicas 4 -n shop",
  "operations -n shop -o yaml",
  "nothing"
]

const record = async (): Promise<void> => {
  const config = join(folder, "kubeconfig")
  const env = {
    ...process.env,
    KUBECTL_STATEFUL_RECORD: join(home, "binaryRecord.cjs"),
    KUBECTL_STATEFUL_PARTS: parts,
    KUBECONFIG: config
  }
  const { KUBECONFIG: _, ...withoutConfig } = env
  const sandbox = spawn(process.execPath, [main, "sandbox", "--kubeconfig", config], {
    env: withoutConfig,
    stdio: "ignore"
  })
  const ended = new Promise((resume) => sandbox.on("close", resume))
  try {
    while (!existsSync(config) && sandbox.exitCode === null)
      await new Promise((resume) => setTimeout(resume, 100))
    for (const line of recorded) {
      const words = line.split(" ")
      await promisify(execFile)(process.execPath, [main, ...words], { env }).catch((error: unknown) => {
        if (line !== "nothing") throw error
      })
    }
  } finally {
    sandbox.kill()
    await ended
  }
}

try {
  const bundle = await rolldown({
    ...from({ main: join(home, "src", "main.ts") }),
    // CommonJS has no import.meta; what reads it knows that it may be empty.
    checks: { emptyImportMeta: false }
  })
  await bundle.write({
    dir: parts,
    format: "cjs",
    minify,
    chunkFileNames: "[name]-[hash].js",
    entryFileNames: "[name].js"
  })
  await bundle.close()
  await copyFile(join(values.dist, manifest), join(parts, manifest))
  if (other.executable === undefined) await record()
  const files = (await readdir(parts)).toSorted()
  const config = join(folder, "sea.json")
  await writeFile(
    config,
    JSON.stringify({
      // The program carries this name: one without the folder, which is another each time.
      main: basename(main),
      mainFormat: "commonjs",
      ...other,
      output,
      disableExperimentalSEAWarning: true,
      // NODE_OPTIONS is for the user's own Node, which may be older, and have a debugger or a tracer beside it.
      execArgvExtension: "none",
      assets: Object.fromEntries(files.map((file) => [file, join(parts, file)]))
    })
  )
  await copyFile(main, join(folder, basename(main)))
  execFileSync(process.execPath, ["--build-sea", config], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"]
  })
  // Which functions a recorded run has compiled when it ends depends on the moment: two builds differ in those, and in
  // nothing else.
  const contents = createHash("sha256")
  for (const file of [other.executable ?? process.execPath, main, ...files.map((name) => join(parts, name))])
    if (!file.endsWith(".compiled")) contents.update(await readFile(file))
  console.log(`${contents.digest("hex")} without its compiled code`)
} finally {
  await rm(folder, { recursive: true })
}
