/** A small application with all that has to be renamed when it is restored as another one; each member answers with its name. */

const image = "docker.io/local/busybox:1"

/** Writes its name into its volume where that is empty, and answers whoever connects to port 7000. */
const script = `trap "exit 0" TERM
[ -e /data/mark ] || { hostname > /data/mark; sync; }
(while :; do nc -l -p 7000 -e hostname; done) & sleep 36000 & wait $!`

export const application = (namespace: string) => [
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "db-conf" },
    data: { peers: `db-0.db.${namespace}.svc.cluster.local,db-1.db.${namespace}.svc.cluster.local` }
  },
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "pass" },
    immutable: true,
    stringData: { password: "nobody-sees-this" }
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db" },
    spec: { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 7000 }] }
  },
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "db" },
    spec: { maxUnavailable: 1, selector: { matchLabels: { app: "db" } } }
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      replicas: 2,
      serviceName: "db",
      podManagementPolicy: "Parallel",
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: {
          terminationGracePeriodSeconds: 5,
          volumes: [{ name: "conf", configMap: { name: "db-conf" } }],
          containers: [
            {
              name: "main",
              image,
              imagePullPolicy: "Never",
              command: ["sh", "-c", script],
              ports: [{ containerPort: 7000 }],
              env: [{ name: "PASSWORD", valueFrom: { secretKeyRef: { name: "pass", key: "password" } } }],
              volumeMounts: [
                { name: "data", mountPath: "/data" },
                { name: "conf", mountPath: "/conf" }
              ]
            }
          ]
        }
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "64Mi" } } }
        }
      ]
    }
  }
]
