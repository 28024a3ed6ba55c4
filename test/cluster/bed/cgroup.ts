// Every process of the bed is in a cgroup of its own below one that is the bed's. Unlike a file with a
// process id, membership begins before the program does, passes on to children, outlives a crash of the
// starter, and can never come to name somebody else's process.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs"
import { basename, join } from "node:path"
import { until } from "./progress.ts"
import * as topology from "./topology.ts"

const mount = "/sys/fs/cgroup"

const listed = (folder: string): ReadonlyArray<string> =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(folder, entry.name))
    : []

const hierarchies = existsSync(join(mount, "cgroup.controllers"))
  ? [mount]
  : listed(mount).filter((folder) => existsSync(join(folder, "cgroup.procs")))

const home = hierarchies.find((folder) => folder.endsWith("/pids")) ?? hierarchies[0] ?? mount

export const bed = topology.bed.name

/** containerd's for containers without a parent of the kubelet's choice, and the same for every bed. */
export const containers = "k8s.io"

export const make = (name: string): string => {
  const folder = join(home, name)
  mkdirSync(folder, { recursive: true })
  return folder
}

const tree = (folder: string): ReadonlyArray<string> => [...listed(folder).flatMap(tree), folder]

const members = (folder: string): ReadonlyArray<number> => {
  try {
    return readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number)
  } catch {
    return [] // removed meanwhile
  }
}

export const pids = (name: string): ReadonlyArray<number> =>
  tree(join(home, name)).flatMap((folder) => members(folder))

export const children = (name: string): ReadonlyArray<string> =>
  listed(join(home, name)).map((folder) => basename(folder))

export const units = (name: string): ReadonlyArray<string> =>
  tree(join(home, name))
    .filter((folder) => members(folder).length > 0)
    .map((folder) => folder.slice(home.length + 1))

/** Ends every process below the names, also those being born meanwhile, and removes the cgroups. */
export const end = async (names: ReadonlyArray<string>): Promise<void> => {
  await until(`processes of ${names.join(", ")} to end`, 20, async () => {
    const left = names.flatMap(pids)
    for (const pid of left) {
      try {
        process.kill(pid, "SIGKILL")
      } catch {
        // ended by itself
      }
    }
    return left.length === 0
  })
  for (const folder of hierarchies.flatMap((top) => names.flatMap((name) => tree(join(top, name))))) {
    await until(`${folder} to be free`, 5, async () => {
      if (existsSync(folder)) rmdirSync(folder)
      return true
    })
  }
}

/** The folder that all beds' containers share, once there is no bed any more. */
export const sweep = (): void => {
  for (const top of hierarchies) {
    try {
      rmdirSync(join(top, containers))
    } catch {
      // not there, or in use
    }
  }
}
