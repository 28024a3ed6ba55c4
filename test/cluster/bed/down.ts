import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as cgroup from "./cgroup.ts"
import * as container from "./container.ts"
import * as fault from "./fault.ts"
import { below, ready, root } from "./folder.ts"
import * as mounts from "./mounts.ts"
import * as network from "./network.ts"
import { run } from "./process.ts"
import { nodes } from "./topology.ts"

/** Folders that Kubernetes' programs fill outside the bed's own, with no way to say otherwise. */
const shared = ["/opt/cni", "/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers"]

/** What the kubelet sets for the whole machine. */
const switches = ["kernel.panic", "kernel.panic_on_oops", "vm.overcommit_memory", "vm.panic_on_oom"]

const note = below("before.json")

interface Before {
  readonly absent: ReadonlyArray<string>
  readonly switches: ReadonlyArray<string>
}

/** Names of networks and cgroups are the machine's, so that it bears one bed; this says where that is. */
const place = "/run/kubectl-stateful-bed"

/** Notes how the machine is before anything of the bed starts, for `down` to put it back. */
export const remember = async (): Promise<void> => {
  mkdirSync(root, { recursive: true, mode: 0o755 })
  const before: Before = {
    absent: shared.filter((folder) => !existsSync(folder)),
    switches: (await run("sysctl", switches))
      .trim()
      .split("\n")
      .map((line) => line.replaceAll(" ", ""))
  }
  writeFileSync(place, root)
  writeFileSync(note, JSON.stringify(before))
}

const recall = (): Before => {
  try {
    return JSON.parse(readFileSync(note, "utf8")) as Before
  } catch {
    return { absent: [], switches: [] } // the crash came before anything else was done
  }
}

/** The folder goes as a whole, so it must be the bed's; the note, by which that is known, goes last. */
const removeRoot = (): void => {
  if (!existsSync(root)) return
  for (const name of readdirSync(root)) if (below(name) !== note) mounts.remove(below(name))
  mounts.remove(root)
}

const refuseStrange = (): void => {
  const other = (existsSync(place) && readFileSync(place, "utf8")) || root
  if (other !== root) throw new Error(`this machine's bed is in ${other}; set BED_DIR to that`)
  if (!existsSync(root) || existsSync(note) || readdirSync(root).length === 0) return
  throw new Error(
    `${root} has files that are not the bed's; set BED_DIR to a folder that is empty or not there`
  )
}

/** Ends and removes everything that exists, in whatever state a crash left it. */
export const down = async (): Promise<void> => {
  refuseStrange()
  rmSync(ready, { force: true })
  // Once nobody freezes volumes any more and all are thawed, no process hangs on one, and each can be ended.
  await cgroup.end([join(cgroup.bed, "csi-driver")])
  await mounts.thaw(root)
  await cgroup.end([cgroup.bed])
  for (const node of nodes) await fault.cut(node)
  cgroup.sweep()
  await mounts.unmount(root)
  await mounts.detach(root)
  await network.down()
  const before = recall()
  for (const folder of before.absent) mounts.remove(folder)
  mounts.unlink("/var/log/containers", root)
  for (const change of before.switches) await run("sysctl", ["-q", "-w", change])
  const left = remains().filter((name) => name !== root)
  if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`)
  removeRoot()
  rmSync(place, { force: true })
}

/** Whatever of a bed is on this machine. */
export const remains = (): ReadonlyArray<string> => [
  ...cgroup.units(cgroup.bed),
  ...container.living(root),
  ...network.remains(),
  ...mounts.remains(root),
  ...(existsSync(root) ? [root] : [])
]
