import { createHash } from "node:crypto"
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync
} from "node:fs"
import { basename, join } from "node:path"
import { binaries, cache, source } from "./folder.ts"
import { alone } from "./lock.ts"
import { run } from "./process.ts"
import { phase } from "./progress.ts"

export const kubernetes = "1.36.3"

/** Folders of manifests that modules carry beside their code; kept with the binaries that need them. */
const carried: Readonly<Record<string, readonly [module: string, path: string]>> = {
  "snapshot-definitions": ["github.com/kubernetes-csi/external-snapshotter/client/v8", "config/crd"],
  "kwok-stages": ["sigs.k8s.io/kwok", "kustomize/stage"]
}

export const manifests = (name: keyof typeof carried): string => join(binaries, name)

/** Binaries that are built, and cached, together. */
interface Group {
  readonly name: string
  readonly module: string
  readonly packages: ReadonlyArray<string>
  readonly carries?: ReadonlyArray<string>
  /** A folder of own Go code, whose files count for the cache too. */
  readonly own?: string
}

const groups: ReadonlyArray<Group> = [
  { name: "kubernetes", module: ".", packages: ["tool"], carries: Object.keys(carried) },
  { name: "containerd", module: "containerd", packages: ["tool"] },
  { name: "dns", module: ".", packages: ["./dns"], own: "dns" },
  { name: "csi-driver", module: ".", packages: ["./csi-driver"], own: "csi-driver" }
]

/** What enforces NetworkPolicies: built and started only where that is asked for. */
const enforcer: Group = { name: "enforcer", module: "enforcer", packages: ["tool"] }

/** What users install charts with: no part of the cluster, and so built by the suite that runs it. */
const helm: Group = { name: "helm", module: "helm", packages: ["tool"] }

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
  const hash = createHash("sha256").update(JSON.stringify([process.arch, versionFlags, group]))
  for (const file of files) hash.update(basename(file)).update(readFileSync(file))
  return join(cache, `${group.name}-${hash.digest("hex").slice(0, 16)}`)
}

/** Where the binaries of a group are, or will be. */
export const built = (name: string): string => {
  const group = groups.find((each) => each.name === name)
  if (group === undefined) throw new Error(`no group of binaries is called ${name}`)
  return home(group)
}

const carry = async (group: Group, name: string, target: string): Promise<void> => {
  const [module = "", path = ""] = carried[name] ?? []
  const folder = await run("go", ["list", "-m", "-f", "{{.Dir}}", module], {
    cwd: join(source, group.module)
  })
  cpSync(join(folder.trim(), path), target, { recursive: true })
}

const compile = async (group: Group, target: string): Promise<void> => {
  const half = `${target}.half`
  rmSync(half, { recursive: true, force: true })
  mkdirSync(half, { recursive: true })
  await run(
    "go",
    ["build", "-trimpath", "-ldflags", `-s -w ${versionFlags}`, "-o", `${half}/`, ...group.packages],
    { cwd: join(source, group.module), env: { CGO_ENABLED: "0" }, loud: true }
  )
  // Go names a binary after its folder, and etcd's is called server.
  if (existsSync(join(half, "server"))) renameSync(join(half, "server"), join(half, "etcd"))
  for (const name of group.carries ?? []) await carry(group, name, join(half, name))
  rmSync(target, { recursive: true, force: true })
  renameSync(half, target)
}

/** Builds what is not in the cache, and answers with where it is. */
const cached = (group: Group): Promise<string> =>
  alone(async () => {
    const target = home(group)
    if (!existsSync(target)) await phase(`build of ${group.name}`, () => compile(group, target))
    return target
  })

/** One after another: the compiler uses every core already. */
export const build = async (): Promise<void> => {
  for (const group of groups) await cached(group)
}

/** Builds what enforces NetworkPolicies, unless it is there, and answers with its path. */
export const buildEnforcer = async (): Promise<string> => join(await cached(enforcer), "kube-router")

/** Builds Helm, unless it is there, and answers with its path. */
export const buildHelm = async (): Promise<string> => join(await cached(helm), "helm")

/** Whether the running cluster's binaries are of other sources than those here. */
export const outdated = (): boolean =>
  groups.map(home).some((target) => {
    const name = existsSync(target) ? readdirSync(target)[0] : undefined
    return name === undefined || readlinkSync(join(binaries, name)) !== join(target, name)
  })

/** Puts every binary into the bed's one folder. */
export const link = (): void => {
  mkdirSync(binaries, { recursive: true })
  for (const target of groups.map(home)) {
    for (const name of readdirSync(target)) symlinkSync(join(target, name), join(binaries, name))
  }
}
