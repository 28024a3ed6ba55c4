import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs"
import { run } from "./process.ts"
import { bed, hostAddress, type Node, nodeRange, nodes, serviceRange } from "./topology.ts"

const { bridge } = bed

/** Runs `ip` commands in one process. */
const ip = (lines: ReadonlyArray<string>, netns?: string): Promise<string> =>
  run("ip", [...(netns === undefined ? [] : ["-n", netns]), "-batch", "-"], {
    input: `${lines.join("\n")}\n`
  })

const inside = (node: Node, command: string, ...args: ReadonlyArray<string>): Promise<string> =>
  run("nsenter", [`--net=/run/netns/${node.netns}`, command, ...args])

/** A node's own network: a cable to the host's bridge, ways to the other nodes' pods, and none out. */
const plug = async (node: Node): Promise<void> => {
  const far = `${node.link}-in`
  await ip([
    `netns add ${node.netns}`,
    `link add ${node.link} type veth peer name ${far}`,
    `link set ${far} netns ${node.netns}`,
    `link set ${node.link} master ${bridge} up`,
    `route add ${node.podRange} via ${node.address}`
  ])
  await ip(
    [
      "link set lo up",
      `link set ${far} name eth0`,
      `addr add ${node.address}/${nodeRange} dev eth0`,
      "link set eth0 up",
      `route add ${serviceRange} dev eth0`,
      ...nodes
        .filter((other) => other !== node)
        .map((other) => `route add ${other.podRange} via ${other.address}`)
    ],
    node.netns
  )
  await inside(node, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
}

export const up = async (): Promise<void> => {
  await ip([
    `link add ${bridge} type bridge`,
    `addr add ${hostAddress}/${nodeRange} dev ${bridge}`,
    `link set ${bridge} up`
  ])
  for (const node of nodes) await plug(node)
}

/** Cuts or mends a node's cable; the node itself lives on. */
export const cable = async (node: Node, state: "down" | "up"): Promise<void> => {
  await run("ip", ["link", "set", node.link, state])
}

export const plugged = (node: Node): boolean => {
  const file = `/sys/class/net/${node.link}/operstate`
  return existsSync(file) && readFileSync(file, "utf8").trim() === "up"
}

const left = (): ReadonlyArray<readonly [name: string, exists: string, args: ReadonlyArray<string>]> => [
  ...nodes.map((node) => [node.netns, `/run/netns/${node.netns}`, ["netns", "delete", node.netns]] as const),
  ...[...nodes.map((node) => node.link), bridge].map(
    (name) => [name, `/sys/class/net/${name}`, ["link", "delete", name]] as const
  )
]

/** Routes go with the bridge, and a cable with its namespace, unless the crash came before it got there. */
export const down = async (): Promise<void> => {
  for (const [, exists, args] of left()) {
    if (existsSync(exists))
      await run("ip", args).catch((cause: unknown) => {
        if (existsSync(exists)) throw cause // a namespace takes its cable along a moment later
      })
  }
  // The first `ip netns add` makes the folder and mounts it onto itself.
  if (existsSync("/run/netns") && readdirSync("/run/netns").length === 0) {
    await run("umount", ["/run/netns"]).catch(() => {})
    rmdirSync("/run/netns")
  }
}

export const remains = (): ReadonlyArray<string> =>
  left()
    .filter(([, exists]) => existsSync(exists))
    .map(([name]) => name)
