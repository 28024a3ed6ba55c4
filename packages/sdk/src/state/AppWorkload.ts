/**
 * A workload of the app as the API has it, with the pods that it owns.
 *
 * Owned means: named by the UID in a pod's controlling ownerReference. Names decide nothing,
 * `web-0` may be a StatefulSet as well as a pod of `web`.
 */
import type { AppRef } from "../App.ts"
import { type LabelSelector, type ObjectMeta, controllerOf } from "../kind/Meta.ts"
import type { Pod, PodTemplateSpec } from "../kind/Pod.ts"
import type { DaemonSet, Deployment, StatefulSet } from "../kind/Workload.ts"
import type { Lists } from "./observation.ts"
import { compareNames } from "../NameOrder.ts"

interface Common {
  /** `Kind/name`, as every part of a state refers to a workload. */
  readonly key: string
  readonly metadata: ObjectMeta
  readonly selector: LabelSelector
  readonly template: PodTemplateSpec
  /** `null` if pods could not be read. */
  readonly pods: ReadonlyArray<Pod> | null
}

export type AppWorkload = Common &
  (
    | { readonly kind: "StatefulSet"; readonly object: StatefulSet }
    | { readonly kind: "Deployment"; readonly object: Deployment }
    | { readonly kind: "DaemonSet"; readonly object: DaemonSet }
  )

/** Pods by the UID of what controls them; pods of a Deployment by the Deployment's, through its ReplicaSets. */
export const podsByController = (
  lists: Pick<Lists, "pods" | "replicasets">
): ReadonlyMap<string, ReadonlyArray<Pod>> | null => {
  if (lists.pods === null) return null
  const deployments = new Map(
    (lists.replicasets ?? []).map(({ metadata }) => [metadata.uid, controllerOf(metadata)?.uid])
  )
  return Map.groupBy(lists.pods, (pod) => {
    const owner = controllerOf(pod.metadata)?.uid
    return deployments.get(owner) ?? owner ?? ""
  })
}

/**
 * The pod template as the controller makes pods of it: a claim template's volume takes the place of a
 * pod volume of its name, whatever that one was.
 */
export const podTemplateOf = ({
  template,
  volumeClaimTemplates
}: Pick<StatefulSet["spec"], "template" | "volumeClaimTemplates">): PodTemplateSpec => {
  const claimed = new Set((volumeClaimTemplates ?? []).map(({ metadata }) => metadata.name))
  const volumes = template.spec.volumes ?? []
  return volumes.some(({ name }) => claimed.has(name))
    ? { ...template, spec: { ...template.spec, volumes: volumes.filter(({ name }) => !claimed.has(name)) } }
    : template
}

/** The app's workloads, StatefulSets first, each kind by name. */
export const appWorkloadsOf = (
  ref: AppRef,
  lists: Lists,
  podsOf: ReadonlyMap<string, ReadonlyArray<Pod>> | null = podsByController(lists)
): ReadonlyArray<AppWorkload> => {
  const wanted = (metadata: ObjectMeta) => ref._tag === "Selector" || metadata.name === ref.name
  const common = (
    kind: string,
    object: {
      readonly metadata: ObjectMeta
      readonly spec: { readonly selector: LabelSelector; readonly template: PodTemplateSpec }
    }
  ): Common => ({
    key: `${kind}/${object.metadata.name}`,
    metadata: object.metadata,
    selector: object.spec.selector,
    template: object.spec.template,
    pods: podsOf === null ? null : (podsOf.get(object.metadata.uid ?? "?") ?? [])
  })
  const appWorkloads: ReadonlyArray<AppWorkload> = [
    ...(lists.statefulsets ?? [])
      .filter((object) => wanted(object.metadata))
      .map((object) => ({
        kind: "StatefulSet" as const,
        object,
        ...common("StatefulSet", object),
        template: podTemplateOf(object.spec)
      })),
    ...(ref._tag === "StatefulSet" ? [] : (lists.deployments ?? [])).map((object) => ({
      kind: "Deployment" as const,
      object,
      ...common("Deployment", object)
    })),
    ...(ref._tag === "StatefulSet" ? [] : (lists.daemonsets ?? [])).map((object) => ({
      kind: "DaemonSet" as const,
      object,
      ...common("DaemonSet", object)
    }))
  ]
  const order = { StatefulSet: 0, Deployment: 1, DaemonSet: 2 }
  return appWorkloads.toSorted(
    (a, b) => order[a.kind] - order[b.kind] || compareNames(a.metadata.name, b.metadata.name)
  )
}
