/** The objects that scripts send, each with as little in it as the server takes, and what they look for in them. */
import * as Effect from "effect/Effect"
import { at, type Conversation, text } from "../Conversation.ts"
import type { Json } from "../Normal.ts"

export const list = (value: Json | undefined): ReadonlyArray<Json> => (Array.isArray(value) ? value : [])

export const isReady = (object: Json): boolean =>
  list(at(object, "status.conditions")).some(
    (each) => text(each, "type") === "Ready" && text(each, "status") === "True"
  )

/** Pods name a scheduler that nobody runs: nothing but the script moves them on. */
export const podSpec = {
  schedulerName: "nobody",
  automountServiceAccountToken: false,
  containers: [{ name: "main", image: "local/none:1" }]
}

export const pod = (name: string, spec: object = {}, labels: object = { app: "web" }) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels },
  spec: { ...podSpec, ...spec }
})

/** A pod that a kubelet runs. */
export const running = (name: string, extra: object = {}) =>
  pod(name, {
    schedulerName: "default-scheduler",
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "main",
        image: "docker.io/local/busybox:1",
        imagePullPolicy: "Never",
        command: ["sleep", "3600"]
      }
    ],
    ...extra
  })

export const configMap = (name: string, extra: object = {}, labels: object = { app: "web" }) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
  data: { key: "value" },
  ...extra
})

export const secret = (name: string, extra: object = {}) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, labels: { app: "web" } },
  ...extra
})

export const claimSpec = {
  storageClassName: "nobody",
  accessModes: ["ReadWriteOnce"],
  resources: { requests: { storage: "1Gi" } }
}

export const claim = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name, labels: { app: "web" } },
  spec: { ...claimSpec, ...spec }
})

export const template = { metadata: { labels: { app: "web" } }, spec: podSpec }

export const set = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name, labels: { app: "web" }, ...metadata },
  spec: {
    replicas: 0,
    serviceName: "web",
    selector: { matchLabels: { app: "web" } },
    template,
    ...spec
  }
})

export const withClaims = {
  volumeClaimTemplates: [{ metadata: { name: "data" }, spec: claimSpec }]
}

export const service = (name: string, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...spec }
})

export const headless = (name: string, spec: object = {}) => service(name, { clusterIP: "None", ...spec })

export const lease = (name: string, spec: object = { holderIdentity: "me" }) => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { name },
  spec
})

export const budget = (name: string, spec: object) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name },
  spec: { selector: { matchLabels: { app: "web" } }, ...spec }
})

/** What makes a pod count as ready; the script is the kubelet. */
export const readyStatus = (ready = true) => ({
  status: {
    phase: "Running",
    conditions: [{ type: "Ready", status: ready ? "True" : "False" }]
  }
})

/** A node of the script's own, of whose kubelet nothing is heard after now; it goes with the script. */
export const silentNode = (to: Conversation) =>
  Effect.gen(function* () {
    const name = to.namespace
    yield* Effect.addFinalizer(() => Effect.ignore(to.silently("DELETE", `/api/v1/nodes/${name}`)))
    const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
    const time = new Date(now).toISOString().replace(/\.\d+Z$/, "Z")
    const condition = {
      type: "Ready",
      status: "True",
      reason: "KubeletReady",
      message: "",
      lastHeartbeatTime: time,
      lastTransitionTime: time
    }
    yield* to.quietly("POST", "/api/v1/nodes", {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { "contract-script": "yes", "kubernetes.io/hostname": name } }
    })
    yield* to.quietly(
      "PATCH",
      `/api/v1/nodes/${name}/status`,
      { status: { capacity: { cpu: "4", memory: "4Gi", pods: "10" }, conditions: [condition] } },
      { headers: { "content-type": "application/merge-patch+json" } }
    )
    to.bed.silence(name)
    return name
  })
