import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as api from "./api.ts"
import * as pki from "./pki.ts"
import { start } from "./process.ts"
import { until } from "./progress.ts"
import * as runtime from "./runtime.ts"
import { hostAddress, labels, type Node, podRanges } from "./topology.ts"

export const kubeletFolder = (node: Node): string => join(node.folder, "kubelet")

const kubeletConfig = (node: Node): object => ({
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  authentication: { anonymous: { enabled: false }, x509: { clientCAFile: pki.certificate("ca") } },
  cgroupDriver: "cgroupfs",
  cgroupsPerQOS: false,
  enforceNodeAllocatable: [],
  failCgroupV1: false,
  failSwapOn: false,
  containerRuntimeEndpoint: `unix://${runtime.socket(node)}`,
  resolvConf: "/dev/null",
  clusterDNS: [hostAddress],
  clusterDomain: "cluster.local",
  // Images cannot be pulled again, so they are never collected.
  imageGCHighThresholdPercent: 100,
  evictionHard: { "memory.available": "50Mi" },
  localStorageCapacityIsolation: false,
  nodeStatusUpdateFrequency: "3s",
  // A volume in use grows at its pod's next sync; the default is a minute.
  syncFrequency: "5s",
  serializeImagePulls: false,
  volumePluginDir: join(node.folder, "volume-plugins"),
  podLogsDir: join(node.folder, "pod-logs")
})

const proxyConfig = (node: Node): object => ({
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  clientConnection: { kubeconfig: pki.configOf("kube-proxy") },
  hostnameOverride: node.name,
  clusterCIDR: podRanges,
  mode: "nftables",
  conntrack: { maxPerCore: 0, min: 0 }
})

/** Starts the kubelet and the service proxy of a node whose containerd runs. */
export const begin = (node: Node): void => {
  mkdirSync(kubeletFolder(node), { recursive: true })
  const kubelet = join(node.folder, "kubelet.json")
  const proxy = join(node.folder, "kube-proxy.json")
  writeFileSync(kubelet, JSON.stringify(kubeletConfig(node)))
  writeFileSync(proxy, JSON.stringify(proxyConfig(node)))
  const flags: Readonly<Record<string, string>> = {
    config: kubelet,
    kubeconfig: pki.configOf(node.name),
    "root-dir": kubeletFolder(node),
    "cert-dir": join(node.folder, "certificates"),
    "hostname-override": node.name,
    "node-ip": node.address,
    "node-labels": Object.entries(labels(node))
      .map(([name, value]) => `${name}=${value}`)
      .join(",")
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  start({ name: `${node.name}/kubelet`, command: ["kubelet", ...args], netns: node.netns })
  start({ name: `${node.name}/kube-proxy`, command: ["kube-proxy", "--config", proxy], netns: node.netns })
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly lastHeartbeatTime: string
}

const ready = async (node: Node): Promise<Condition | undefined> => {
  const found = await api.get<{ status: { conditions?: ReadonlyArray<Condition> } }>(
    `/api/v1/nodes/${node.name}`
  )
  return found?.status.conditions?.find(({ type }) => type === "Ready")
}

export const condition = async (node: Node): Promise<string> => (await ready(node))?.status ?? "absent"

const renewed = async (node: Node): Promise<number> => {
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node.name}`
  const lease = await api.get<{ spec: { renewTime: string } }>(path)
  return lease === undefined ? 0 : Date.parse(lease.spec.renewTime)
}

/** Devices without a plugin. The kubelet keeps what it finds, but sets it to zero when it starts. */
const equip = async (node: Node): Promise<void> => {
  if (Object.keys(node.extended).length === 0) return
  await api.patch(`/api/v1/nodes/${node.name}/status`, {
    status: { capacity: node.extended, allocatable: node.extended }
  })
}

export const becomesReady = async (node: Node): Promise<void> => {
  // A node just lost still says that it is ready, so it has to give a sign of life after now: it writes its
  // status, in whole seconds, when it starts or changes, and renews its lease every ten seconds.
  const since = Date.now()
  await until(`${node.name} to be ready`, 60, async () => {
    const now = await ready(node)
    if (now?.status !== "True") return false
    return Date.parse(now.lastHeartbeatTime) >= since - 1000 || (await renewed(node)) > since
  })
  await equip(node)
}
