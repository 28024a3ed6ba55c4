import { mkdirSync } from "node:fs"
import { join } from "node:path"
import * as api from "./api.ts"
import { manifests } from "./build.ts"
import { apply, kubectl } from "./control-plane.ts"
import { below, csiLog, source } from "./folder.ts"
import { kubeletFolder } from "./node.ts"
import * as pki from "./pki.ts"
import { end, run, start } from "./process.ts"
import { until } from "./progress.ts"
import { type Node, nodes } from "./topology.ts"

export const driverName = "bed.csi.kubectl-stateful.dev"

/** The driver's state: volumes, snapshots, faults; a file system of its own, for its reflinks. */
export const state = below("csi")

const socket = below("csi.sock")

/** The pool's size is only an upper bound: the file has holes, and the host's disk fills as volumes do. */
export const pool = async (): Promise<void> => {
  mkdirSync(state, { recursive: true })
  const file = below("pool.img")
  await run("truncate", ["-s", "40G", file])
  await run("mkfs.xfs", ["-q", "-K", "-m", "reflink=1", file])
  await run("mount", ["-o", "loop", file, state])
  for (const name of ["volumes", "snapshots", "faults"]) mkdirSync(join(state, name), { recursive: true })
}

const driver = (name: string, endpoint: string, args: ReadonlyArray<string>, netns?: string): void => {
  const common = [
    "--driver-name",
    driverName,
    "--state",
    state,
    "--log",
    csiLog,
    "--endpoint",
    `unix://${endpoint}`
  ]
  const command = ["csi-driver", ...common, ...args]
  // With these mkfs.xfs makes file systems under 300 MB, as tests want them.
  const env = { TEST_DIR: "1", TEST_DEV: "1", QA_CHECK_FS: "1" }
  start({ name, command, env, ...(netns === undefined ? {} : { netns }) })
}

export const serve = (node: Node): void => {
  const kubelet = kubeletFolder(node)
  const registration = join(kubelet, "plugins_registry")
  const folder = join(kubelet, "plugins", driverName)
  for (const each of [registration, folder]) mkdirSync(each, { recursive: true })
  const place = ["--node-id", node.name, "--zone", node.zone]
  const folders = ["--kubelet-dir", kubelet, "--registration-dir", registration]
  driver(
    `${node.name}/csi-driver`,
    join(folder, "csi.sock"),
    ["--mode", "node", ...place, ...folders],
    node.netns
  )
}

const groupSnapshots = "--feature-gates=CSIVolumeGroupSnapshot=true"

const sidecars: Readonly<Record<string, ReadonlyArray<string>>> = {
  "csi-provisioner": ["--default-fstype=xfs", "--extra-create-metadata", "--timeout=30s"],
  "csi-attacher": ["--timeout=30s"],
  "csi-resizer": ["--timeout=30s"],
  "csi-snapshotter": [groupSnapshots, "--extra-create-metadata", "--timeout=30s"]
}

/** Requests a second of each client; twice as many at once. The default of 5 would make a group of six take 16 s. */
const usualQps = 50
const limits = (qps: number) => [`--kube-api-qps=${qps}`, `--kube-api-burst=${2 * qps}`]

const sidecar = (name: string, extra: ReadonlyArray<string>, qps = usualQps): void => {
  const flags = ["--kubeconfig", pki.configOf(name), "--csi-address", socket, ...limits(qps), ...extra]
  start({ name, command: [name, ...flags] })
}

export const control = (): void => {
  driver("csi-driver", socket, ["--mode", "controller"])
  for (const [name, extra] of Object.entries(sidecars)) sidecar(name, extra)
}

const snapshotController = (qps = usualQps): void => {
  const name = "snapshot-controller"
  start({ name, command: [name, "--kubeconfig", pki.configOf(name), groupSnapshots, ...limits(qps)] })
}

/** The snapshot controller and its side-car anew, with this many requests a second each. */
export const snapshotRate = async (qps: number): Promise<void> => {
  await end(["snapshot-controller", "csi-snapshotter"])
  sidecar("csi-snapshotter", sidecars["csi-snapshotter"] ?? [], qps)
  snapshotController(qps)
}

const definitions = {
  snapshot: ["volumesnapshots", "volumesnapshotcontents", "volumesnapshotclasses"],
  groupsnapshot: ["volumegroupsnapshots", "volumegroupsnapshotcontents", "volumegroupsnapshotclasses"]
}

/**
 * Starts only once its definitions are served: without them the snapshot controller gives up. A
 * group is there with its first kind; each kind is looked for.
 */
export const snapshots = async (): Promise<void> => {
  await kubectl("apply", "--server-side", "-k", manifests("snapshot-definitions"))
  await until("snapshot definitions", 30, async () => {
    for (const [group, names] of Object.entries(definitions)) {
      const served = await api.get<{ resources: ReadonlyArray<{ name: string }> }>(
        `/apis/${group}.storage.k8s.io/v1`
      )
      if (!names.every((name) => served?.resources.some((each) => each.name === name))) return false
    }
    return true
  })
  snapshotController()
  await apply(join(source, "manifests", "snapshot-classes.yaml"))
}

export const classes = (): Promise<string> => apply(join(source, "manifests", "classes.yaml"))

export const registered = (node: Node): Promise<true> =>
  until(`${driverName} on ${node.name}`, 60, async () => {
    const found = await api.get<{ spec: { drivers: ReadonlyArray<{ name: string }> | null } }>(
      `/apis/storage.k8s.io/v1/csinodes/${node.name}`
    )
    return found?.spec.drivers?.some(({ name }) => name === driverName)
  })

export const units = [
  "csi-driver",
  ...Object.keys(sidecars),
  "snapshot-controller",
  ...nodes.map(({ name }) => `${name}/csi-driver`)
]
