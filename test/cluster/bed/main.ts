import { existsSync } from "node:fs"
import { parseArgs } from "node:util"
import { buildHelm } from "./build.ts"
import { healApiServer, loseApiServer } from "./control-plane.ts"
import { down } from "./down.ts"
import * as elsewhere from "./elsewhere.ts"
import * as fault from "./fault.ts"
import { auditLog, binaries, csiLog, kubeconfig, ready, root } from "./folder.ts"
import * as kwok from "./kwok.ts"
import { lock } from "./lock.ts"
import { agree } from "./machine.ts"
import { phase, say } from "./progress.ts"
import { status } from "./status.ts"
import { snapshotRate } from "./storage.ts"
import * as policies from "./policies.ts"
import { bed } from "./topology.ts"
import { prepare, up } from "./up.ts"

const usage = `usage: npm run cluster -- VERB

  up [--kwok]                  start the cluster, or see that it is up
  down                         end it and remove every trace
  status                       what runs; exit 1 unless it is up
  env                          shell lines: KUBECONFIG, PATH and where the logs are
  build                        compile and make images, start nothing
  lose node|zone|link NAME     power cut of a node or a zone; cut cable of a node
  heal node|zone|link NAME     bring it back, and wait until it is ready
  lose|heal apiserver          SIGKILL of the API server; start it again
  snapshot-rate [--qps N]      snapshot controller and side-car anew, with N requests a second (50)
  policies on|off              enforce NetworkPolicies, or not, which is the default
  kwok [--nodes N]             N fake nodes whose pods become ready without running

BED            number of the cluster, 1 to 9: a second one stands beside the first (${bed.number})
BED_DIR        folder of the running cluster (${root})
BED_KUBECONFIG use that cluster instead of starting one`

type Variables = ReadonlyArray<readonly [name: string, value: string]>

const environment: Variables = [
  ["KUBECONFIG", kubeconfig],
  ["BED", String(bed.number)],
  ["BED_DIR", root],
  ["BED_AUDIT_LOG", auditLog],
  ["BED_CSI_LOG", csiLog],
  ["BED_PARTS", "1"]
]

const quoted = (value: string): string => `'${value.replaceAll("'", "'\\''")}'`

const print = (variables: Variables): void => {
  for (const [name, value] of variables) console.log(`export ${name}=${quoted(value)}`)
}

const printEnvironment = (): void => {
  if (!existsSync(ready)) throw new Error("the cluster is not up; start it with: npm run cluster -- up")
  print(environment)
  console.log(`export PATH=${quoted(binaries)}:"$PATH"`)
}

const fakeNodes = async (count: number): Promise<void> => {
  kwok.begin()
  await phase(`${count} fake nodes`, () => kwok.nodes(count))
  if (count === 0) await kwok.stop()
}

const kinds = ["node", "zone", "link"]

const main = async (args: ReadonlyArray<string>): Promise<void> => {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      kwok: { type: "boolean" },
      nodes: { type: "string", default: "10" },
      qps: { type: "string", default: "50" },
      help: { type: "boolean", short: "h" }
    }
  })
  const [verb = "help", kind = "", name = ""] = positionals
  if (values.help || verb === "help") return console.log(usage)
  if (elsewhere.kubeconfig !== undefined) {
    if (verb === "env") return print(await elsewhere.environment(elsewhere.kubeconfig))
    if (verb === "up" || verb === "status") return elsewhere.up(elsewhere.kubeconfig)
    if (verb === "down") return say("the cluster of BED_KUBECONFIG is not the bed's, and is left as it is")
    throw new Error(`${verb} works on the bed only; unset BED_KUBECONFIG`)
  }
  agree()
  if (verb === "env") return printEnvironment()
  if (verb === "status") return status()
  await lock(bed.name)
  switch (verb) {
    case "up":
      await up()
      return values.kwok ? fakeNodes(Number(values.nodes)) : undefined
    case "down":
      return phase("down", down)
    case "build":
      await prepare()
      await policies.prepare()
      await buildHelm()
      return
    case "snapshot-rate":
      return phase(`snapshots at ${values.qps} requests a second`, () => snapshotRate(Number(values.qps)))
    case "policies":
      if (kind !== "on" && kind !== "off") throw new Error("policies what? on, off")
      return kind === "on"
        ? phase("NetworkPolicies enforced", policies.on)
        : phase("NetworkPolicies not enforced", policies.off)
    case "kwok":
      return fakeNodes(Number(values.nodes))
    case "lose":
    case "heal":
      if (kind === "apiserver") {
        return verb === "lose"
          ? phase("API server off", loseApiServer)
          : phase("API server on and ready", healApiServer)
      }
      if (!kinds.includes(kind) || name === "") throw new Error(`${verb} what? ${kinds.join(" NAME, ")} NAME`)
      return verb === "lose" ? fault.lose(kind, name) : fault.restore(kind, name)
    default:
      throw new Error(`there is no verb "${verb}"\n${usage}`)
  }
}

process.stdout.on("error", () => {}) // a reader such as head may leave early

try {
  await main(process.argv.slice(2))
} catch (cause) {
  console.error(`error: ${cause instanceof Error ? cause.message : String(cause)}`)
  process.exitCode = 1
}
