/** The real Helm on a cluster, beside the plugin: both as a person starts them. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { assert } from "vitest"
import { program } from "../../shipped.ts"
import { kubectl as kubectlPath } from "../suite/kubectl.ts"

const chart = fileURLToPath(new URL("fixtures/db", import.meta.url))

export interface Ended {
  readonly code: unknown
  readonly out: string
  readonly err: string
}

export interface Tools {
  /** Helm's words after its verb and the release's name; the chart is added where it belongs. */
  readonly helm: (verb: string, ...args: ReadonlyArray<string>) => Promise<Ended>
  readonly stateful: (...args: ReadonlyArray<string>) => Promise<Ended>
  /** Fails with what kubectl said. */
  readonly kubectl: (...args: ReadonlyArray<string>) => Promise<string>
  /** What the StatefulSet asks for. */
  readonly replicas: () => Promise<string>
}

/** The tools for one release, `db`, in a namespace. */
export const tools = (
  helmPath: string,
  { namespace, env }: { readonly namespace: string; readonly env: Readonly<Record<string, string>> }
): Tools => {
  const run = async (command: string, args: ReadonlyArray<string>): Promise<Ended> => {
    const child = spawn(command, [...args, "-n", namespace], {
      env: { PATH: process.env["PATH"], COLUMNS: "80", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 100_000
    })
    let [out, err] = ["", ""]
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
    const [code] = await once(child, "close")
    return { code, out, err }
  }
  const kubectl: Tools["kubectl"] = async (...args) => {
    const ended = await run(kubectlPath, args)
    assert.strictEqual(ended.code, 0, `kubectl ${args.join(" ")}: ${ended.err}`)
    return ended.out
  }
  return {
    helm: (verb, ...args) =>
      run(helmPath, [verb, "db", ...(["install", "upgrade"].includes(verb) ? [chart] : []), ...args]),
    stateful: (...args) => run(process.execPath, [program(), ...args]),
    kubectl,
    replicas: () => kubectl("get", "statefulset", "db", "-o", "jsonpath={.spec.replicas}")
  }
}

/** That it succeeded; its output. */
export const ok = (ended: Ended): string => {
  assert.strictEqual(ended.code, 0, `${ended.out}${ended.err}`)
  return ended.out
}
