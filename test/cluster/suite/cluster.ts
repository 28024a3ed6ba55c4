/**
 * Brings the cluster up before the suites and tells them where it is.
 *
 * A cluster that was up before is left up; one that the suites brought up is taken down again.
 */
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { from } from "../../../packages/kubectl-stateful/bundle.ts"
import { here } from "../../shipped.ts"
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

/** A bundle, since each suite would spend seconds on the plugin's sources. */
const buildHere = async (): Promise<void> => {
  const bundle = await rolldown(from(join(import.meta.dirname, "here.ts")))
  await bundle.write({ dir: here(), format: "esm" })
  await bundle.close()
}

export default async function setup(): Promise<() => void> {
  const wasUp = isUp()
  if (!wasUp) bed("up")
  await buildHere()
  const leave = await enter()
  return () => {
    leave()
    if (!wasUp) bed("down")
  }
}
