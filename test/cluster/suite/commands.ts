/** kubectl and the plugin as a person runs them: real binaries, real exit codes. */
import { execFile, execFileSync } from "node:child_process"
import { bin, cache } from "../../shipped.ts"

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Every word that the plugin ever printed in these suites, for those who look for what must not be there. */
export const printed: Array<string> = []

/** No command of a suite takes longer; one that does is named, where a test's own limit would name none. */
export const longest = 200_000

const run = (
  args: ReadonlyArray<string>,
  options: { readonly input?: string; readonly env?: Record<string, string> }
): Promise<Ran> =>
  new Promise((resolve) => {
    const child = execFile(
      "kubectl",
      [...args],
      {
        encoding: "utf8",
        maxBuffer: 1 << 28,
        timeout: longest,
        env: {
          ...process.env,
          ...cache(),
          PATH: `${bin()}:${process.env["PATH"]}`,
          // It ends before its garbage matters, of which it would spend a fifth of its time.
          GOGC: "off",
          COLUMNS: "80",
          ...options.env
        }
      },
      (error, out, err) =>
        resolve({
          code: error === null ? 0 : Number(error.code ?? 1),
          out,
          err: error?.killed ? `${err}kubectl ${args.join(" ")} has not ended in ${longest / 1000} s` : err
        })
    )
    // One that has ended before it read anything tells why with its code.
    child.stdin?.on("error", () => {})
    child.stdin?.end(options.input ?? "")
  })

/** Runs kubectl; anything but success is the test's failure. */
export const kubectl = async (args: ReadonlyArray<string>, input?: string): Promise<string> => {
  const ran = await run(args, input === undefined ? {} : { input })
  if (ran.code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${ran.err}`)
  return ran.out
}

/** `kubectl stateful …` through kubectl's own dispatch. */
export const stateful = async (
  args: ReadonlyArray<string>,
  env: Record<string, string> = {}
): Promise<Ran> => {
  const ran = await run(["stateful", ...args], { env })
  printed.push(ran.out, ran.err)
  return ran
}

/** A namespace of the suite's own, empty at its start and gone after its end. */
export const namespace = (name: string) => ({
  name,
  create: async () => {
    await kubectl(["delete", "namespace", name, "--ignore-not-found", "--wait=true", "--timeout=120s"])
    await kubectl(["create", "namespace", name])
  },
  remove: () => kubectl(["delete", "namespace", name, "--ignore-not-found", "--wait=false"])
})

/** `npm run cluster -- VERB …`. */
export const bed = (...args: ReadonlyArray<string>): void => {
  execFileSync(process.execPath, ["test/cluster/bed/main.ts", ...args], {
    stdio: ["ignore", "inherit", "inherit"]
  })
}

/** True where the images and the storage of the bed are: on it, and on another bed. */
export const hasParts = () => process.env["BED_PARTS"] !== undefined

/** False on a cluster that is not the bed: no node is lost there, no audit log read. */
export const isBed = () => process.env["BED_AUDIT_LOG"] !== undefined
