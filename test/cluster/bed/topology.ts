import { below } from "./folder.ts"

export interface Node {
  readonly name: string
  readonly zone: string
  readonly rack: string
  readonly address: string
  readonly podRange: string
  readonly instanceType: string
  readonly extended: Readonly<Record<string, string>>
  readonly netns: string
  /** The host's end of the node's cable. */
  readonly link: string
  readonly folder: string
}

export const hostAddress = "10.200.0.1"
export const nodeRange = 24
export const podRanges = "10.201.0.0/16"
export const serviceRange = "10.96.0.0/16"
export const apiService = "10.96.0.1"

const node = (
  index: number,
  letter: string,
  rack: string,
  instanceType: string,
  extended: Readonly<Record<string, string>>
): Node => ({
  name: `node-${letter}`,
  zone: letter,
  rack,
  address: `10.200.0.${10 + index}`,
  podRange: `10.201.${index}.0/24`,
  instanceType,
  extended,
  netns: `bed-node-${letter}`,
  link: `bed-${letter}`,
  folder: below(`node-${letter}`)
})

export const nodes: ReadonlyArray<Node> = [
  node(1, "a", "r1", "bed.small", {}),
  node(2, "b", "r1", "bed.large", { "example.com/fast-disk": "2" }),
  node(3, "c", "r2", "bed.small", {})
]

export const labels = (node: Node): Readonly<Record<string, string>> => ({
  "topology.kubernetes.io/region": "local",
  "topology.kubernetes.io/zone": node.zone,
  "topology.kubectl-stateful.dev/rack": node.rack,
  "node.kubernetes.io/instance-type": node.instanceType
})

/** The nodes a name on the command line stands for: of a node, or of a whole zone. */
export const named = (kind: string, name: string): ReadonlyArray<Node> => {
  const found = nodes.filter((node) => (kind === "zone" ? node.zone : node.name) === name)
  if (found.length === 0) throw new Error(`there is no ${kind} "${name}"`)
  return found
}
