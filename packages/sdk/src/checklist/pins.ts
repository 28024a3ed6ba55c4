/** Constraints on where a replica can run: if that place is lost, the replica stays down. */
import type { Claim } from "../Claim.ts"
import type { Node, Placement } from "../Placement.ts"
import type { AppState } from "../state/AppState.ts"
import {
  deployments,
  liveClaims,
  nodeGone,
  nodeNamed,
  placementOf,
  replicasOf,
  statefulSets,
  usable
} from "./parts.ts"
import { inConflict } from "./conflict.ts"
import { dataFirst } from "./leaving.ts"
import { type Apart, keptApart } from "./room.ts"
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

type Pin = Placement["pins"][number]

interface Held {
  readonly replica: string
  readonly node: string | null
  readonly pins: ReadonlyArray<Pin>
  readonly tolerations: ReadonlyArray<string>
  /** The reason that it cannot run on that node next to the pods that are left; by itself only its own node is lost. */
  readonly apart: (node: Node, isLost?: (name: string) => boolean) => Apart | null
}

const held = (state: AppState): ReadonlyArray<Held> => {
  return [...statefulSets(state), ...deployments(state)].flatMap((workload) => {
    const apart = keptApart(state, workload)
    return replicasOf(state, workload).map((replica) => {
      const placement = placementOf(state, replica)
      return {
        replica: replica.name,
        node: replica.pod?.node ?? placement?.node ?? null,
        // What is on a hostPath stays behind, but the pod itself can start elsewhere: data-on-host-path.
        pins: placement?.pins.filter((pin) => pin.by !== "hostPath") ?? [],
        tolerations: workload.template.tolerations,
        apart: (node, isLost) => apart(replica, node, isLost)
      }
    })
  })
}

/** Usable nodes other than its own that a pin allows; `null` if unknown. */
const others = (state: AppState, { node, tolerations }: Held, pin: Pin): ReadonlyArray<string> | null =>
  pin.nodes === null || state.nodes === null
    ? null
    : pin.nodes.filter((name) => {
        const candidate = nodeNamed(state, name)
        return name !== node && candidate !== undefined && usable(candidate, tolerations)
      })

/** The volume is on one node's own disk, whether nodes could be read or not. */
const oneNode = (pin: Pin): boolean =>
  pin.by === "volume" && (pin.domain === "node" || (pin.domain === null && pin.nodes?.length === 1))

const localClaims = (
  state: AppState
): ReadonlyArray<{ readonly name: string; readonly replica: string | null }> =>
  liveClaims(state)
    .filter((claim) => claim.volume?.source === "local" || claim.volume?.source === "hostPath")
    .map((claim) => ({ name: claim.name, replica: claim.usedBy[0] ?? null }))

/** Kubernetes' own, or a driver's. */
const hostKey = /^metadata\.name$|\/(node(-?(name|id))?|hostname)$/

/** The one value that a volume's own affinity asks of a label like this; no node need have it. */
const askedOf = (state: AppState, claim: string, key: RegExp): string | null => {
  const terms = state.claims.find(({ name }) => name === claim)?.volume?.nodeAffinity ?? []
  const asked = terms.length === 1 ? (terms[0] ?? []) : []
  const found = asked.find((one) => one.operator === "In" && one.values.length === 1 && key.test(one.key))
  return found?.values[0] ?? null
}

/** Each volume that is on one node alone: its name, that node, and whose it is. */
export const onOneNode = (
  state: AppState
): ReadonlyArray<{
  readonly name: string
  readonly node: string | null
  readonly replica: string | null
}> => {
  const all = held(state)
  const pinned = all.flatMap(({ replica, node, pins }) =>
    pins.filter(oneNode).map((pin) => ({
      name: pin.name,
      // The volume still requires a node that was deleted.
      node: pin.nodes?.[0] ?? askedOf(state, pin.name, hostKey) ?? node,
      replica
    }))
  )
  const byReplica = Map.groupBy(all, ({ replica }): string | null => replica)
  const local = localClaims(state).map((claim) => ({
    ...claim,
    node: byReplica.get(claim.replica)?.[0]?.node ?? null
  }))
  return [...Map.groupBy([...pinned, ...local], (volume) => volume.name).values()].flatMap((same) =>
    same.slice(0, 1)
  )
}

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

/** A local disk whose volume does not name its node: its pod may start on a node without its data. */
const loose = (state: AppState): ReadonlyArray<ReturnType<typeof onOneNode>[number]> => {
  const disks = new Map<string, Array<Claim>>()
  for (const claim of liveClaims(state))
    if (claim.volume?.source === "hostPath" || claim.volume?.source === "local")
      for (const pod of claim.usedBy) disks.set(pod, [...(disks.get(pod) ?? []), claim])
  if (disks.size === 0) return []
  return held(state).flatMap((one) =>
    (disks.get(one.replica) ?? []).flatMap(({ name, volume }) => {
      const pin = one.pins.find((each) => each.by === "volume" && each.name === name)
      const asks = (volume?.nodeAffinity ?? []).length > 0
      // A local volume has to ask for nodes; a hostPath need not, and is then free of them all.
      const isLoose = asks
        ? pin?.nodes?.length !== 1
        : volume?.source === "hostPath" && volume.nodeAffinity !== null
      if (!isLoose) return []
      const free = asks ? one : { ...one, pins: one.pins.filter((each) => each !== pin) }
      const others = openTo(state, free, (node) => node.name !== one.node)
      return one.node !== null && others.some((node) => one.apart(node) === null)
        ? [{ name, node: one.node, replica: one.replica }]
        : []
    })
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

/** Pins of this kind that leave no other usable node. */
const narrow = (
  state: AppState,
  wanted: (pin: Pin) => boolean
): ReadonlyArray<{ readonly one: Held; readonly pin: Pin }> =>
  held(state).flatMap((one) =>
    one.pins
      .filter((pin) => wanted(pin) && others(state, one, pin)?.length === 0)
      .map((pin) => ({ one, pin }))
  )

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

interface Stranded {
  readonly replica: string
  readonly apart: Apart | null
}

/** Usable nodes that its pins leave a replica, and that fit `isThere`. */
const openTo = (state: AppState, one: Held, isThere: (node: Node) => boolean): ReadonlyArray<Node> =>
  (state.nodes ?? []).filter(
    (node) =>
      isThere(node) &&
      usable(node, one.tolerations) &&
      one.pins.every((pin) => pin.nodes === null || pin.nodes.includes(node.name))
  )

/** A usable node other than its own could take one of these replicas, next to the pods that are there now. */
export const canMove = (state: AppState, replicas: ReadonlyArray<string>): boolean =>
  held(state)
    .filter(({ replica }) => replicas.includes(replica))
    .some((one) =>
      openTo(state, one, ({ name }) => name !== one.node).some((node) => one.apart(node) === null)
    )

/** Replicas of which one thing alone, a pin, tells that they could start nowhere else. */
const pinned = (state: AppState): ReadonlySet<string | null> =>
  new Set([
    ...inConflict(state),
    ...onOneNode(state).map((volume) => volume.replica),
    ...narrow(state, (pin) => pin.by !== "onlyNode").map(({ one }) => one.replica)
  ])

/** Replicas that all that holds them together leaves no other node. */
const stranded = (state: AppState): ReadonlyArray<Stranded> => {
  if (state.nodes === null) return []
  const explained = pinned(state)
  return held(state).flatMap((one) => {
    if (one.node === null || explained.has(one.replica)) return []
    const apart = openTo(state, one, ({ name }) => name !== one.node).map((node) => one.apart(node))
    return apart.includes(null) ? [] : [{ replica: one.replica, apart: apart[0] ?? null }]
  })
}

/** Replicas that can start only on their own server, by these rules: if it is lost, they do not recover. */
export const heldForGood = (state: AppState): ReadonlySet<string | null> =>
  new Set([...pinned(state), ...stranded(state).map(({ replica }) => replica)])

/** Replicas by their rack or zone that a usable node within it could take, and none outside of it. */
export const strandedWithout = (
  state: AppState,
  domain: "rack" | "zone"
): ReadonlyMap<string, ReadonlyArray<string>> => {
  const explained = heldForGood(state)
  const found = held(state).flatMap((one) => {
    const name = nodeNamed(state, one.node)?.[domain] ?? null
    if (name === null || explained.has(one.replica)) return []
    const isFree = openTo(state, one, (node) => node[domain] !== name).some(
      (node) => one.apart(node, (lost) => nodeNamed(state, lost)?.[domain] === name) === null
    )
    return isFree ? [] : [{ replica: one.replica, name }]
  })
  return new Map(
    [...Map.groupBy(found, ({ name }) => name)].map(([name, all]) => [
      name,
      all.map(({ replica }) => replica)
    ])
  )
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
  rule("restart", "scaled-to-zero", scaledToZero)
]
