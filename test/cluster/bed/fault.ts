import { join } from "node:path"
import * as cgroup from "./cgroup.ts"
import * as container from "./container.ts"
import * as kube from "./node.ts"
import * as mounts from "./mounts.ts"
import * as network from "./network.ts"
import * as runtime from "./runtime.ts"
import * as storage from "./storage.ts"
import { end } from "./process.ts"
import { phase } from "./progress.ts"
import { named, type Node } from "./topology.ts"

/** Cuts the power: no process of the node gets to say goodbye, unwritten data is lost, the disk stays. */
export const cut = async (node: Node): Promise<void> => {
  await mounts.thaw(node.folder)
  // Without the kubelet nothing new begins, and the list of containers is the last.
  await end([`${node.name}/kubelet`])
  const containers = container.known(node)
  await end([node.name])
  await container.end(node, containers)
  await mounts.forget(node.folder)
  await mounts.unmount(node.folder)
  mounts.remove(runtime.volatile(node))
}

export const boot = async (node: Node): Promise<void> => {
  await runtime.begin(node)
  storage.serve(node)
  kube.begin(node)
}

const heal = async (node: Node): Promise<void> => {
  if (cgroup.pids(join(cgroup.bed, node.name)).length === 0) await boot(node)
  await kube.becomesReady(node)
  await storage.registered(node)
}

const each = async (
  nodes: ReadonlyArray<Node>,
  words: string,
  act: (node: Node) => Promise<void>
): Promise<void> => {
  await Promise.all(nodes.map((node) => phase(`${node.name} ${words}`, () => act(node))))
}

/** `lose node|zone NAME` is a power cut, `lose link NAME` a cut cable: behind it, all goes on. */
export const lose = (kind: string, name: string): Promise<void> =>
  kind === "link"
    ? each(named(kind, name), "unplugged", (node) => network.cable(node, "down"))
    : each(named(kind, name), "off", cut)

export const restore = (kind: string, name: string): Promise<void> =>
  kind === "link"
    ? each(named(kind, name), "plugged in and ready", async (node) => {
        await network.cable(node, "up")
        await kube.becomesReady(node)
      })
    : each(named(kind, name), "on and ready", heal)
