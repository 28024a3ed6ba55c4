import { existsSync } from "node:fs"
import { run } from "./process.ts"
import { phase } from "./progress.ts"

/** What the bed runs on the host, by one file of each Debian package. */
const needed: Readonly<Record<string, string>> = {
  "busybox-static": "/bin/busybox",
  conntrack: "/usr/sbin/conntrack",
  "containernetworking-plugins": "/usr/lib/cni/bridge",
  e2fsprogs: "/sbin/mkfs.ext4",
  iproute2: "/sbin/ip",
  kmod: "/sbin/modprobe",
  nftables: "/usr/sbin/nft",
  openssl: "/usr/bin/openssl",
  runc: "/usr/sbin/runc",
  "util-linux": "/usr/bin/nsenter",
  xfsprogs: "/sbin/mkfs.xfs"
}

/** What enforcing NetworkPolicies needs beyond that. */
const forPolicies: typeof needed = { ipset: "/usr/sbin/ipset", iptables: "/usr/sbin/iptables" }

export const install = (): Promise<void> => installed(needed)

export const installForPolicies = (): Promise<void> => installed(forPolicies)

export const isInstalledForPolicies = (): boolean =>
  Object.values(forPolicies).every((path) => existsSync(path))

const installed = async (needed: Readonly<Record<string, string>>): Promise<void> => {
  if (process.platform !== "linux")
    throw new Error("the cluster runs on Linux only; set BED_KUBECONFIG to use another")
  if (process.getuid?.() !== 0)
    throw new Error("the cluster needs root (mounts, network namespaces); set BED_KUBECONFIG to use another")
  const missing = Object.keys(needed).filter((name) => !existsSync(needed[name] ?? ""))
  if (missing.length === 0) return
  if (!existsSync("/usr/bin/apt-get"))
    throw new Error(`missing: ${missing.join(", ")}; only Debian's apt is known here`)
  const env = { DEBIAN_FRONTEND: "noninteractive" }
  await phase(`Debian packages ${missing.join(", ")}`, async () => {
    await run("apt-get", ["update", "-qq"], { env })
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], { env })
  })
}
