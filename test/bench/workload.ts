/** StatefulSets to be scaled, on fake nodes or real ones, and volumes for their claims. */
import { kubectl } from "../cluster/suite/commands.ts"
import { get } from "../cluster/suite/read.ts"

export interface Shape {
  readonly name: string
  readonly namespace: string
  readonly replicas?: number
  /** On kwok's nodes, ready after this delay; otherwise on kubelets. */
  readonly fake?: { readonly readyAfter: string }
  /** On kubelets: a readiness probe that waits at least so many seconds. */
  readonly readySeconds?: number
  /** One claim of this class a replica. */
  readonly storageClass?: string
  /** All pods are created at once. */
  readonly parallel?: boolean
}

const podSpec = (shape: Shape): object =>
  shape.fake === undefined
    ? {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: "main",
            image: "docker.io/local/busybox:1",
            imagePullPolicy: "Never",
            command: ["httpd", "-f", "-p", "8080"],
            ...(shape.readySeconds === undefined
              ? {}
              : {
                  readinessProbe: {
                    tcpSocket: { port: 8080 },
                    initialDelaySeconds: shape.readySeconds,
                    periodSeconds: 1
                  }
                })
          }
        ]
      }
    : {
        nodeSelector: { type: "kwok" },
        tolerations: [{ key: "kwok.x-k8s.io/node", operator: "Exists" }],
        containers: [{ name: "main", image: "docker.io/local/busybox:1" }]
      }

const statefulSet = (shape: Shape): object => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: shape.name, namespace: shape.namespace },
  spec: {
    replicas: shape.replicas ?? 0,
    serviceName: shape.name,
    ...(shape.parallel === true ? { podManagementPolicy: "Parallel" } : {}),
    selector: { matchLabels: { app: shape.name } },
    template: {
      metadata: {
        labels: { app: shape.name },
        annotations:
          shape.fake === undefined ? {} : { "pod-ready.stage.kwok.x-k8s.io/delay": shape.fake.readyAfter }
      },
      spec: podSpec(shape)
    },
    ...(shape.storageClass === undefined
      ? {}
      : {
          volumeClaimTemplates: [
            {
              metadata: { name: "data" },
              spec: {
                storageClassName: shape.storageClass,
                accessModes: ["ReadWriteOnce"],
                resources: { requests: { storage: "16Mi" } }
              }
            }
          ]
        })
  }
})

const at = (shape: Shape): ReadonlyArray<string> => ["-n", shape.namespace]

/** Until it has its first replicas. */
export const create = (shape: Shape): Promise<void> => createAll([shape])

/** Until each has its first replicas. */
export const createAll = async (shapes: ReadonlyArray<Shape>): Promise<void> => {
  const items = shapes.map(statefulSet)
  await kubectl(["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }))
  for (const shape of shapes)
    await kubectl(["rollout", "status", `sts/${shape.name}`, ...at(shape), "--timeout=300s"])
}

/** Until no pod and no provisioned volume of it is left to be busy with. */
export const remove = async (shape: Shape): Promise<void> => {
  await kubectl(["delete", "sts", shape.name, ...at(shape), "--cascade=foreground", "--timeout=300s"])
  await kubectl(["delete", "pvc", "--all", ...at(shape), "--wait=false"])
  await kubectl(["delete", "pv", "-l", `bench=${shape.namespace}`, "--wait=false"])
  for (;;) {
    const claims = await kubectl(["get", "pvc", ...at(shape), "-o", "name"])
    const { items } = await get<{
      readonly items: ReadonlyArray<{ readonly spec: { readonly claimRef?: { readonly namespace: string } } }>
    }>(["pv"])
    const bound = items.some(({ spec }) => spec.claimRef?.namespace === shape.namespace)
    if (!bound && claims === "") return
    await new Promise((resume) => setTimeout(resume, 500))
  }
}

let made = 0

/** Volumes of a class that nothing has to make; they bind at once. Their names are never used again. */
export const volumes = async (shape: Shape, count: number): Promise<void> => {
  const run = (made += 1)
  const items = Array.from({ length: count }, (_, index) => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: {
      name: `${shape.namespace}-${process.pid}-${run}-${index}`,
      labels: { bench: shape.namespace }
    },
    spec: {
      storageClassName: shape.storageClass,
      capacity: { storage: "16Mi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      hostPath: { path: `/tmp/${shape.namespace}-${index}` }
    }
  }))
  await kubectl(["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items }))
}

/** A class whose volumes are those of `volumes`, bound before any pod is there. */
export const immediateClass = (name: string): Promise<string> =>
  kubectl(
    ["apply", "-f", "-"],
    JSON.stringify({
      apiVersion: "storage.k8s.io/v1",
      kind: "StorageClass",
      metadata: { name },
      provisioner: "kubernetes.io/no-provisioner",
      volumeBindingMode: "Immediate"
    })
  )
