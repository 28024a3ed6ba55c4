/**
 * Identifies this process, so that another one can detect that it has exited: the boot of its machine, its
 * pid namespace, its pid, and its start time. A pid alone is not enough: it is reused, and in another
 * namespace, a container with the same host name, it is another process.
 */
import { readFile, readlink } from "node:fs/promises"
import { hostname, userInfo } from "node:os"
import * as Effect from "effect/Effect"
import type { HolderProcess } from "../operation/Holder.ts"

/** Field 22 of /proc/PID/stat, in clock ticks since the boot: counted from behind the name, which may hold spaces. */
const startOf = async (pid: number | string): Promise<string | null> => {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null)
  return stat === null ? null : (stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null)
}

const place = async (): Promise<string | null> => {
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => null)
  const namespace = await readlink("/proc/self/ns/pid").catch(() => null)
  return boot === null || namespace === null ? null : `${boot.trim()} ${namespace}`
}

/** Boot and namespace are two words, pid and start one each. */
const name = /^(\S+ \S+) (\d{1,10}) (\d{1,20})$/

/** `ann@laptop`. */
const identity = (): string => {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch {
    // A user without an entry, as in containers.
    return hostname()
  }
}

/** Without /proc nothing is known, and only the Lease decides. */
export const thisProcess: Effect.Effect<HolderProcess> = Effect.promise(async () => {
  const [here, start] = [await place(), await startOf("self")]
  return {
    identity: identity(),
    self: here === null || start === null ? null : `${here} ${process.pid} ${start}`,
    isGone: (other) =>
      Effect.promise(async () => {
        const [, where, pid, started] = name.exec(other) ?? []
        if (here === null || where !== here || pid === undefined) return false
        return (await startOf(pid)) !== started
      })
  }
})
