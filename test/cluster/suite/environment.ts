/** The cluster that is up, known to this process and to all that it starts. */
import { execFileSync } from "node:child_process"
import { open } from "./read.ts"

/** The variables that `npm run cluster -- env` prints, as a shell understands them; the answer ends what was started. */
export const enter = async (): Promise<() => void> => {
  const words = execFileSync(process.execPath, ["test/cluster/bed/main.ts", "env"], { encoding: "utf8" })
  const all = execFileSync("bash", ["-c", 'eval "$1"; env -0', "bash", words], { encoding: "utf8" })
  for (const line of all.split("\0")) {
    const [name = "", ...value] = line.split("=")
    if (/^(PATH|KUBECONFIG|BED(_\w+)?)$/.test(name)) process.env[name] = value.join("=")
  }
  return open()
}
