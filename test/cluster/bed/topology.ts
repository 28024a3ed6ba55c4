// Every name, address and path that a bed has on this machine, derived from its number: two beds share none.
import { join } from "node:path"

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

export interface Bed {
  readonly number: number
  /** Its cgroup, the lock of its verbs, and the last part of its folder. */
  readonly name: string
  /** Everything the running cluster writes lies below this folder. */
  readonly root: string
  /** Says where the root is, as long as there is one. */
  readonly place: string
  /** Of its context in a kubeconfig, and what names of its networks begin with. */
  readonly short: string
  readonly bridge: string
  readonly hostAddress: string
  /** Addresses of the host and the nodes, with those of their pods. */
  readonly network: string
  readonly podRanges: string
  readonly fakePodRange: string
  readonly serviceRange: string
  readonly apiService: string
  /** The API server takes the first free port from here. */
  readonly apiPort: number
  readonly nodes: ReadonlyArray<Node>
}

export const numbers = [1, 2, 3, 4, 5, 6, 7, 8, 9]

export const nodeRange = 24

/** The first bed has the plain names; another's have its number. */
export const layout = (number: number, folder?: string): Bed => {
  const mark = number === 1 ? "" : String(number)
  const short = `bed${mark}`
  const name = mark === "" ? "kubectl-stateful-bed" : `kubectl-stateful-bed-${mark}`
  const root = folder ?? `/var/lib/${name}`
  const [hosts, pods, services] = [198 + 2 * number, 199 + 2 * number, 95 + number]

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
    address: `10.${hosts}.0.${10 + index}`,
    podRange: `10.${pods}.${index}.0/24`,
    instanceType,
    extended,
    netns: `${short}-node-${letter}`,
    link: `${short}-${letter}`,
    folder: join(root, `node-${letter}`)
  })

  return {
    number,
    name,
    root,
    place: `/run/${name}`,
    short,
    bridge: `${short}0`,
    hostAddress: `10.${hosts}.0.1`,
    network: `10.${hosts}.0.0/15`,
    podRanges: `10.${pods}.0.0/16`,
    fakePodRange: `10.${251 - number}.0.0/16`,
    serviceRange: `10.${services}.0.0/16`,
    apiService: `10.${services}.0.1`,
    apiPort: 6343 + 100 * number,
    nodes: [
      node(1, "a", "r1", "bed.small", {}),
      node(2, "b", "r1", "bed.large", { "example.com/fast-disk": "2" }),
      node(3, "c", "r2", "bed.small", {})
    ]
  }
}

/** The bed that BED chooses. */
export const bed = layout(Number(process.env["BED"] ?? 1), process.env["BED_DIR"])

export const { hostAddress, podRanges, serviceRange, apiService, nodes } = bed

/** The other beds that this machine could bear. */
export const others: ReadonlyArray<Bed> = numbers
  .filter((number) => number !== bed.number)
  .map((number) => layout(number))

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
