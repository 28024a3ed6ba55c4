import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import * as api from "./api.ts"
import * as cgroup from "./cgroup.ts"
import { auditLog, below, binaries, kubeconfig } from "./folder.ts"
import * as pki from "./pki.ts"
import { alive, end, lastWords, run, start } from "./process.ts"
import { until } from "./progress.ts"
import { bed, hostAddress, podRanges, serviceRange } from "./topology.ts"

/** Port 0 asks for any. A port that is taken on one address is taken for a server on 0.0.0.0 too. */
const free = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(undefined))
    server.listen(port, "0.0.0.0", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : undefined))
    })
  })

const firstFree = async (from: number): Promise<number> => {
  for (let port = from; port < from + 100; port++) if ((await free(port)) !== undefined) return port
  throw new Error(`no free port from ${from} to ${from + 99}`)
}

const etcd = async (): Promise<string> => {
  const client = `http://127.0.0.1:${(await free(0)) ?? 2379}`
  const peer = `http://127.0.0.1:${(await free(0)) ?? 2380}`
  const urls = ["--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer]
  const cluster = ["--name", "bed", "--initial-advertise-peer-urls", peer, "--initial-cluster", `bed=${peer}`]
  const command = [
    "etcd",
    "--data-dir",
    below("etcd"),
    "--unsafe-no-fsync",
    "--log-level",
    "warn",
    ...urls,
    ...cluster
  ]
  start({ name: "etcd", command })
  return client
}

/** Who, verb, address and times of every request; leases would be half of the file. */
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    {
      level: "None",
      resources: [{ group: "coordination.k8s.io", resources: ["leases"] }],
      userGroups: ["system:nodes"]
    },
    { level: "Metadata" }
  ]
}

const apiServer = (store: string, port: number): void => {
  writeFileSync(below("audit-policy.json"), JSON.stringify(auditPolicy))
  const flags: Readonly<Record<string, string>> = {
    "etcd-servers": store,
    // The contract waits until the first versions are forgotten: after two of these.
    "etcd-compaction-interval": "1m",
    "bind-address": hostAddress,
    "advertise-address": hostAddress,
    "secure-port": String(port),
    "tls-cert-file": pki.certificate("server"),
    "tls-private-key-file": pki.key("server"),
    "client-ca-file": pki.certificate("ca"),
    "token-auth-file": pki.tokens,
    "kubelet-client-certificate": pki.certificate("admin"),
    "kubelet-client-key": pki.key("admin"),
    "kubelet-preferred-address-types": "InternalIP",
    "service-account-key-file": pki.key("accounts"),
    "service-account-signing-key-file": pki.key("accounts"),
    "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
    "service-cluster-ip-range": serviceRange,
    "authorization-mode": "Node,RBAC",
    "enable-admission-plugins": "NodeRestriction",
    "allow-privileged": "true",
    "audit-policy-file": below("audit-policy.json"),
    "audit-log-path": auditLog,
    // One file for the whole life of the cluster: who counts requests must not miss those rotated away.
    "audit-log-maxsize": "100000"
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  start({ name: "kube-apiserver", command: ["kube-apiserver", ...args] })
}

const controllers = (): void => {
  const flags: Readonly<Record<string, string>> = {
    kubeconfig: pki.configOf("kube-controller-manager"),
    "use-service-account-credentials": "true",
    "root-ca-file": pki.certificate("ca"),
    "service-account-private-key-file": pki.key("accounts"),
    "cluster-signing-cert-file": pki.certificate("ca"),
    "cluster-signing-key-file": pki.key("ca"),
    "cluster-cidr": podRanges,
    "leader-elect": "false",
    "secure-port": "0",
    // A node counts as lost after 12s rather than 50s; tests lose many.
    "node-monitor-grace-period": "12s",
    "node-monitor-period": "2s"
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  start({ name: "kube-controller-manager", command: ["kube-controller-manager", ...args], again: true })
  const scheduler = [
    "--kubeconfig",
    pki.configOf("kube-scheduler"),
    "--leader-elect=false",
    "--secure-port=0"
  ]
  // It ends itself where a pod is on another node than it takes it to be on, as after a loss of the API server.
  start({ name: "kube-scheduler", command: ["kube-scheduler", ...scheduler], again: true })
}

export const units = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]

const answers = async (): Promise<boolean> => {
  for (const name of ["etcd", "kube-apiserver"]) {
    if (!alive(name)) throw new Error(`${name} is gone: ${lastWords(name)}`)
  }
  return (await api.call("GET", "/readyz")).status === 200
}

/** With which words the API server was started, kept while it is lost. */
const lastCommand = below("kube-apiserver.command")

/** Ends the API server with SIGKILL; etcd, controllers and nodes go on without it. */
export const loseApiServer = async (): Promise<void> => {
  const [pid] = cgroup.pids(join(cgroup.bed, "kube-apiserver"))
  if (pid === undefined) return
  writeFileSync(lastCommand, readFileSync(`/proc/${pid}/cmdline`))
  await end(["kube-apiserver"])
}

/** Starts it again as it was. */
export const healApiServer = async (): Promise<void> => {
  if (!alive("kube-apiserver")) {
    const command = readFileSync(lastCommand, "utf8").split("\0").filter(Boolean)
    start({ name: "kube-apiserver", command })
  }
  await until("API server", 60, answers)
}

/** Until the API server answers; controllers and scheduler are on their way then. */
export const up = async (): Promise<void> => {
  mkdirSync(below("log"), { recursive: true })
  const store = await etcd()
  await pki.make()
  const port = await firstFree(bed.apiPort)
  pki.introduce(`https://${hostAddress}:${port}`)
  apiServer(store, port)
  await until("API server", 60, answers)
  controllers()
}

export const kubectl = (...args: ReadonlyArray<string>): Promise<string> =>
  run(`${binaries}/kubectl`, ["--kubeconfig", kubeconfig, ...args])

export const apply = (...files: ReadonlyArray<string>): Promise<string> =>
  kubectl("apply", "--server-side", ...files.flatMap((file) => ["-f", file]))
