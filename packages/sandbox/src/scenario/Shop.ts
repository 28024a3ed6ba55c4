/** The application of the scenarios: a ledger of three replicas with a volume each, and a web tier before it. */
import type { Draft } from "../apimachinery/KubeObject.ts"

export const namespace = "shop"

/** Both tiers carry it: `-l app.kubernetes.io/part-of=shop`. */
const partOf = { "app.kubernetes.io/part-of": "shop" }

const metadata = (name: string) => ({
  name,
  namespace,
  labels: { ...partOf, "app.kubernetes.io/name": name }
})

/** An object with its own fields in addition to the common ones. */
const configuration = (kind: string, name: string, fields: Readonly<Record<string, unknown>>): Draft => ({
  apiVersion: "v1",
  kind,
  metadata: metadata(name),
  ...fields
})

const headless = (name: string, port: number): Draft => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: metadata(name),
  spec: { clusterIP: "None", selector: { "app.kubernetes.io/name": name }, ports: [{ name, port }] }
})

/** One replica in each zone, as long as there are zones. */
const spread = (name: string) => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: "topology.kubernetes.io/zone",
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels: { "app.kubernetes.io/name": name } }
    }
  ]
})

const ledger: ReadonlyArray<Draft> = [
  headless("ledger", 7000),
  configuration("ConfigMap", "ledger-config", { data: { "opening-balance": "1000" } }),
  configuration("Secret", "ledger-key", { type: "Opaque", data: { key: btoa("not-a-real-key") } }),
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: metadata("ledger"),
    spec: { maxUnavailable: 1, selector: { matchLabels: { "app.kubernetes.io/name": "ledger" } } }
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: metadata("ledger"),
    spec: {
      serviceName: "ledger",
      replicas: 3,
      selector: { matchLabels: { "app.kubernetes.io/name": "ledger" } },
      template: {
        metadata: { labels: { ...partOf, "app.kubernetes.io/name": "ledger" } },
        spec: {
          ...spread("ledger"),
          terminationGracePeriodSeconds: 10,
          containers: [
            {
              name: "ledger",
              image: "ledger",
              ports: [{ name: "ledger", containerPort: 7000 }],
              envFrom: [{ configMapRef: { name: "ledger-config" } }, { secretRef: { name: "ledger-key" } }],
              resources: { requests: { cpu: "100m", memory: "128Mi" } },
              readinessProbe: { exec: { command: ["ledger", "balance"] }, periodSeconds: 1 },
              volumeMounts: [{ name: "data", mountPath: "/data" }]
            }
          ]
        }
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }
        }
      ]
    }
  }
]

const web: ReadonlyArray<Draft> = [
  headless("web", 80),
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: metadata("web"),
    spec: {
      serviceName: "web",
      replicas: 2,
      podManagementPolicy: "Parallel",
      selector: { matchLabels: { "app.kubernetes.io/name": "web" } },
      template: {
        metadata: { labels: { ...partOf, "app.kubernetes.io/name": "web" } },
        spec: {
          ...spread("web"),
          terminationGracePeriodSeconds: 5,
          containers: [{ name: "web", image: "web", resources: { requests: { cpu: "50m", memory: "64Mi" } } }]
        }
      }
    }
  }
]

export const shop: ReadonlyArray<Draft> = [...ledger, ...web]
