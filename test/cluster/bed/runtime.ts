// One containerd a node, with its images.
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as images from "./images.ts"
import { binaries } from "./folder.ts"
import { run, start } from "./process.ts"
import { until } from "./progress.ts"
import { bed, type Node, serviceRange } from "./topology.ts"

export const socket = (node: Node): string => join(node.folder, "containerd.sock")

/** What a reboot clears. containerd's own state has to go with the processes it describes. */
export const volatile = (node: Node): string => join(node.folder, "state")

const config = (node: Node): string => `version = 3
root = "${join(node.folder, "containerd")}"
state = "${volatile(node)}"
[grpc]
  address = "${socket(node)}"
[plugins.'io.containerd.internal.v1.opt']
  path = "${join(node.folder, "opt")}"
[plugins.'io.containerd.nri.v1.nri']
  disable = true
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "docker.io/local/pause:1"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "${join(node.folder, "cni")}"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      Root = "${join(volatile(node), "runc")}"
`

const podNetwork = (node: Node): object => ({
  cniVersion: "1.0.0",
  name: node.netns,
  plugins: [
    {
      type: "bridge",
      bridge: "pods0",
      isGateway: true,
      hairpinMode: true,
      ipam: {
        type: "host-local",
        // Addresses in use are forgotten in a power cut, as those who used them are gone.
        dataDir: join(volatile(node), "addresses"),
        ranges: [[{ subnet: node.podRange }]],
        routes: [{ dst: serviceRange }, { dst: bed.network }]
      }
    }
  ]
})

export const begin = async (node: Node): Promise<void> => {
  mkdirSync(join(node.folder, "cni"), { recursive: true })
  writeFileSync(join(node.folder, "containerd.toml"), config(node))
  writeFileSync(join(node.folder, "cni", "pods.conflist"), JSON.stringify(podNetwork(node)))
  const command = ["containerd", "--config", join(node.folder, "containerd.toml"), "--log-level", "warn"]
  start({ name: `${node.name}/containerd`, command, netns: node.netns })
  await until(`containerd of ${node.name}`, 30, async () => {
    await run(`${binaries}/ctr`, ["--address", socket(node), "--connect-timeout", "1s", "version"])
    return true
  })
}

export const load = async (node: Node): Promise<void> => {
  for (const file of images.files) {
    await run(`${binaries}/ctr`, [
      "--address",
      socket(node),
      "--namespace",
      "k8s.io",
      "images",
      "import",
      file
    ])
  }
}
