// The containers of a node. They are not in the bed's cgroup but in one that containerd gives them.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import * as cgroup from "./cgroup.ts"
import * as runtime from "./runtime.ts"
import type { Node } from "./topology.ts"

export interface Container {
  readonly id: string
  /** Where its shim listens: outside the node's folder. */
  readonly socket: string | undefined
}

const socketOf = (bundle: string): string | undefined => {
  try {
    const { address } = JSON.parse(readFileSync(join(bundle, "bootstrap.json"), "utf8")) as {
      address: string
    }
    return address.replace(/^unix:\/\//, "")
  } catch {
    return undefined // no shim yet, or none any more
  }
}

/** Those that containerd knows; each has a bundle before it has a process. */
export const known = (node: Node): ReadonlyArray<Container> => {
  const folder = join(runtime.volatile(node), "io.containerd.runtime.v2.task", "k8s.io")
  if (!existsSync(folder)) return []
  return readdirSync(folder).map((id) => ({ id, socket: socketOf(join(folder, id)) }))
}

/** Whether a process stands on layers that are in the folder. */
const standsOn = (pid: number, folder: string): boolean => {
  try {
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8").split("\n")
    return mounts.some((line) => line.split(" ")[4] === "/" && line.includes(`upperdir=${folder}/`))
  } catch {
    return false // ended meanwhile
  }
}

/** Those with a process, known or not: a containerd that dies may have thrown a bundle away before the process. */
export const living = (folder: string): ReadonlyArray<string> =>
  cgroup.children(cgroup.containers).filter((id) => {
    const pid = cgroup.pids(join(cgroup.containers, id))[0]

    return pid !== undefined && standsOn(pid, folder)
  })

export const end = async (node: Node, containers: ReadonlyArray<Container>): Promise<void> => {
  const ids = new Set([...containers.map(({ id }) => id), ...living(node.folder)])
  await cgroup.end([...ids].map((id) => join(cgroup.containers, id)))
  for (const { socket } of containers) if (socket !== undefined) rmSync(socket, { force: true })
}
