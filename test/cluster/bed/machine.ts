// What all beds of a machine share: the first notes how it was, the last puts that back.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as cgroup from "./cgroup.ts"
import { alone } from "./lock.ts"
import * as mounts from "./mounts.ts"
import { run } from "./process.ts"
import { bed, numbers, others } from "./topology.ts"

/** Folders that Kubernetes' programs fill outside the bed's own, with no way to say otherwise. */
const shared = ["/opt/cni", "/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers"]

/** What the kubelet sets for the whole machine. */
const switches = ["kernel.panic", "kernel.panic_on_oops", "vm.overcommit_memory", "vm.panic_on_oom"]

interface Before {
  readonly absent: ReadonlyArray<string>
  readonly switches: ReadonlyArray<string>
}

const noteIn = (root: string): string => join(root, "before.json")

/** By which a folder is known to be the bed's. */
export const note = noteIn(bed.root)

const recall = (root: string): Before | undefined => {
  try {
    return JSON.parse(readFileSync(noteIn(root), "utf8")) as Before
  } catch {
    return undefined // no bed, or the crash came before anything else was done
  }
}

const rootOf = (place: string): string | undefined =>
  existsSync(place) ? readFileSync(place, "utf8") : undefined

/** The other beds of this machine, up or not yet cleaned, by their folders. */
const neighbours = (): ReadonlyArray<readonly [number: number, root: string]> =>
  others.flatMap(({ number, place }) => {
    const root = rootOf(place)
    return root !== undefined && existsSync(root) ? [[number, root] as const] : []
  })

const look = async (): Promise<Before> => ({
  absent: shared.filter((folder) => !existsSync(folder)),
  switches: (await run("sysctl", switches))
    .trim()
    .split("\n")
    .map((line) => line.replaceAll(" ", ""))
})

/** Notes how the machine is before anything of any bed starts; a neighbour has noted that already. */
export const remember = (): Promise<void> =>
  alone(async () => {
    const known = neighbours().flatMap(([, root]) => recall(root) ?? [])
    const before = known[0] ?? (await look())
    mkdirSync(bed.root, { recursive: true, mode: 0o755 })
    writeFileSync(bed.place, bed.root)
    writeFileSync(note, JSON.stringify(before))
  })

/** After the last bed, the machine is as it was before the first. */
export const leave = (): Promise<void> =>
  alone(async () => {
    mounts.unlink("/var/log/containers", bed.root)
    if (neighbours().length === 0) {
      cgroup.sweep()
      const before = recall(bed.root)
      for (const folder of before?.absent ?? []) mounts.remove(folder)
      for (const change of before?.switches ?? []) await run("sysctl", ["-q", "-w", change])
    }
    rmSync(bed.place, { force: true })
  })

/** BED and BED_DIR, of which a shell may have one from elsewhere, must mean the same bed. */
export const agree = (): void => {
  if (!numbers.includes(bed.number))
    throw new Error(`BED is the number of a bed, 1 to ${numbers.length}, and not "${process.env["BED"]}"`)
  for (const [number, root] of neighbours())
    if (root === bed.root)
      throw new Error(`${root} is the folder of bed ${number}, not ${bed.number}; unset BED_DIR`)
  const own = rootOf(bed.place) ?? bed.root
  if (own !== bed.root) throw new Error(`bed ${bed.number} of this machine is in ${own}; set BED_DIR to that`)
}
