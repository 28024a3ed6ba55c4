/**
 * Brings the cluster up before the suites and tells them where it is.
 *
 * A cluster that was up before is left up; one that the suites brought up is taken down again.
 */
import { execFileSync } from "node:child_process"
import { bed } from "./commands.ts"
import { enter } from "./environment.ts"

const isUp = (): boolean => {
  try {
    execFileSync(process.execPath, ["test/cluster/bed/main.ts", "status"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

export default async function setup(): Promise<() => void> {
  const wasUp = isUp()
  if (!wasUp) bed("up")
  const leave = await enter()
  return () => {
    leave()
    if (!wasUp) bed("down")
  }
}
