/** A cluster with everything installed that a state may ask for, and pods that name it. */
import * as Effect from "effect/Effect"
import { make, resourceType } from "@kubectl-stateful/sandbox"
import * as TestClock from "effect/testing/TestClock"

const custom = [
  resourceType("velero.io", "v1", "backups", "Backup"),
  resourceType("volsync.backube", "v1alpha1", "replicationsources", "ReplicationSource"),
  resourceType("secrets-store.csi.x-k8s.io", "v1", "secretproviderclasses", "SecretProviderClass"),
  resourceType("resource.k8s.io", "v1", "resourceclaims", "ResourceClaim", { custom: false }),
  resourceType("resource.k8s.io", "v1", "resourceclaimtemplates", "ResourceClaimTemplate", { custom: false }),
  resourceType("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", {
    custom: false,
    clusterScoped: true
  }),
  resourceType("certificates.k8s.io", "v1beta1", "clustertrustbundles", "ClusterTrustBundle", {
    custom: false,
    clusterScoped: true
  })
]

const db = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "db", namespace: "shop" },
  spec: {
    replicas: 0,
    serviceName: "db",
    selector: { matchLabels: { app: "db" } },
    template: {
      metadata: { labels: { app: "db" } },
      spec: {
        priorityClassName: "high",
        runtimeClassName: "small",
        resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "gpu" }],
        containers: [{ name: "db", image: "db:1" }],
        volumes: [
          {
            name: "secrets",
            csi: {
              driver: "secrets-store.csi.k8s.io",
              volumeAttributes: { secretProviderClass: "vault" }
            }
          },
          {
            name: "trust",
            projected: { sources: [{ clusterTrustBundle: { name: "root", path: "root.pem" } }] }
          }
        ]
      }
    }
  }
}

export const extended = Effect.gen(function* () {
  const sandbox = yield* make({ namespaces: ["shop"], resources: custom })
  sandbox.create(db)
  yield* TestClock.adjust("1 second")
  return sandbox
})
