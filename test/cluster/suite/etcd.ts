/**
 * etcd as people run it: three members with TLS between them and for their clients, whose certificates stand
 * in Secrets, and a member above the first three that joins as a learner when it starts.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { kubectl } from "./commands.ts"

const image = { image: "docker.io/local/etcd:1", imagePullPolicy: "Never" }

/** A certificate authority for one namespace, and what it signed, as the data of Secrets. */
const certificates = (namespace: string) => {
  const folder = mkdtempSync(join(tmpdir(), "kubectl-stateful-etcd-"))
  const of = (name: string) => join(folder, name)
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]
  const sign = (name: string, subject: string, extra: ReadonlyArray<string>) =>
    execFileSync(
      "openssl",
      ["req", "-x509", ...curve, "-days", "2", "-subj", subject, "-keyout", of(`${name}.key`)].concat(
        ["-out", of(`${name}.crt`)],
        extra
      ),
      { stdio: "ignore" }
    )
  const data = (name: string) => ({
    "ca.crt": readFileSync(of("ca.crt"), "utf8"),
    "tls.crt": readFileSync(of(`${name}.crt`), "utf8"),
    "tls.key": readFileSync(of(`${name}.key`), "utf8")
  })
  try {
    sign("ca", "/CN=etcd", [])
    const signed = ["-CA", of("ca.crt"), "-CAkey", of("ca.key")]
    // Who a member that connects is etcd finds out by its address' name, which ends with the cluster's domain.
    const peers = `*.db.${namespace}.svc`
    const names = [`DNS:${peers}`, `DNS:${peers}.cluster.local`, "DNS:localhost"].join(",")
    const usage = "extendedKeyUsage=serverAuth,clientAuth"
    sign("server", "/CN=member", [...signed, "-addext", `subjectAltName=${names}`, "-addext", usage])
    sign("client", "/CN=root", [...signed, "-addext", "extendedKeyUsage=clientAuth"])
    return { server: data("server"), client: data("client") }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A member above those of the initial cluster asks to be a learner before it starts for the first time. */
const start = `
n=\${POD_NAME##*-}
if [ "$n" -ge 3 ] && ! [ -d "$ETCD_DATA_DIR/member" ]; then
  url=https://$POD_NAME.$PEERS:2380
  list() { etcdctl --endpoints "https://db-0.$PEERS:2379" --command-timeout 5s "$@"; }
  until list member list | grep -q "$url"; do list member add "$POD_NAME" --learner --peer-urls "$url" || sleep 1; done
  ETCD_INITIAL_CLUSTER=$(list member list | while IFS=, read -r id state name peer rest; do
    name=\${name# }
    printf '%s=%s,' "\${name:-$POD_NAME}" "\${peer# }"
  done)
  ETCD_INITIAL_CLUSTER=\${ETCD_INITIAL_CLUSTER%,}
  export ETCD_INITIAL_CLUSTER ETCD_INITIAL_CLUSTER_STATE=existing
fi
exec etcd "$@"`

const value = (name: string, text: string) => ({ name, value: text })

const container = (namespace: string, members: number) => {
  const peers = `db.${namespace}.svc`
  const cluster = Array.from({ length: members }, (_, n) => `db-${n}=https://db-${n}.${peers}:2380`)
  return {
    ...image,
    name: "etcd",
    command: ["sh", "-c", start, "start"],
    args: [
      "--name=$(POD_NAME)",
      `--initial-advertise-peer-urls=https://$(POD_NAME).${peers}:2380`,
      "--advertise-client-urls",
      `https://$(POD_NAME).${peers}:2379`,
      "--listen-peer-urls=https://0.0.0.0:2380",
      "--listen-client-urls=https://0.0.0.0:2379",
      "--peer-client-cert-auth",
      "--peer-trusted-ca-file=/tls/server/ca.crt",
      "--peer-cert-file=/tls/server/tls.crt",
      "--peer-key-file=/tls/server/tls.key",
      "--client-cert-auth",
      "--trusted-ca-file=/tls/server/ca.crt",
      "--cert-file=/tls/server/tls.crt",
      "--key-file=/tls/server/tls.key",
      // The tests' machine does much else: no leader falls because of that.
      "--heartbeat-interval=500",
      "--election-timeout=5000"
    ],
    env: [
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      value("PEERS", peers),
      value("ETCD_DATA_DIR", "/var/lib/etcd/data"),
      value("ETCD_INITIAL_CLUSTER", cluster.join(",")),
      value("ETCD_INITIAL_CLUSTER_TOKEN", "shop"),
      value("ETCDCTL_CACERT", "/tls/client/ca.crt"),
      value("ETCDCTL_CERT", "/tls/client/tls.crt"),
      value("ETCDCTL_KEY", "/tls/client/tls.key")
    ],
    readinessProbe: { tcpSocket: { port: 2379 }, periodSeconds: 1 },
    volumeMounts: [
      { name: "data", mountPath: "/var/lib/etcd" },
      { name: "server", mountPath: "/tls/server" },
      { name: "client", mountPath: "/tls/client" }
    ]
  }
}

const set = (namespace: string, members: number) => {
  const { server, client } = certificates(namespace)
  return [
    { apiVersion: "v1", kind: "Secret", metadata: { name: "db-server" }, stringData: server },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "db-client" }, stringData: client },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "db" },
      spec: {
        clusterIP: "None",
        publishNotReadyAddresses: true,
        selector: { app: "db" },
        ports: [{ name: "client", port: 2379 }]
      }
    },
    {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "db" },
      spec: {
        replicas: members,
        serviceName: "db",
        podManagementPolicy: "Parallel",
        selector: { matchLabels: { app: "db" } },
        template: {
          metadata: { labels: { app: "db" } },
          spec: {
            terminationGracePeriodSeconds: 2,
            securityContext: {
              runAsUser: 999,
              runAsGroup: 999,
              fsGroup: 999,
              fsGroupChangePolicy: "OnRootMismatch"
            },
            containers: [container(namespace, members)],
            volumes: [
              { name: "server", secret: { secretName: "db-server" } },
              { name: "client", secret: { secretName: "db-client" } }
            ]
          }
        },
        volumeClaimTemplates: [
          {
            metadata: { name: "data" },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "384Mi" } } }
          }
        ]
      }
    }
  ]
}

/** Runs a shell's words in a member; `here` is its own endpoint, `all` those of the first three. */
export const inMember = (namespace: string, pod: string, words: string): Promise<string> =>
  kubectl([
    "exec",
    "-n",
    namespace,
    pod,
    "--",
    "sh",
    "-c",
    `here=https://$POD_NAME.$PEERS:2379
     all=https://db-0.$PEERS:2379,https://db-1.$PEERS:2379,https://db-2.$PEERS:2379
     ${words}`
  ])

/** `db` with so many members, ready. */
export const installEtcd = async (namespace: string, members: number): Promise<void> => {
  const items = set(namespace, members)
  await kubectl(
    ["apply", "-n", namespace, "-f", "-"],
    JSON.stringify({ apiVersion: "v1", kind: "List", items })
  )
  await kubectl(["rollout", "status", "sts/db", "-n", namespace, "--timeout=120s"])
}
