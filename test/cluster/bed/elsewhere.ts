// Another cluster in place of the bed: kind, a cloud. Suites run there as far as they can.
import { existsSync } from "node:fs"
import { run } from "./process.ts"
import { say } from "./progress.ts"
import { driverName } from "./storage.ts"

export const kubeconfig = process.env["BED_KUBECONFIG"]

export const up = async (file: string): Promise<void> => {
  if (!existsSync(file)) throw new Error(`BED_KUBECONFIG: there is no file ${file}`)
  const ask = (...args: ReadonlyArray<string>): Promise<string> =>
    run("kubectl", ["--kubeconfig", file, "--request-timeout=10s", ...args])
  const { gitVersion } = (
    JSON.parse(await ask("version", "-o", "json")) as { serverVersion: { gitVersion: string } }
  ).serverVersion
  const classes = (await ask("get", "storageclasses", "-o", "name")).trim().split("\n").filter(Boolean)
  say(`the cluster of ${file} answers: Kubernetes ${gitVersion}, ${classes.length} storage classes`)
  say("left out there: loss of nodes, zones and links; faults of storage; counts of requests; fake nodes")
}

/** Its images and its storage are those of a bed as well if the driver is there. */
export const environment = async (
  file: string
): Promise<ReadonlyArray<readonly [name: string, value: string]>> => {
  const drivers = await run("kubectl", ["--kubeconfig", file, "get", "csidrivers", "-o", "name"])
  const isAnotherBed = drivers.split("\n").includes(`csidriver.storage.k8s.io/${driverName}`)
  return [["KUBECONFIG", file], ...(isAnotherBed ? ([["BED_PARTS", "1"]] as const) : [])]
}
