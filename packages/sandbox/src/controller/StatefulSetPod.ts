/** The pod and the claims that a StatefulSet has at an ordinal, by name and by content. */
import { controlledBy, type Draft, type OwnerReference } from "../apimachinery/KubeObject.ts"
import type { ClaimTemplate, PodTemplate, StatefulSet } from "../registry/kinds/apps.ts"
import type { Condition, Pod } from "../registry/kinds/core.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"

export const startOf = (set: StatefulSet): number => set.spec.ordinals?.start ?? 0

/** -1 for a pod whose name is not the set's. */
export const ordinalOf = (set: StatefulSet, pod: Pod): number => {
  const prefix = `${set.metadata.name}-`
  const rest = pod.metadata.name.slice(prefix.length)
  return pod.metadata.name.startsWith(prefix) && /^\d+$/.test(rest) ? Number(rest) : -1
}

export const revisionLabel = "controller-revision-hash"

export const revisionOf = (pod: Pod): string | undefined => pod.metadata.labels?.[revisionLabel]

export const claimName = (template: ClaimTemplate, set: StatefulSet, ordinal: number): string =>
  `${template.metadata.name}-${set.metadata.name}-${ordinal}`

export const podAt = (set: StatefulSet, template: PodTemplate, revision: string, ordinal: number): Draft => {
  const name = `${set.metadata.name}-${ordinal}`
  const claims = set.spec.volumeClaimTemplates ?? []
  const claimed = new Set(claims.map((claim) => claim.metadata.name))
  const { labels, annotations } = template.metadata ?? {}
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      generateName: `${set.metadata.name}-`,
      labels: {
        ...labels,
        [revisionLabel]: revision,
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": String(ordinal)
      },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controlledBy(set)]
    },
    spec: {
      ...template.spec,
      hostname: name,
      ...(set.spec.serviceName === undefined || set.spec.serviceName === ""
        ? {}
        : { subdomain: set.spec.serviceName }),
      volumes: [
        ...claims.map((claim) => ({
          name: claim.metadata.name,
          persistentVolumeClaim: { claimName: claimName(claim, set, ordinal) }
        })),
        ...(template.spec.volumes ?? []).filter((volume) => !claimed.has(volume.name))
      ]
    }
  }
}

/** Each claim has the set's own labels, and no label of the ordinal. */
export const claimAt = (
  set: StatefulSet,
  template: ClaimTemplate,
  ordinal: number,
  owners: ReadonlyArray<OwnerReference>
): Draft => ({
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: {
    name: claimName(template, set, ordinal),
    labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
    ...(template.metadata.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
    ...(owners.length === 0 ? {} : { ownerReferences: owners })
  },
  spec: template.spec
})

export const conditionOf = (pod: Pod, type: string): Condition | undefined =>
  pod.status.conditions?.find((condition) => condition.type === type)

export const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined

export const isRunningAndReady = (pod: Pod): boolean =>
  pod.status.phase === "Running" && conditionOf(pod, "Ready")?.status === "True"

/** Milliseconds until the pod has been ready for long enough; 0 when it has, Infinity when it is not ready. */
export const untilAvailable = (pod: Pod, minReadySeconds: number, now: number): number => {
  if (!isRunningAndReady(pod)) return Number.POSITIVE_INFINITY
  const since = Timestamp.toMillis(conditionOf(pod, "Ready")?.lastTransitionTime ?? "")
  return minReadySeconds === 0 ? 0 : Math.max(0, since + minReadySeconds * 1000 - now)
}
