import { assert, describe, it } from "vitest"
import { objectManifest, setManifest } from "../../../packages/sdk/src/step/cloneManifest.ts"
import { distinguishing, hostsIn, type Renaming } from "../../../packages/sdk/src/step/cloneNames.ts"
import { cloneLabel } from "../../../packages/sdk/src/Labels.ts"
import { ends, script, verdictOf } from "../../../packages/sdk/src/step/fenceProbe.ts"
import type { CheckPod } from "../../../packages/sdk/src/step/checkPodResult.ts"
import { execFileSync } from "node:child_process"

const objects: Renaming["objects"] = [
  { kind: "Service", from: "db", to: "copy" },
  { kind: "Service", from: "db-read", to: "copy-read" },
  { kind: "ConfigMap", from: "db-conf", to: "copy-conf" },
  { kind: "Secret", from: "pass", to: "copy-pass" },
  { kind: "ServiceAccount", from: "db", to: "copy" }
]

const renaming: Renaming = {
  from: { namespace: "shop", name: "db" },
  to: { namespace: "new", name: "copy" },
  objects,
  label: null
}

// oxlint-disable-next-line typescript/no-explicit-any -- as a record has it
const set: any = {
  metadata: {
    name: "db",
    namespace: "shop",
    uid: "old",
    resourceVersion: "7",
    generation: 3,
    creationTimestamp: "2026-01-01T00:00:00Z",
    ownerReferences: [{ kind: "Database", name: "db", uid: "x" }],
    finalizers: ["keep"],
    labels: { app: "db", team: "shop", "app.kubernetes.io/managed-by": "Helm" },
    annotations: {
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
      "meta.helm.sh/release-name": "db",
      "argocd.argoproj.io/tracking-id": "db",
      note: "kept"
    }
  },
  status: { replicas: 3 },
  spec: {
    replicas: 3,
    serviceName: "db",
    selector: {
      matchLabels: { app: "db" },
      matchExpressions: [{ key: "app", operator: "In", values: ["db"] }]
    },
    persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete", whenDeleted: "Retain" },
    template: {
      metadata: { labels: { app: "db", tier: "data" } },
      spec: {
        nodeName: "node-a",
        serviceAccountName: "db",
        imagePullSecrets: [{ name: "pass" }],
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [
              { topologyKey: "zone", labelSelector: { matchLabels: { app: "db" } } }
            ]
          }
        },
        volumes: [
          { name: "conf", configMap: { name: "db-conf" } },
          { name: "pass", secret: { secretName: "pass" } },
          {
            name: "all",
            projected: { sources: [{ configMap: { name: "db-conf" } }, { secret: { name: "pass" } }] }
          }
        ],
        containers: [
          {
            name: "db",
            image: "db:1",
            args: ["--join=db-0.db.shop.svc.cluster.local:5432", "db"],
            env: [
              { name: "PEER", value: "postgres://db-read:5432/db" },
              { name: "CONF", valueFrom: { configMapKeyRef: { name: "db-conf", key: "a" } } },
              { name: "PASS", valueFrom: { secretKeyRef: { name: "pass", key: "a" } } }
            ],
            envFrom: [{ secretRef: { name: "pass" } }, { configMapRef: { name: "other" } }]
          }
        ]
      }
    },
    volumeClaimTemplates: [
      { metadata: { name: "data", labels: { app: "db" } }, spec: { volumeName: "pv-1" }, status: {} }
    ]
  }
}

describe("a StatefulSet that is restored as another one", () => {
  const made = setManifest(renaming, "0badcafe", set)
  const pod = made.spec.template.spec

  it("has nothing of the old cluster, nor of the tools that own the original, and no replicas yet", () => {
    assert.deepEqual(Object.keys(made.metadata).toSorted(), ["annotations", "labels", "name"])
    assert.deepEqual(made.metadata.labels, { app: "copy", team: "shop" })
    assert.deepEqual(Object.keys(made.metadata.annotations).toSorted(), [
      "kubectl-stateful.dev/retention-before",
      "note"
    ])
    assert.notProperty(made, "status")
    assert.notProperty(pod, "nodeName")
    assert.strictEqual(made.spec.replicas, 0)
    assert.deepEqual(made.spec.volumeClaimTemplates, [
      { metadata: { name: "data", labels: { app: "copy" } }, spec: {} }
    ])
  })

  it("keeps its claims until all is done, and says what is to be so then", () => {
    assert.strictEqual(made.spec.persistentVolumeClaimRetentionPolicy.whenScaled, "Retain")
    assert.include(made.metadata.annotations["kubectl-stateful.dev/retention-before"], "Delete")
  })

  it("selects and is selected by its own labels alone", () => {
    assert.deepEqual(made.spec.selector, {
      matchLabels: { app: "copy" },
      matchExpressions: [{ key: "app", operator: "In", values: ["copy"] }]
    })
    assert.deepEqual(made.spec.template.metadata.labels, {
      app: "copy",
      tier: "data",
      [cloneLabel]: "0badcafe"
    })
    const [term] = pod.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution
    assert.deepEqual(term.labelSelector, { matchLabels: { app: "copy" } })
  })

  it("follows every reference to what is copied, and no other", () => {
    const [conf, pass, all] = pod.volumes
    assert.strictEqual(conf.configMap.name, "copy-conf")
    assert.strictEqual(pass.secret.secretName, "copy-pass")
    assert.deepEqual(all.projected.sources, [
      { configMap: { name: "copy-conf" } },
      { secret: { name: "copy-pass" } }
    ])
    const [container] = pod.containers
    assert.strictEqual(container.env[1].valueFrom.configMapKeyRef.name, "copy-conf")
    assert.strictEqual(container.env[2].valueFrom.secretKeyRef.name, "copy-pass")
    assert.deepEqual(container.envFrom, [
      { secretRef: { name: "copy-pass" } },
      { configMapRef: { name: "other" } }
    ])
    assert.strictEqual(pod.serviceAccountName, "copy")
    assert.deepEqual(pod.imagePullSecrets, [{ name: "copy-pass" }])
    assert.strictEqual(made.spec.serviceName, "copy")
    assert.deepEqual(container.args, ["--join=copy-0.copy.new.svc.cluster.local:5432", "db"])
    assert.strictEqual(container.env[0].value, "postgres://copy-read:5432/db")
  })
})

describe("host names of the source", () => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ["db.shop", "copy.new"],
    ["db.shop.svc.cluster.local:1", "copy.new.svc.cluster.local:1"],
    ["db-0.db,db-1.db", "copy-0.copy,copy-1.copy"],
    ["http://db/x http://db-read:1", "http://copy/x http://copy-read:1"],
    ["user@db", "user@copy"],
    ["db", "db"],
    ["my-db.shop", "my-db.shop"],
    ["db.shopping", "db.shopping"],
    ["xdb-0.db.y", "xdb-0.db.y"],
    ["http://db-other/", "http://db-other/"]
  ]
  for (const [text, expected] of cases)
    it(`${text} becomes ${expected}`, () => assert.strictEqual(hostsIn(renaming, text), expected))
})

describe("an object that is copied", () => {
  it("of a Service gives back its addresses and ports, and stays headless where it was", () => {
    const service = (spec: object) =>
      objectManifest(
        renaming,
        "Service",
        { metadata: { name: "db", uid: "x" }, spec: { selector: { app: "db" }, ...spec }, status: {} },
        null
      )
    const ports = [{ port: 1, nodePort: 30_000 }]
    const made = service({
      type: "NodePort",
      clusterIP: "10.0.0.1",
      clusterIPs: ["10.0.0.1"],
      ports,
      externalIPs: ["1.2.3.4"],
      healthCheckNodePort: 3,
      loadBalancerIP: "1.2.3.4"
    })
    assert.deepEqual(made, {
      metadata: { name: "copy" },
      spec: { type: "NodePort", selector: { app: "copy" }, ports: [{ port: 1 }] }
    })
    assert.strictEqual(service({ clusterIP: "None" }).spec.clusterIP, "None")
  })

  it("of a ConfigMap follows hosts in its texts, of a Secret keeps its values, and immutable ones stay so", () => {
    const config = { metadata: { name: "db-conf" }, data: { a: "db-0.db.shop" }, binaryData: { b: "AA==" } }
    assert.deepEqual(objectManifest(renaming, "ConfigMap", config, null), {
      metadata: { name: "copy-conf" },
      data: { a: "copy-0.copy.new" },
      binaryData: { b: "AA==" }
    })
    const secret = {
      metadata: { name: "pass" },
      type: "Opaque",
      immutable: true,
      data: { a: "ZGIuc2hvcA==" }
    }
    assert.deepEqual(objectManifest(renaming, "Secret", secret, null), {
      metadata: { name: "copy-pass" },
      type: "Opaque",
      immutable: true,
      data: { a: "ZGIuc2hvcA==" }
    })
  })

  it("of an account brings no identity and no token along", () => {
    const account = {
      metadata: { name: "db", annotations: { "eks.amazonaws.com/role-arn": "all" } },
      secrets: [{ name: "token" }],
      imagePullSecrets: [{ name: "pass" }]
    }
    const made = JSON.parse(JSON.stringify(objectManifest(renaming, "ServiceAccount", account, null)))
    assert.deepEqual(made, { metadata: { name: "copy" }, imagePullSecrets: [{ name: "copy-pass" }] })
  })

  it("is owned by the new StatefulSet where the old one owned it, and else by nobody", () => {
    const config = { metadata: { name: "db-conf", ownerReferences: [{ uid: "old" }] } }
    const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "copy", uid: "new" }
    assert.deepEqual(
      objectManifest(renaming, "ConfigMap", config, { uid: "new", ofSource: true }).metadata.ownerReferences,
      [owner]
    )
    assert.notProperty(
      objectManifest(renaming, "ConfigMap", config, { uid: "new", ofSource: false }).metadata,
      "ownerReferences"
    )
  })
})

describe("a selector without the application's name", () => {
  const to = (namespace: string, name: string) => ({
    from: renaming.from,
    to: { namespace, name }
  })

  it("is told apart by the label of the instance, in whatever order they stand", () => {
    const label = distinguishing(to("shop", "copy"), { tier: "data", app: "postgres" })
    assert.deepEqual(label, { key: "app", value: "postgres" })
  })

  it("is left as it is where the name tells it apart, or the namespace alone", () => {
    assert.isNull(distinguishing(to("shop", "copy"), { app: "db" }))
    assert.isNull(distinguishing(to("new", "db"), { app: "postgres" }))
  })
})

const ended = (exitCode: number): CheckPod => ({
  metadata: { name: "x", uid: "x" },
  status: { containerStatuses: [{ name: "prove", state: { terminated: { exitCode } } }] }
})

describe("a fence", () => {
  const { none, source, server, unable } = ends
  const cases: ReadonlyArray<readonly [string, number, number, string]> = [
    ["holds where only the pod beside it reaches the source", none, source, "Holds"],
    [
      "holds where the API server alone is reached behind it, and the source beside it",
      server,
      source,
      "Holds"
    ],
    ["holds where no source runs and only the pod beside it reaches the API server", none, server, "Holds"],
    ["is open where the source is reached behind it", source, source, "Open"],
    ["is open where no source runs and the API server is reached behind it", server, server, "Open"],
    ["is not proven where nothing is reached beside it either", none, none, "Unknown"],
    ["is not proven by an image without tools", unable, unable, "Unknown"],
    ["is not proven by a pod that was killed", 137, source, "Unknown"],
    ["is not proven by an exit code of 0, which says nothing", 0, 0, "Unknown"]
  ]
  for (const [what, behind, beside, verdict] of cases)
    it(what, () => assert.strictEqual(verdictOf(ended(behind), ended(beside))._tag, verdict))

  it("is tried by a script that a shell can read", () => {
    assert.strictEqual(execFileSync("sh", ["-n", "-c", script], { encoding: "utf8" }), "")
  })
})
