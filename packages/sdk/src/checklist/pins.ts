/** Constraints on where a replica can run: if that place is lost, the replica stays down. */
import type { Node } from "../Placement.ts"
import type { AppState } from "../state/AppState.ts"
import { nodeGone, nodeNamed, placementOf } from "./parts.ts"
import { dataFirst } from "./leaving.ts"
import {
  askedOf,
  type Held,
  held,
  loose,
  narrow,
  oneNode,
  onOneNode,
  openTo,
  type Pin,
  stranded
} from "./otherNodes.ts"
import { heldBy } from "./spread.ts"
import {
  everyDisruption,
  type Facts,
  forGood,
  no,
  offServer,
  rule,
  type Rule,
  type Evidence,
  yes
} from "./rule.ts"
import { kubectlCluster, names, title, verb } from "./words.ts"

/** `data-db-2 exists only on node-c`; several together. */
export const aloneWords = (volumes: ReturnType<typeof onOneNode>): string => {
  const [volume] = volumes
  if (volume !== undefined && volumes.length === 1) {
    return `${volume.name} exists only on ${volume.node ?? "one node"}`
  }
  return `${names(volumes.map((one) => one.name))} exist on one node each`
}

export const volumeObjects = (
  state: AppState,
  volumes: ReturnType<typeof onOneNode>
): ReadonlyArray<string> => {
  const claims = new Set(state.claims.map(({ name }) => name))
  return volumes.map((volume) =>
    claims.has(volume.name) ? `PersistentVolumeClaim/${volume.name}` : `Pod/${volume.replica ?? volume.name}`
  )
}

const volumeOnOneNode = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const volumes = onOneNode(state)
  const [gone = [], there = []] = [true, false].map((isGone) =>
    volumes.filter(({ node }) => nodeGone(state, node) === isGone)
  )
  const lost = gone.map((volume): Evidence => ({
    ...no(
      `${volume.name} exists only on ${volume.node}, which is gone from the cluster: its pod cannot start`,
      volumeObjects(state, [volume]),
      `bring ${volume.node} back with its disk; otherwise the data is lost`
    ),
    disruptions: everyDisruption
  }))
  const astray = [...Map.groupBy(loose(state), ({ name }) => name).values()].flatMap((same) =>
    same.slice(0, 1)
  )
  return [
    ...lost,
    ...(astray.length === 0
      ? []
      : [
          {
            ...no(
              `${names(astray.map(({ name }) => name))} ${verb(astray, "is", "are")} on a local disk but ${verb(astray, "has", "have")} no nodeAffinity: pods may start elsewhere, without their data`,
              volumeObjects(state, astray),
              "create volumes whose nodeAffinity names the node, or whose StorageClass any node can attach"
            ),
            disruptions: everyDisruption
          }
        ]),
    ...(there.length === 0
      ? []
      : [
          no(
            `${aloneWords(there)}: ${verb(there, "its", "their")} data is lost with it`,
            volumeObjects(state, there),
            "move the data to a StorageClass whose volumes can be attached on any node"
          )
        ])
  ]
}

const placeKeys = { zone: /zone$/, rack: /rack$/ } as const

const volumeWithoutSpare = ({ state }: Facts): ReadonlyArray<Evidence> =>
  narrow(state, (pin) => pin.by === "volume" && !oneNode(pin)).map(({ one, pin }) => {
    const place = pin.domain === "zone" || pin.domain === "rack" ? pin.domain : null
    const asked = place === null ? null : askedOf(state, pin.name, placeKeys[place])
    const is = place === null ? null : nodeNamed(state, one.node ?? pin.nodes?.[0] ?? null)?.[place]
    // Where a pod without a volume of its own happens to be tells nothing of a place without nodes.
    const where = (pin.nodes?.length === 0 ? null : is) ?? asked
    const objects = [`PersistentVolumeClaim/${pin.name}`, `Pod/${one.replica}`]
    const remedy =
      dataFirst(state, [one.replica]) ??
      (where === null ? "add a node that can attach the volume" : `add a node in ${place} ${where}`)
    if (pin.nodes?.length === 0) {
      // Its pod starts nowhere, whatever else is lost or comes back.
      const said = no(
        where === null
          ? `no node can attach ${pin.name}`
          : `${pin.name} can only be attached in ${place} ${where}, which has no node`,
        objects,
        remedy
      )
      return { ...said, disruptions: everyDisruption }
    }
    return no(
      where === null
        ? `${pin.name} can only be attached on its nodes, and no other one of them is usable`
        : `${pin.name} is bound to ${place} ${where}, which has no other usable node`,
      objects,
      remedy
    )
  })

const onlyNodeFits =
  (
    by: ReadonlyArray<Pin["by"]>,
    what: (pin: Pin) => string,
    remedy: (pin: Pin, node: Node | undefined) => string
  ) =>
  ({ state }: Facts): ReadonlyArray<Evidence> =>
    [
      ...Map.groupBy(
        narrow(state, (pin) => by.includes(pin.by)),
        ({ pin }) => `${pin.by} ${pin.name}`
      ).values()
    ].flatMap((same) => {
      const [first] = same
      if (first === undefined) return []
      const replicas = same.map(({ one }) => one.replica)
      const node = first.one.node ?? first.pin.nodes?.[0]
      // What was asked for since it started may leave it its server until it is taken off.
      const fits = node !== undefined && first.pin.nodes?.includes(node) !== false
      const said = no(
        fits
          ? `only ${node} ${what(first.pin)} for ${names(replicas)}`
          : `no usable node ${what(first.pin)} for ${names(replicas)}`,
        [...replicas.map((replica) => `Pod/${replica}`), ...(fits ? [`Node/${node}`] : [])],
        dataFirst(state, replicas) ?? remedy(first.pin, nodeNamed(state, fits ? node : null))
      )
      return [
        fits
          ? said
          : { ...said, disruptions: same.some(({ one }) => one.node === null) ? everyDisruption : offServer }
      ]
    })

/** Labels that say what a node is: they come with it, and on another one they would be a lie. */
const identity =
  /^([\w.-]+\.)?(kubernetes|k8s)\.io\/|^[\w.-]*(amazonaws\.com|azure\.com|google\.com|aws|gke|karpenter\.sh)\/|(^|[/._-])(zone|region|rack|hostname|host|arch|os|instance|node)([._-]|$)/i

/** A reserved domain whose labels have no meaning in the API: administrators set them freely. */
const given = /^node-restriction\.kubernetes\.io\//

const hostname = "kubernetes.io/hostname"

const placeNamed: Readonly<Record<string, string>> = {
  "topology.kubernetes.io/zone": "zone",
  "topology.kubernetes.io/region": "region",
  "failure-domain.beta.kubernetes.io/zone": "zone",
  "failure-domain.beta.kubernetes.io/region": "region"
}

/** How to get another matching node: the hardware of a node cannot be changed with a label. */
const another = ({ by, name }: Pin, node: Node | undefined): string => {
  if (by === "nodeName") return "select nodes by nodeSelector: nodeName bypasses the scheduler"
  const asked = by === "nodeSelector" ? [name.slice(0, name.indexOf("="))] : name.split(", ")
  if (asked.includes(hostname) || asked.includes("metadata.name")) {
    return "select what the node has rather than its name"
  }
  const is = asked.filter((key) => identity.test(key) && !given.test(key))
  if (is.length === 0)
    return `label ${node === undefined ? "a" : "another"} node that qualifies, or relax the requirement`
  const valueOf = (key: string) => (by === "nodeSelector" ? name.slice(key.length + 1) : node?.labels[key])
  const wanted = is.map((key) => {
    const [place, value] = [placeNamed[key], valueOf(key)]
    if (value === undefined) return `with that ${key}`
    return place === undefined ? `with ${key}=${value}` : `in ${place} ${value}`
  })
  return `add a node ${names(wanted)}`
}

/** ` in zone b`, where volumes leave these replicas one zone or rack. */
const sharedPlace = (state: AppState, replicas: ReadonlyArray<string>): string => {
  const places = held(state)
    .filter(({ replica }) => replicas.includes(replica))
    .map(({ node, pins }) => {
      const own = pins.find(({ by, domain }) => by === "volume" && (domain === "zone" || domain === "rack"))
      const domain = own?.domain === "zone" ? "zone" : own?.domain === "rack" ? "rack" : undefined
      const name = domain === undefined ? null : nodeNamed(state, node)?.[domain]
      return domain === undefined || !name ? "" : ` in ${domain} ${name}`
    })
  const [first = ""] = places
  return places.every((place) => place === first) ? first : ""
}

const noOtherNode = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const nodes = state.nodes ?? []
  return [
    ...Map.groupBy(stranded(state), ({ apart }) =>
      apart === null ? "" : `${apart.by} ${apart.key} ${apart.from ?? ""}`
    )
  ].flatMap(([, all]) => {
    const [first] = all
    const replicas = all.map(({ replica }) => replica)
    const objects = replicas.map((replica) => `Pod/${replica}`)
    if (first === undefined) return []
    const { apart } = first
    const before = dataFirst(state, replicas)
    // Elsewhere in that label's terms their volumes cannot be attached.
    const heldThere = apart === null ? [] : heldBy(state, replicas, apart.key)
    return [
      apart === null
        ? no(
            `${names(replicas)} can only run on ${verb(replicas, "its own node", "their own nodes")}`,
            objects,
            before ?? (nodes.length === 1 ? "add a node" : kubectlCluster("get", "nodes", "-o", "wide"))
          )
        : no(
            `no other usable node can run ${names(replicas)}: ${apart.by} ${apart.by.endsWith("y") ? "keeps" : "keep"} ${apart.from === null ? "them apart" : `${verb(replicas, "it", "them")} away from ${apart.from}`}`,
            objects,
            before ??
              (apart.key === hostname
                ? `add a node${sharedPlace(state, replicas)}`
                : heldThere.length > 0
                  ? `relax the ${apart.by} over ${apart.key}, or move the data of ${names(heldThere, "or")} to another one`
                  : `add a node with a ${apart.key} that none of them is in`)
          )
    ]
  })
}

const cordoned = ({ state }: Facts): ReadonlyArray<Evidence> =>
  [
    ...Map.groupBy(
      held(state).filter((one) => nodeNamed(state, one.node)?.unschedulable === true),
      (one) => one.node ?? ""
    )
  ].map(([node, on]) => {
    const free = (one: Held) => openTo(state, one, () => true).some((node) => one.apart(node) === null)
    const stranded = on.filter((one) => !free(one))
    const replicas = (stranded.length === 0 ? on : stranded).map((one) => one.replica)
    const objects = [`Node/${node}`, ...replicas.map((replica) => `Pod/${replica}`)]
    return stranded.length === 0
      ? yes(`${node} is cordoned: ${names(replicas)} would start on another node`, objects)
      : no(
          `${node} is cordoned, and ${names(replicas)} cannot run on any other node`,
          objects,
          kubectlCluster("uncordon", node)
        )
  })

/** Pods that wait for a cordoned node: the only one where their volumes can be attached. */
const waitsForCordoned = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const waiting = state.replicas
    .filter(({ wanted, pod }) => wanted && pod !== null && pod.node === null && pod.deleted === null)
    .flatMap((replica) => {
      const pin = placementOf(state, replica)?.pins.find(
        ({ by, nodes }) =>
          by === "volume" &&
          nodes !== null &&
          nodes.length > 0 &&
          nodes.every((node) => nodeNamed(state, node)?.unschedulable === true)
      )
      return pin?.nodes == null ? [] : [{ replica: replica.name, nodes: pin.nodes }]
    })
  return [...Map.groupBy(waiting, ({ nodes }) => nodes.join(" ")).values()].map((all) => {
    const nodes = all[0]?.nodes ?? []
    const replicas = all.map(({ replica }) => replica)
    return no(
      `${names(nodes)} ${verb(nodes, "is", "are")} cordoned, and ${names(replicas)} can only start there, by ${verb(replicas, "its volume", "their volumes")}`,
      [...nodes.map((node) => `Node/${node}`), ...replicas.map((replica) => `Pod/${replica}`)],
      kubectlCluster("uncordon", ...nodes)
    )
  })
}

/** Nothing runs, so its placement cannot be judged. */
const scaledToZero = ({ state }: Facts): ReadonlyArray<Evidence> =>
  state.workloads
    .filter((workload) => workload.kind === "StatefulSet" && workload.replicas === 0)
    .map((workload) => ({
      answer: "Unknown" as const,
      evidence: `${workload.name} is scaled to 0: cannot tell where its replicas would run`,
      objects: [title(workload)],
      remedy: null
    }))

export const pinRules: ReadonlyArray<Rule> = [
  rule("restart", "volume-on-one-node", volumeOnOneNode, forGood),
  rule("restart", "volume-without-spare-node", volumeWithoutSpare, forGood),
  rule(
    "restart",
    "selector-fits-one-node",
    onlyNodeFits(["nodeName", "nodeSelector", "affinity"], (pin) => `matches ${pin.by} ${pin.name}`, another),
    forGood
  ),
  rule(
    "restart",
    "device-on-one-node",
    onlyNodeFits(
      ["device", "resourceClaim"],
      (pin) => `has ${pin.name}`,
      (pin) => `add a node with ${pin.name}`
    ),
    forGood
  ),
  rule("restart", "no-other-node", noOtherNode, forGood),
  // Who drains, uncordons.
  rule(
    "restart",
    "node-cordoned",
    cordoned,
    everyDisruption.filter((one) => one !== "Drain")
  ),
  rule("restart", "waits-for-cordoned-node", waitsForCordoned),
  rule("restart", "scaled-to-zero", scaledToZero)
]
