/** Creates the claims of generic ephemeral volumes: owned by the pod, and deleted with it. */
import { controlledBy } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import { persistentvolumeclaims, type Pod, pods } from "../registry/kinds/core.ts"
import { claimOf } from "./ClaimUse.ts"
import type { Controller } from "./Controller.ts"

const isOf = (pod: Pod): boolean =>
  pod.spec.volumes?.some(({ ephemeral }) => ephemeral !== undefined) === true

export const ephemeralVolumes = (registry: Registry): Controller => {
  const { store } = registry
  return {
    name: "ephemeral-volume",
    keysOf: ({ kind, type, object }) => {
      const { namespace, name, ownerReferences } = object.metadata
      // A claim that is gone before its pod is made again.
      if (type === persistentvolumeclaims && kind === "DELETED") {
        return (ownerReferences ?? [])
          .filter((owner) => owner.kind === "Pod" && owner.controller === true)
          .map((owner) => `${namespace}/${owner.name}`)
      }
      // The store hands out what it holds: this is a pod.
      return type === pods && kind === "ADDED" && isOf(object as Pod) ? [`${namespace}/${name}`] : []
    },
    reconcile: (key) => {
      const [namespace, name = ""] = key.split("/")
      const pod = store.get(pods, namespace, name)
      if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return undefined
      for (const volume of pod.spec.volumes ?? []) {
        const template = volume.ephemeral?.volumeClaimTemplate
        const claim = claimOf(pod, volume) ?? ""
        if (template === undefined || store.get(persistentvolumeclaims, namespace, claim) !== undefined)
          continue
        registry.create(persistentvolumeclaims, namespace, {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: {
            name: claim,
            ...(template.metadata?.labels === undefined ? {} : { labels: template.metadata.labels }),
            ...(template.metadata?.annotations === undefined
              ? {}
              : { annotations: template.metadata.annotations }),
            ownerReferences: [controlledBy(pod)]
          },
          spec: template.spec
        })
      }
      return undefined
    }
  }
}
