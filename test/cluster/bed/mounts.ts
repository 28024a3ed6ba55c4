import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, unlinkSync } from "node:fs"
import { join } from "node:path"
import { run } from "./process.ts"

interface Mount {
  readonly target: string
  readonly device: string
}

/** The kernel writes blanks in paths as octal numbers. */
const plain = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** Mounts below a folder, the latest first, so that each comes before what it stands on. */
const mounts = (folder: string): ReadonlyArray<Mount> =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [left = "", right = ""] = line.split(" - ")
      return { target: plain(left.split(" ")[4] ?? ""), device: right.split(" ")[1] ?? "" }
    })
    .filter(({ target }) => target === folder || target.startsWith(`${folder}/`))
    .toReversed()

const volumes = (folder: string): ReadonlyArray<Mount> =>
  mounts(folder).filter(({ device }) => device.startsWith("/dev/loop"))

/** Wakes file systems whose freezer was killed: until then their writers can not even be killed. */
export const thaw = async (folder: string): Promise<void> => {
  for (const { target } of volumes(folder)) await run("fsfreeze", ["--unfreeze", target]).catch(() => {})
}

/** Lets the volumes lose what they had not written yet, as a power cut does. */
export const forget = async (folder: string): Promise<void> => {
  for (const device of new Set(volumes(folder).map((mount) => mount.device))) {
    const target = volumes(folder).find((mount) => mount.device === device)?.target ?? ""
    await run("xfs_io", ["-x", "-c", "shutdown", target]).catch((cause: unknown) => {
      // One that is shut down already can not even be looked at.
      if (!String(cause).includes("Input/output error")) throw cause
    })
  }
}

export const unmount = async (folder: string): Promise<void> => {
  for (const { target } of mounts(folder)) {
    await run("umount", [target]).catch(() => run("umount", ["--lazy", target]).catch(() => {}))
  }
}

const loops = (folder: string): ReadonlyArray<string> =>
  readdirSync("/sys/block")
    .filter((name) => name.startsWith("loop"))
    .filter((name) => {
      const backing = join("/sys/block", name, "loop", "backing_file")
      return existsSync(backing) && readFileSync(backing, "utf8").startsWith(`${folder}/`)
    })
    .map((name) => `/dev/${name}`)

export const detach = async (folder: string): Promise<void> => {
  for (const device of loops(folder)) await run("losetup", ["--detach", device]).catch(() => {})
}

export const remains = (folder: string): ReadonlyArray<string> => [
  ...mounts(folder).map(({ target }) => target),
  ...loops(folder)
]

/** Removes links in a shared folder that lead into the bed's. */
export const unlink = (shared: string, folder: string): void => {
  if (!existsSync(shared)) return
  for (const name of readdirSync(shared)) {
    try {
      if (readlinkSync(join(shared, name)).startsWith(`${folder}/`)) unlinkSync(join(shared, name))
    } catch {
      // not a link
    }
  }
}

export const remove = (folder: string): void =>
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
