/** The test bed for a benchmark: up, and known to this process as to the suites. */
import { execFileSync } from "node:child_process"
import { bed } from "../cluster/suite/commands.ts"

export const environment = (): void => {
  bed("up")
  const text = execFileSync(process.execPath, ["test/cluster/bed/main.ts", "env"], { encoding: "utf8" })
  const lines = execFileSync("bash", ["-c", 'eval "$1"; env -0', "bash", text], { encoding: "utf8" })
  for (const line of lines.split("\0")) {
    const [name = "", ...value] = line.split("=")
    if (/^(PATH|KUBECONFIG|BED_\w+)$/.test(name)) process.env[name] = value.join("=")
  }
}
