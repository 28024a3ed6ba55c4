import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import * as build from "./build.ts"
import * as control from "./control-plane.ts"
import * as debian from "./debian.ts"
import * as dns from "./dns.ts"
import { down, remains } from "./down.ts"
import { below, ready, root } from "./folder.ts"
import * as images from "./images.ts"
import { remember } from "./machine.ts"
import * as network from "./network.ts"
import * as node from "./node.ts"
import { alive, lastWords, run } from "./process.ts"
import { phase, say } from "./progress.ts"
import * as runtime from "./runtime.ts"
import * as storage from "./storage.ts"
import { nodes } from "./topology.ts"

/** What every cluster needs alive, whichever nodes a test has lost. */
const core = [...control.units, "dns", ...storage.units.filter((name) => !name.includes("/"))]

export const dead = (): ReadonlyArray<string> => core.filter((name) => !alive(name))

export const prepare = async (): Promise<void> => {
  await debian.install()
  await build.build()
  await images.build()
}

const controlPlane = async (): Promise<void> => {
  await phase("API server", control.up)
  dns.begin()
  storage.control()
  const work = [phase("snapshot API", storage.snapshots), storage.classes()]
  await Promise.all(work)
}

const runtimes = async (): Promise<void> => {
  await phase("network", network.up)
  await Promise.all(nodes.map((each) => runtime.begin(each)))
  await phase("images", async () => {
    await Promise.all(nodes.map((each) => runtime.load(each)))
  })
}

const joinNodes = async (): Promise<void> => {
  for (const each of nodes) {
    storage.serve(each)
    node.begin(each)
  }
  await Promise.all(nodes.map((each) => node.becomesReady(each)))
  await Promise.all(nodes.map((each) => storage.registered(each)))
}

/** A daemon that cannot start takes everything that waits for it along; its own words say why. */
const explain = (cause: unknown): Error => {
  const words = dead().map((name) => `\n  ${name} is not running: ${lastWords(name)}`)
  return new Error(`${cause instanceof Error ? cause.message : String(cause)}${words.join("")}`)
}

export const up = async (): Promise<void> => {
  if (existsSync(ready) && dead().length === 0) {
    const renew = build.outdated() ? ", with binaries of other sources; `down` and `up` renew it" : ""
    return say(`the cluster is up already${renew}`)
  }
  if (root.length > 38) throw new Error(`BED_DIR is too long for the sockets below it: ${root}`)
  await prepare()
  if (remains().length > 0) await phase("removal of what a crash left", down)
  await remember()
  build.link()
  mkdirSync(below("log"), { recursive: true })
  try {
    // Volumes mounted by one node must be seen by the driver, which looks from the host.
    await run("mount", ["--make-rshared", "/"])
    await storage.pool()
    await Promise.all([controlPlane(), runtimes()])
    await phase("nodes", joinNodes)
  } catch (cause) {
    throw explain(cause)
  }
  writeFileSync(ready, new Date().toISOString())
  say(`the cluster is up; try: eval "$(npm run --silent cluster -- env)"; kubectl get nodes`)
}
