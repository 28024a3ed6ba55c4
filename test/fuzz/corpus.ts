/** Valid inputs, which edits are made to. */
import { stringify } from "yaml"
import * as Profile from "../../packages/sdk/src/Profile.ts"
import type { SnapshotRecord } from "../../packages/sdk/src/step/record.ts"

/** Stands for every secret: no message has it. */
export const canary = "s3cr3t-canary-Zm9vYmFy"

export const manifests: ReadonlyArray<string> = [
  `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, labels: {a: "${canary}"}}
spec:
  replicas: 3
  template: &t
    spec:
      containers: [{name: main, image: postgres, args: ["-c", 'x']}]
---
# nothing
---
kind: List
apiVersion: v1
items:
- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: queue}}
- {apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {p: |-
    ${canary}}}
`,
  JSON.stringify({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: { replicas: 3 }
  }),
  JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: [{ apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name: "db", namespace: "shop" } }]
  }),
  "a: &a [1, 2]\nb: &b [*a, *a]\nc: &c [*b, *b]\nkind: StatefulSet\napiVersion: apps/v1\nmetadata: {name: x}\n",
  "&l\nkind: List\nitems: [&s {kind: StatefulSet, apiVersion: apps/v1, metadata: {name: a}}, *s]\n",
  "? {a: [b, c]}\n: - - - d\n!!map {}: !!set {e, f}\n<<: {kind: StatefulSet}\n"
]

/** The built-in ones, as files. */
export const profiles: ReadonlyArray<string> = Profile.all().map(({ file }) =>
  stringify(Profile.fileOf(file))
)

const entry = (user: string) => `apiVersion: v1
kind: Config
current-context: test
contexts:
- {name: test, context: {cluster: test, user: me, namespace: shop}}
clusters:
- name: test
  cluster:
    server: https://10.0.0.1:6443/base
    certificate-authority-data: ${canary}
    tls-server-name: kubernetes
    proxy-url: http://u:${canary}@proxy:3128
users:
- name: me
  user:
${user.replaceAll(/^/gm, "    ")}
`

export const kubeconfigs: ReadonlyArray<string> = [
  entry(`token: ${canary}\nas: ann\nas-groups: [a, b]\nas-user-extra: {k: [v]}`),
  entry(`username: ann\npassword: ${canary}`),
  entry(`client-certificate-data: ${canary}\nclient-key-data: ${canary}`),
  entry(`client-certificate: a.pem\nclient-key: ${canary}.pem\ntokenFile: t`),
  entry(
    `exec:\n  apiVersion: client.authentication.k8s.io/v1\n  command: ./login\n  args: [--token, ${canary}]\n  env: [{name: A, value: ${canary}}]\n  interactiveMode: Never`
  ),
  entry(`auth-provider: {name: oidc, config: {id-token: ${canary}, refresh-token: ${canary}}}`),
  JSON.stringify({
    "current-context": "x",
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    clusters: [{ name: "c", cluster: { server: "c:1", "insecure-skip-tls-verify": true } }],
    users: [{ name: "u", user: { token: canary } }]
  })
]

const cut = (ordinal: number) => ({
  claim: `data-db-${ordinal}`,
  uid: `uid-${ordinal}`,
  workload: "StatefulSet/db",
  ordinal,
  volume: `pv-${ordinal}`,
  volumeHandle: `volume-${ordinal}`,
  driver: "csi.example.com",
  class: "fast",
  storageClass: "standard",
  size: "1Gi",
  snapshot: `nightly-data-db-${ordinal}`,
  group: null,
  snapshotHandle: `handle-${ordinal}`,
  cutAt: 1_795_000_000_000_000_000,
  restoreSize: 1_073_741_824,
  volumeMode: "Filesystem",
  nodeAffinity: ["zone in (a,b)"]
})

const object = (apiVersion: string, kind: string, name: string, more: object) => ({
  apiVersion,
  kind,
  metadata: { name, namespace: "shop" },
  ...more
})

export const record: SnapshotRecord = {
  apiVersion: "kubectl-stateful.dev/v1",
  kind: "SnapshotRecord",
  name: "nightly",
  namespace: "shop",
  app: { _tag: "StatefulSet", namespace: "shop", name: "db" },
  operation: "0badcafe",
  created: "2026-11-29T00:00:00Z",
  asked: "auto",
  level: "quiesced",
  why: ["no group"],
  skew: 8,
  quiesced: {
    operation: "0badcafe",
    guarantee: "blocks-writes",
    deadline: 10_000,
    members: [{ pod: "db-0", millis: 300 }],
    waves: { profile: "postgres", kept: [{ ordinal: 0, name: "backup_label", text: canary }] }
  },
  retained: true,
  cuts: [cut(0), cut(1)],
  placement: [
    {
      workload: "StatefulSet/db",
      nodeSelector: { disk: "ssd" },
      affinity: ["zone in (a)"],
      tolerations: ["dedicated=db"],
      devices: { "example.com/gpu": "1" },
      resourceClaims: [],
      runtimeClass: null,
      architectures: ["amd64"]
    }
  ],
  changed: [],
  leftOut: [{ what: "PersistentVolumeClaim/cache", why: "not mounted" }],
  replicas: { "StatefulSet/db": 2 },
  objects: [
    object("apps/v1", "StatefulSet", "db", { spec: { replicas: 2 } }),
    object("v1", "Secret", "password", { type: "Opaque", data: { password: canary } }),
    object("v1", "ConfigMap", "config", { data: { "my.cnf": "x=1\n" } })
  ]
}
