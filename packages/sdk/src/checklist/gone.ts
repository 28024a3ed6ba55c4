/**
 * A server or a rack that is permanently lost: what recovers its pods and data?
 */
import type { Claim } from "../Claim.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"
import {
  claimsOf,
  nodeGone,
  nodeNamed,
  placementOf,
  replicaNamed,
  replicasOf,
  staysSeconds
} from "./parts.ts"
import { backFirst } from "./leaving.ts"
import { strandedWithout } from "./otherNodes.ts"
import { type Facts, forGood, no, rule, type Rule, type Evidence, unknown, yes } from "./rule.ts"
import { names, title, verb } from "./words.ts"

/**
 * Clouds whose node controller deletes the Node of an instance that is terminated, by the scheme of
 * `spec.providerID`. Schemes of clusters on one machine or on bare metal are not among them.
 */
const clouds: ReadonlySet<string> = new Set([
  "aws",
  "azure",
  "alicloud",
  "baiducloud",
  "brightbox",
  "cloudscale",
  "cloudstack",
  "digitalocean",
  "equinixmetal",
  "exoscale",
  "gce",
  "hcloud",
  "huaweicloud",
  "ibm",
  "ibmcloud",
  "kubevirt",
  "linode",
  "nutanix",
  "oci",
  "openstack",
  "outscale",
  "ovhcloud",
  "qcloud",
  "scaleway",
  "stackit",
  "tencentcloud",
  "upcloud",
  "vsphere",
  "vultr"
])

/** Kubernetes attaches no volume of these to a node: their access mode asks nothing of a second one. */
const unattached: ReadonlySet<string> = new Set([
  "nfs",
  "cephfs",
  "glusterfs",
  "azureFile",
  "local",
  "hostPath"
])

const isAttached = ({ protection }: AppState, { volume }: Claim): boolean =>
  volume === null ||
  volume.source === null ||
  (volume.source === "csi"
    ? // A driver that does not describe itself is asked to attach.
      protection.drivers?.find(({ name }) => name === volume.driver)?.attachRequired !== false
    : !unattached.has(volume.source))

/** While the old pod is an object, no other one gets its claim: the scheduler, or the attachment, sees to that. */
export const isHeld = (state: AppState, claim: Claim): boolean =>
  claim.accessModes.every((mode) => !mode.endsWith("Many")) &&
  (claim.accessModes.includes("ReadWriteOncePod") || isAttached(state, claim))

/** A new pod is created only after the old object is deleted: its name is taken, or its volume. */
const isKeeper = (state: AppState, workload: Workload): boolean =>
  workload.replicas > 0 &&
  (workload.kind === "StatefulSet"
    ? // Without a grace period the API removes it at once if anything deletes it.
      workload.template.terminationGracePeriodSeconds > 0 || staysSeconds(workload) === null
    : workload.kind === "Deployment" &&
      (staysSeconds(workload) === null || claimsOf(state, workload).some((claim) => isHeld(state, claim))))

const nodesOf = (state: AppState, workload: Workload): ReadonlyArray<string> =>
  replicasOf(state, workload).flatMap((replica) => {
    const node = replica.pod?.node ?? placementOf(state, replica)?.node ?? null
    return node === null || nodeGone(state, node) ? [] : [node]
  })

const isCloud = (state: AppState, node: string): boolean => clouds.has(nodeNamed(state, node)?.provider ?? "")

const keepers = (state: AppState): ReadonlyArray<Workload> =>
  state.nodes === null ? [] : state.workloads.filter((workload) => isKeeper(state, workload))

/** True if pods are recreated only because a cloud controller deletes the Node. */
export const needsCloud = (state: AppState): boolean => keepers(state).length > 0

const keepsPods = ({ state }: Facts): ReadonlyArray<Evidence> =>
  keepers(state).flatMap((workload) => {
    const all = [...new Set(nodesOf(state, workload))]
    const nobodys = all.filter((node) => !isCloud(state, node))
    if (all.length === 0) return []
    const replicas = replicasOf(state, workload).map(({ name }) => name)
    const objects = [title(workload), ...nobodys.map((node) => `Node/${node}`)]
    const back = backFirst(state, replicas, "the server")
    // Recreated where their data is not, they have not recovered.
    if (nobodys.length === 0 && back !== null) return []
    return nobodys.length === 0
      ? [yes(`once the cloud deletes the Node, its pods are recreated: ${workload.name}`, [title(workload)])]
      : [
          no(
            `pods of ${workload.name} on the server stay${staysSeconds(workload) === null ? "" : " Terminating"} and are not replaced while its Node exists`,
            objects,
            back === null
              ? "once you have confirmed that the server is powered off, delete its Node, or taint it node.kubernetes.io/out-of-service"
              : `${back}; only if that may be lost, and the server is confirmed to be powered off, delete its Node`
          )
        ]
  })

interface Stranded {
  readonly domain: "rack" | "zone"
  readonly name: string
  readonly replicas: ReadonlyArray<string>
}

/** Replicas that no node outside their rack or zone could take. Where that is all of the cluster, nothing is outside. */
const strandedBy = ({ state, settings }: Facts): ReadonlyArray<Stranded> =>
  (["rack", "zone"] as const)
    .filter((domain) => settings.domains.includes(domain))
    .flatMap((domain) =>
      new Set(state.nodes?.flatMap((node) => node[domain] ?? [])).size < 2
        ? []
        : [...strandedWithout(state, domain)].map(([name, replicas]) => ({ domain, name, replicas }))
    )

/** The volumes of these replicas that no node elsewhere can attach. */
const volumesThere = (state: AppState, { domain, name, replicas }: Stranded): ReadonlyArray<string> =>
  replicas.flatMap((replica) => {
    const found = replicaNamed(state, replica)
    const pins = found === undefined ? [] : (placementOf(state, found)?.pins ?? [])
    return pins.flatMap((pin) =>
      pin.by === "volume" && pin.nodes?.every((node) => nodeNamed(state, node)?.[domain] === name) === true
        ? [pin.name]
        : []
    )
  })

const noSpareDomain = (facts: Facts): ReadonlyArray<Evidence> =>
  strandedBy(facts).map((one) => {
    const { state } = facts
    // Several pods may use one claim.
    const volumes = [...new Set(volumesThere(state, one))]
    return volumes.length > 0
      ? no(
          `${names(volumes)} can only be attached in ${one.domain} ${one.name}: ${verb(volumes, "its", "their")} data is unavailable without it`,
          [
            ...volumes.map((name) => `PersistentVolumeClaim/${name}`),
            ...one.replicas.map((name) => `Pod/${name}`)
          ],
          `keep a backup of the data outside the ${one.domain}`
        )
      : no(
          `no usable node outside ${one.domain} ${one.name} can run ${names(one.replicas)}`,
          one.replicas.map((name) => `Pod/${name}`),
          `add a node in another ${one.domain}`
        )
  })

/** One zone, and no node with a rack label: a lost rack may be the whole cluster. */
const racksUntold = ({ state, settings }: Facts): ReadonlyArray<Evidence> => {
  const nodes = state.nodes ?? []
  const isUntold =
    nodes.every(({ rack }) => rack === null) && new Set(nodes.map(({ zone }) => zone)).size <= 1
  return settings.domains.includes("rack") && nodes.length > 0 && isUntold && keepers(state).length > 0
    ? [
        unknown(
          "no node has a rack label: cannot tell whether another rack would remain",
          [],
          "label each node with its rack: topology.kubectl-stateful.dev/rack"
        )
      ]
    : []
}

export const goneRules: ReadonlyArray<Rule> = [
  rule("restart", "racks-untold", racksUntold, ["RackGone"]),
  rule("restart", "rack-without-spare", noSpareDomain, ["RackGone"]),
  rule("restart", "gone-node-keeps-pods", keepsPods, forGood)
]
