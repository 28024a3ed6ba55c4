import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as cgroup from "./cgroup.ts";
import * as kube from "./node.ts";
import * as mounts from "./mounts.ts";
import * as network from "./network.ts";
import * as runtime from "./runtime.ts";
import * as storage from "./storage.ts";
import { phase } from "./progress.ts";
import { named } from "./topology.ts";
import type { Node } from "./topology.ts";

const tasks = (node: Node): string => join(runtime.volatile(node), "io.containerd.runtime.v2.task", "k8s.io");

/** Containers have a bundle before they have processes, so none is missed. */
const containers = (node: Node): ReadonlyArray<string> =>
  existsSync(tasks(node)) ? readdirSync(tasks(node)) : [];

/** A shim listens outside the node's folder, at a place that its bundle names. */
const removeSockets = (node: Node): void => {
  for (const id of containers(node)) {
    const file = join(tasks(node), id, "bootstrap.json");
    if (!existsSync(file)) continue;
    const { address } = JSON.parse(readFileSync(file, "utf8")) as { address?: string };
    if (address?.startsWith("unix://")) rmSync(address.slice("unix://".length), { force: true });
  }
};

/** Cuts the power: no process of the node gets to say goodbye, unwritten data is lost, the disk stays. */
export const cut = async (node: Node): Promise<void> => {
  // In two steps: containerd, while it lives, would clean up after its containers.
  await mounts.thaw(node.folder);
  await cgroup.end([join(cgroup.bed, node.name)]);
  await cgroup.end(containers(node).map(cgroup.container));
  removeSockets(node);
  await mounts.forget(node.folder);
  await mounts.unmount(node.folder);
  mounts.remove(runtime.volatile(node));
};

export const boot = async (node: Node): Promise<void> => {
  await runtime.begin(node);
  storage.serve(node);
  kube.begin(node);
};

const heal = async (node: Node): Promise<void> => {
  if (cgroup.pids(join(cgroup.bed, node.name)).length === 0) await boot(node);
  await kube.becomesReady(node);
  await storage.registered(node);
};

const each = async (nodes: ReadonlyArray<Node>, words: string, act: (node: Node) => Promise<void>): Promise<void> => {
  await Promise.all(nodes.map((node) => phase(`${node.name} ${words}`, () => act(node))));
};

/** `lose node|zone NAME` is a power cut, `lose link NAME` a cut cable: behind it, all goes on. */
export const lose = (kind: string, name: string): Promise<void> =>
  kind === "link"
    ? each(named(kind, name), "unplugged", (node) => network.cable(node, "down"))
    : each(named(kind, name), "off", cut);

export const restore = (kind: string, name: string): Promise<void> =>
  kind === "link"
    ? each(named(kind, name), "plugged in and ready", async (node) => {
        await network.cable(node, "up");
        await kube.becomesReady(node);
      })
    : each(named(kind, name), "on and ready", heal);
