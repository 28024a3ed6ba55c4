import { existsSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as cgroup from "./cgroup.ts"
import * as container from "./container.ts"
import * as fault from "./fault.ts"
import { below, ready, root } from "./folder.ts"
import { leave, note } from "./machine.ts"
import * as mounts from "./mounts.ts"
import * as network from "./network.ts"
import { nodes } from "./topology.ts"

/** The folder goes as a whole, so it must be the bed's; the note, by which that is known, goes last. */
const removeRoot = (): void => {
  if (!existsSync(root)) return
  for (const name of readdirSync(root)) if (below(name) !== note) mounts.remove(below(name))
  mounts.remove(root)
}

const refuseStrange = (): void => {
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
  await mounts.unmount(root)
  await mounts.detach(root)
  await network.down()
  const left = remains().filter((name) => name !== root)
  if (left.length > 0) throw new Error(`left behind: ${left.join(", ")}`)
  await leave()
  removeRoot()
}

/** Whatever of the bed is on this machine. */
export const remains = (): ReadonlyArray<string> => [
  ...cgroup.units(cgroup.bed),
  ...container.living(root),
  ...network.remains(),
  ...mounts.remains(root),
  ...(existsSync(root) ? [root] : [])
]
