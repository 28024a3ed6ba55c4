import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs"
import { basename, join } from "node:path"
import { binaries, cache, source } from "./folder.ts"
import { run } from "./process.ts"
import { phase } from "./progress.ts"

export const kubernetes = "1.36.3"
const snapshotModule = "github.com/kubernetes-csi/external-snapshotter/client/v8"

/** Binaries that are built, and cached, together. */
interface Group {
  readonly name: string
  readonly module: string
  readonly packages: ReadonlyArray<string>
  /** A folder of own Go code, whose files count for the cache too. */
  readonly own?: string
}

const groups: ReadonlyArray<Group> = [
  { name: "kubernetes", module: ".", packages: ["tool"] },
  { name: "containerd", module: "containerd", packages: ["tool"] },
  { name: "dns", module: ".", packages: ["./dns"], own: "dns" },
  { name: "csi-driver", module: ".", packages: ["./csi-driver"], own: "csi-driver" }
]

const versionFlags = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"]
  .flatMap((place) => [
    `-X ${place}.gitVersion=v${kubernetes}`,
    `-X ${place}.gitMajor=1`,
    `-X ${place}.gitMinor=36`,
    `-X ${place}.gitCommit=unknown`,
    `-X ${place}.gitTreeState=clean`
  ])
  .join(" ")

const goFiles = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".go") && !name.endsWith("_test.go"))
    .map((name) => join(folder, name))

const home = (group: Group): string => {
  const module = join(source, group.module)
  const files = [join(module, "go.mod"), join(module, "go.sum")]
  if (group.own !== undefined) files.push(...goFiles(join(source, group.own)))
  const hash = createHash("sha256").update(`${process.arch} ${versionFlags}`)
  for (const file of files) hash.update(basename(file)).update(readFileSync(file))
  return join(cache, `${group.name}-${hash.digest("hex").slice(0, 16)}`)
}

const compile = async (group: Group, target: string): Promise<void> => {
  const half = `${target}.${process.pid}`
  mkdirSync(half, { recursive: true })
  await run(
    "go",
    ["build", "-trimpath", "-ldflags", `-s -w ${versionFlags}`, "-o", `${half}/`, ...group.packages],
    { cwd: join(source, group.module), env: { CGO_ENABLED: "0" }, loud: true }
  )
  // Go names a binary after its folder, and etcd's is called server.
  if (existsSync(join(half, "server"))) renameSync(join(half, "server"), join(half, "etcd"))
  rmSync(target, { recursive: true, force: true })
  renameSync(half, target)
}

/** Builds what is not in the cache. One after another: the compiler uses every core already. */
export const build = async (): Promise<void> => {
  for (const group of groups) {
    const target = home(group)
    if (existsSync(target)) continue
    await run("go", ["version"]).catch(() => {
      throw new Error("go is needed to build the cluster's binaries, and is not on the PATH")
    })
    await phase(`build of ${group.name}`, () => compile(group, target))
  }
}

/** Puts every binary into the bed's one folder. */
export const link = (): void => {
  mkdirSync(binaries, { recursive: true })
  for (const target of groups.map(home)) {
    for (const name of readdirSync(target)) symlinkSync(join(target, name), join(binaries, name))
  }
}

/** The folder with the snapshot API's definitions, which the client's module carries. */
export const snapshotDefinitions = async (): Promise<string> => {
  await run("go", ["mod", "download", snapshotModule], { cwd: source })
  const folder = await run("go", ["list", "-m", "-f", "{{.Dir}}", snapshotModule], { cwd: source })
  return join(folder.trim(), "config", "crd")
}
