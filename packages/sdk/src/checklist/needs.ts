/**
 * The requirements of the application on a cluster: what its manifests name and bring along, and what is
 * cluster-scoped. What every cluster has is left out.
 */
import * as Schema from "effect/Schema"
import { documented } from "../Documented.ts"
import type { AppState } from "../state/AppState.ts"
import { isHostDevice } from "../state/HostPath.ts"
import { tolerates } from "../Taint.ts"
import type { Workload } from "../Topology.ts"
import { byDriver, liveClaims } from "./parts.ts"
import { title } from "./words.ts"

const { Literals, NullOr, String } = Schema

/** One requirement on another cluster. */
export interface Need {
  /** The API's kind, or in words what it is: `node label`, `host port`, `cloud role`. */
  readonly kind: string
  /** Prefixed with its namespace if that is not the application's: `rook-ceph/rook-csi-rbd-node`. */
  readonly name: string
  /** The object that requires it, or the reason; `null` if its name says so. */
  readonly why: string | null
  /** `namespace`: it can be copied along with the manifests. `cluster`: it has to be there. */
  readonly of: "namespace" | "cluster"
}
export const Need = documented<Need>({
  kind: String,
  name: String,
  why: NullOr(String),
  of: Literals(["namespace", "cluster"])
})

/** `StorageClass/shared`, `node label disk=nvme`. */
export const needText = ({ kind, name }: Need): string =>
  /^[A-Z]\w*$/.test(kind) ? `${kind}/${name}` : `${kind} ${name}`

const unique = (needs: ReadonlyArray<Need>): ReadonlyArray<Need> => {
  const found = new Map<string, Need>()
  for (const one of needs) if (!found.has(needText(one))) found.set(needText(one), one)
  return [...found.values()]
}

const byName = (needs: ReadonlyArray<Need>): ReadonlyArray<Need> =>
  unique(needs.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)))

const need =
  (of: Need["of"], kind: string, why: string | null = null) =>
  (name: string): Need => ({ kind, name, why, of })

/** Claims name a StorageClass; templates do if there is no claim yet, and pods for their own volumes. */
const classes = (state: AppState): ReadonlyArray<Need> => {
  const claims = liveClaims(state)
  const ofTemplates = state.workloads.flatMap((workload) =>
    workload.claimTemplates
      .filter(({ name }) =>
        claims.every((claim) => claim.workload !== title(workload) || claim.template !== name)
      )
      .map(({ storageClass }) => storageClass)
  )
  const ofPods = state.volumes.flatMap(({ source, detail }) => (source === "ephemeral" ? [detail] : []))
  const asked = [...claims.map(({ storageClass }) => storageClass), ...ofTemplates, ...ofPods]
  return [
    ...byName(asked.flatMap((name) => (name ? [need("cluster", "StorageClass")(name)] : []))),
    // An empty one asks for a volume made by hand.
    ...([...ofTemplates, ...ofPods].includes(null)
      ? [need("cluster", "default", "claims name no StorageClass")("StorageClass")]
      : [])
  ]
}

/** The provisioner of a StorageClass without one: it does not exist although it has a name. */
const byHand = "kubernetes.io/no-provisioner"

/** A provisioner of its own (rancher.io/local-path) is not a CSI driver. */
const drivers = (state: AppState): ReadonlyArray<Need> => {
  const asked = new Set(classes(state).map(({ name }) => name))
  const { drivers: known, storageClasses } = state.protection
  const csi = new Set([
    ...(known ?? []).map(({ name }) => name),
    ...liveClaims(state).flatMap(({ volume }) =>
      volume?.source === "csi" && volume.driver !== null ? [volume.driver] : []
    )
  ])
  const provisioners = (storageClasses ?? []).flatMap(({ name, provisioner, isDefault }) =>
    asked.has(name) || (isDefault && asked.has("StorageClass")) ? [provisioner] : []
  )
  const inline = state.volumes.flatMap(({ source, detail }) => (source === "csi" && detail ? [detail] : []))
  return byName([
    ...[...byDriver(state).keys(), ...provisioners].flatMap((name) =>
      name === byHand ? [] : [need("cluster", csi.has(name) ? "CSIDriver" : "provisioner")(name)]
    ),
    ...inline.map(need("cluster", "CSIDriver", "volumes of its pods"))
  ])
}

/** Data leaves by snapshots of its driver, and what takes them there is a class for that driver. */
const snapshotClasses = (state: AppState): ReadonlyArray<Need> =>
  byName(
    [...byDriver(state).entries()].flatMap(([driver, claims]) =>
      claims.some(({ volume }) => volume?.source === "csi")
        ? [need("cluster", "VolumeSnapshotClass for", "to move the data by its snapshots")(driver)]
        : []
    )
  )

/** Of the driver's namespace mostly: there the target's driver has its own, under the names that its class gives. */
const volumeSecrets = (state: AppState): ReadonlyArray<Need> =>
  state.dependencies.flatMap(({ kind, name, namespace, usedBy }) => {
    if (kind !== "Secret" || namespace === null) return []
    const why = usedBy.join(", ")
    return namespace === state.namespace
      ? [need("namespace", "Secret", why)(name)]
      : [need("cluster", "Secret", why)(`${namespace}/${name}`)]
  })

const hostname = "kubernetes.io/hostname"

/** Every node has these, or they name one node, which no other cluster has. */
const everywhere: ReadonlySet<string> = new Set([
  hostname,
  "metadata.name",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch"
])

/** Every cluster has nodes with Linux; not every one has nodes of this architecture, or with Windows. */
const isAnywhere = (key: string, values: ReadonlyArray<string>): boolean =>
  everywhere.has(key) &&
  (key.endsWith("/os")
    ? values.length === 0 || values.includes("linux")
    : !key.endsWith("/arch") ||
      values.length === 0 ||
      ["amd64", "arm64"].every((one) => values.includes(one)))

const requirement = (key: string, operator: string, values: ReadonlyArray<string>): string => {
  const [only] = values
  if (operator === "Exists") return key
  if (operator === "In" && values.length === 1) return `${key}=${only}`
  return `${key} ${operator.toLowerCase()} (${values.join(",")})`
}

/** Terms are alternatives, so that they are one need; a node without a label is not asked to have it. */
const affinityOf = ({ template }: Workload): ReadonlyArray<string> => {
  const terms = template.nodeAffinity.map((term) =>
    term
      .filter(
        ({ key, operator, values }) =>
          !isAnywhere(key, values) && operator !== "NotIn" && operator !== "DoesNotExist"
      )
      .map(({ key, operator, values }) => requirement(key, operator, values))
      .join(" and ")
  )
  return terms.length === 0 || terms.includes("") ? [] : [[...new Set(terms)].join(" or ")]
}

const nodeLabels = (state: AppState): ReadonlyArray<Need> =>
  unique(
    state.workloads.flatMap((workload) => [
      ...Object.entries(workload.template.nodeSelector).flatMap(([key, value]) =>
        isAnywhere(key, [value])
          ? []
          : [need("cluster", "node label", `nodeSelector of ${workload.name}`)(`${key}=${value}`)]
      ),
      ...affinityOf(workload).map(need("cluster", "node label", `affinity of ${workload.name}`)),
      // Nodes without the key are none to such a spread.
      ...workload.template.spread.flatMap(({ topologyKey, whenUnsatisfiable }) =>
        whenUnsatisfiable !== "DoNotSchedule" || everywhere.has(topologyKey)
          ? []
          : [need("cluster", "node label", `spread of ${workload.name}`)(topologyKey)]
      )
    ])
  )

/** A toleration requires nothing; a taint is listed if all nodes that match the nodeSelector have it here. */
const taints = (state: AppState): ReadonlyArray<Need> =>
  unique(
    state.workloads.flatMap(({ name, template }) => {
      const selector = Object.entries(template.nodeSelector).filter(
        ([key, value]) => !isAnywhere(key, [value])
      )
      const pool = (state.nodes ?? []).filter(({ labels }) =>
        selector.every(([key, value]) => labels[key] === value)
      )
      const [one] = pool
      if (selector.length === 0 || one === undefined) return []
      return one.taints
        .filter(
          (taint) =>
            !taint.startsWith("node.kubernetes.io/") &&
            tolerates(template.tolerations, taint) &&
            pool.every((node) => node.taints.includes(taint))
        )
        .map(need("cluster", "node taint", `tolerated by ${name}, on each node that it selects here`))
    })
  )

const order = [
  "PriorityClass",
  "RuntimeClass",
  "ClusterTrustBundle",
  "ServiceAccount",
  "SecretProviderClass",
  "ResourceClaim",
  "ResourceClaimTemplate"
]

/** The rest is namespaced, and is moved with the manifests. */
const ofCluster: ReadonlySet<string> = new Set(["PriorityClass", "RuntimeClass", "ClusterTrustBundle"])

const dependencies = (state: AppState): ReadonlyArray<Need> =>
  byName([
    ...state.dependencies.flatMap(({ kind, name }) => {
      const system = kind === "PriorityClass" && name.startsWith("system-")
      // Claims by name are data, and volumes' Secrets have a place of their own.
      return system || !order.includes(kind)
        ? []
        : [need(ofCluster.has(kind) ? "cluster" : "namespace", kind)(name)]
    }),
    ...state.workloads.flatMap(({ template: { priorityClass } }) =>
      priorityClass === null || priorityClass.startsWith("system-")
        ? []
        : [need("cluster", "PriorityClass")(priorityClass)]
    )
  ]).toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))

/** The API makes it in each namespace, or OpenShift does for each of its accounts. */
const isMadeThere = (kind: string, name: string): boolean =>
  (kind === "ConfigMap" && name === "kube-root-ca.crt") ||
  (kind === "Secret" && /-dockercfg-[a-z0-9]{5}$/.test(name))

/**
 * A reference only in pods is a webhook's, which adds it there too, or an older revision's. An optional one
 * counts if it exists here: the application has it.
 */
const references = (state: AppState): ReadonlyArray<Need> =>
  state.references.flatMap(({ kind, name, present, required, usedBy }) =>
    usedBy.every((use) => use.startsWith("Pod/")) ||
    isMadeThere(kind, name) ||
    (!required && present !== true)
      ? []
      : [need("namespace", kind, usedBy.join(", "))(name)]
  )

/** A new claim waits for what fills it, as one of a replica that is added there does. */
const fillers = (state: AppState): ReadonlyArray<Need> =>
  unique(
    state.workloads.flatMap((workload) =>
      workload.claimTemplates.flatMap(({ name, dataSource }) =>
        dataSource === null
          ? []
          : [
              need(
                "namespace",
                dataSource.kind,
                `${name} of ${workload.name} is filled from it`
              )(dataSource.name)
            ]
      )
    )
  )

const hostPorts = (state: AppState): ReadonlyArray<Need> =>
  unique(
    state.workloads.flatMap(({ name, template }) => [
      ...(template.hostNetwork
        ? [need("cluster", "host network for", "it uses ports of its nodes")(name)]
        : []),
      ...template.hostPorts.map(need("cluster", "host port", `free on nodes of ${name}`))
    ])
  )

/** Devices that pods have from their node, by its path. */
export const hostDevicesOf = (
  state: AppState
): ReadonlyArray<{ readonly path: string; readonly workload: string }> =>
  state.volumes.flatMap(({ detail, source, workload }) =>
    source === "hostPath" && detail !== null && isHostDevice(detail) ? [{ path: detail, workload }] : []
  )

const devices = (state: AppState): ReadonlyArray<Need> =>
  unique([
    ...hostDevicesOf(state).map(({ path, workload }) =>
      need("cluster", "device", `hostPath of ${workload}`)(path)
    ),
    ...state.workloads.flatMap(({ name, template }) =>
      Object.entries(template.extendedResources).map(([device, quantity]) =>
        need("cluster", "device", `${quantity} a pod of ${name}`)(device)
      )
    )
  ])

/** `Cluster.postgresql.cnpg.io/db`: what Kubernetes itself makes has no operator to bring along. */
const operated = /^([A-Z]\w*\.[\w-]+(?:\.[\w-]+)+)\//
const builtIn = /\.k8s\.io$/

const operators = (state: AppState): ReadonlyArray<Need> =>
  unique(
    state.workloads.flatMap(({ name, writers }) =>
      writers.flatMap((writer) => {
        const kind = writer.by === "ownerReferences" ? operated.exec(writer.name)?.[1] : undefined
        return kind === undefined || builtIn.test(kind)
          ? []
          : [need("cluster", "operator of", `owns ${name}`)(kind)]
      })
    )
  )

const cloudRoles = (state: AppState): ReadonlyArray<Need> =>
  unique(
    (state.cloudRoles ?? []).map(({ key, value, of }) =>
      need("cluster", "cloud role", `${key} of ${of}`)(value)
    )
  )

/**
 * The requirements on the target: first of the cluster, starting with storage, then what the manifests bring
 * along.
 */
export const needsOnTarget = (state: AppState): ReadonlyArray<Need> => {
  const { cluster = [], namespace = [] } = Object.groupBy(dependencies(state), (one) => one.of)
  const secrets = { cluster: [], namespace: [], ...Object.groupBy(volumeSecrets(state), (one) => one.of) }
  return [
    ...classes(state),
    ...drivers(state),
    ...snapshotClasses(state),
    ...secrets.cluster,
    ...nodeLabels(state),
    ...taints(state),
    ...cluster,
    ...devices(state),
    ...hostPorts(state),
    ...operators(state),
    ...cloudRoles(state),
    ...namespace,
    ...fillers(state),
    ...unique([...references(state), ...secrets.namespace])
  ]
}
