/**
 * Brings the cluster up before the suites and tells them where it is.
 *
 * A cluster that was up before is left up; one that the suites brought up is taken down again.
 */
import { execFileSync } from "node:child_process"

const bed = (verb: string, output: "inherit" | "pipe" = "inherit"): string =>
  execFileSync(process.execPath, ["test/cluster/bed/main.ts", verb], {
    stdio: ["ignore", output, "inherit"],
    encoding: "utf8"
  })

const isUp = (): boolean => {
  try {
    bed("status", "pipe")
    return true
  } catch {
    return false
  }
}

/** The variables that `env` prints, as a shell understands them. */
const environment = (): ReadonlyArray<readonly [string, string]> =>
  execFileSync("bash", ["-c", 'eval "$1"; env -0', "bash", bed("env", "pipe")], { encoding: "utf8" })
    .split("\0")
    .flatMap((line): ReadonlyArray<readonly [string, string]> => {
      const [name = "", ...value] = line.split("=")
      return /^(PATH|KUBECONFIG|BED_\w+)$/.test(name) ? [[name, value.join("=")]] : []
    })

export default function setup(): () => void {
  const wasUp = isUp()
  if (!wasUp) bed("up")
  for (const [name, value] of environment()) process.env[name] = value
  return () => {
    if (!wasUp) bed("down")
  }
}
