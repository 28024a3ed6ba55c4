import { randomBytes } from "node:crypto"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { below, kubeconfig } from "./folder.ts"
import { run } from "./process.ts"
import { apiService, bed, hostAddress, nodes } from "./topology.ts"

export const key = (name: string): string => below("pki", `${name}.key`)
export const certificate = (name: string): string => below("pki", `${name}.crt`)
export const tokens = below("pki", "tokens.csv")
export const configOf = (user: string): string => below("pki", `${user}.kubeconfig`)

const sign = async (name: string, subject: string, extra: ReadonlyArray<string>): Promise<void> => {
  const files = ["-keyout", key(name), "-out", certificate(name)]
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
  await run("openssl", ["req", "-x509", ...curve, "-days", "365", "-subj", subject, ...files, ...extra])
}

const masters = "system:masters"

/** Who speaks to the API server, and as what: name, user, group. Side-cars get all rights; their names show in the audit log. */
const users: ReadonlyArray<readonly [name: string, user: string, group: string]> = [
  ["kube-controller-manager", "system:kube-controller-manager", ""],
  ["kube-scheduler", "system:kube-scheduler", ""],
  ["kube-proxy", "system:kube-proxy", ""],
  ...nodes.map(({ name }) => [name, `system:node:${name}`, "system:nodes"] as const),
  ...[
    "dns",
    "kube-router",
    "kwok",
    "csi-provisioner",
    "csi-attacher",
    "csi-resizer",
    "csi-snapshotter",
    "snapshot-controller"
  ].map((name) => [name, name, masters] as const)
]

export const make = async (): Promise<void> => {
  mkdirSync(below("pki"), { recursive: true, mode: 0o700 })
  await sign("ca", "/CN=bed", [])
  const signed = ["-CA", certificate("ca"), "-CAkey", key("ca")]
  const service = "kubernetes.default.svc"
  const names = ["localhost", "kubernetes", "kubernetes.default", service, `${service}.cluster.local`]
  const alternatives = [
    ...names.map((name) => `DNS:${name}`),
    ...["127.0.0.1", hostAddress, apiService].map((ip) => `IP:${ip}`)
  ]
  await Promise.all([
    sign("server", "/CN=kube-apiserver", [...signed, "-addext", `subjectAltName=${alternatives.join(",")}`]),
    sign("admin", `/O=${masters}/CN=kubernetes-admin`, signed),
    run("openssl", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key("accounts")])
  ])
}

const base64 = (file: string): string => readFileSync(file).toString("base64")

const write = (file: string, server: string, user: object): void => {
  const name = bed.short
  const cluster = { server, "certificate-authority-data": base64(certificate("ca")) }
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name
  }
  writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 })
}

/** Writes one kubeconfig a user, and the token file they are known by. The admin has a certificate instead. */
export const introduce = (server: string): void => {
  const lines = users.map(([name, user, group]) => {
    const token = randomBytes(16).toString("hex")
    write(configOf(name), server, { token })
    return `${token},${user},${name}${group === "" ? "" : `,${group}`}`
  })
  writeFileSync(tokens, `${lines.join("\n")}\n`, { mode: 0o600 })
  const admin = {
    "client-certificate-data": base64(certificate("admin")),
    "client-key-data": base64(key("admin"))
  }
  write(kubeconfig, server, admin)
}
