/** Gives each pod a node: one that suits, with the fewest of its kin in the zone, then on the node. */
import { controllerOf, keyOf } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import {
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentvolumeclaims,
  persistentvolumes,
  type Pod,
  pods
} from "../registry/kinds/core.ts"
import { storageclasses } from "../registry/kinds/storage.ts"
import { classOf } from "../registry/StorageClassOf.ts"
import { selectedNode } from "../controller/Provisioner.ts"
import { isFreeFor } from "../controller/Claims.ts"
import { claimOf, usersOf } from "../controller/ClaimUse.ts"
import { withCondition } from "../controller/Condition.ts"
import type { Controller } from "../controller/Controller.ts"
import { holds, repelled, spread, unfit } from "./Placement.ts"
import type { PodsByNode } from "../registry/PodsByNode.ts"
import type { Recorder } from "../controller/Recorder.ts"
import { isEnd } from "../registry/PodPhase.ts"

const zone = "topology.kubernetes.io/zone"
const region = "topology.kubernetes.io/region"
const component = "default-scheduler"

const tally = (reasons: ReadonlyArray<string>): string => {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(", ")
}

/** The labels that the PodTopologyLabels admission copies from the node, since Kubernetes 1.35 (KEP-4742). */
const topologyOf = (node: Node): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [region, zone].flatMap((key) => {
      const value = node.metadata.labels?.[key]
      return value === undefined ? [] : [[key, value]]
    })
  )

export const scheduler = (registry: Registry, byNode: PodsByNode, recorder: Recorder): Controller => {
  const { store } = registry

  const refuse = (pod: Pod, message: string): void => {
    byNode.forget(pod)
    recorder.record(pod, { type: "Warning", reason: "FailedScheduling", message, component })
    registry.setStatus(pods, pod, {
      ...pod.status,
      conditions: withCondition(
        pod.status.conditions ?? [],
        { type: "PodScheduled", status: "False", reason: "Unschedulable", message },
        registry.now()
      )
    })
  }

  /**
   * The volumes of the pod's claims, and the claims that wait for it; or the reason that it cannot be
   * scheduled.
   */
  const storage = (
    pod: Pod
  ):
    | { readonly volumes: ReadonlyArray<PersistentVolume>; readonly waiting: ReadonlyArray<string> }
    | string => {
    const volumes: Array<PersistentVolume> = []
    const waiting: Array<string> = []
    for (const each of pod.spec.volumes ?? []) {
      const name = claimOf(pod, each)
      if (name === undefined) continue
      const isEphemeral = each.ephemeral !== undefined
      const claim = store.get(persistentvolumeclaims, pod.metadata.namespace, name)
      if (claim === undefined) {
        return isEphemeral
          ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${JSON.stringify(name)}`
          : `persistentvolumeclaim ${JSON.stringify(name)} not found`
      }
      if (claim.metadata.deletionTimestamp !== undefined) {
        return `persistentvolumeclaim ${JSON.stringify(name)} is being deleted`
      }
      if (isEphemeral && controllerOf(claim)?.uid !== pod.metadata.uid) {
        const { namespace } = pod.metadata
        return `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`
      }
      const volume = store.get(persistentvolumes, undefined, claim.spec.volumeName ?? "")
      if (claim.status.phase === "Bound" && volume !== undefined) volumes.push(volume)
      else {
        const late =
          store.get(storageclasses, undefined, classOf(claim))?.volumeBindingMode === "WaitForFirstConsumer"
        if (!late) return "pod has unbound immediate PersistentVolumeClaims"
        waiting.push(name)
      }
    }
    return { volumes, waiting }
  }

  const select = (pod: Pod, name: string, node: Node): void => {
    registry.update(persistentvolumeclaims, pod.metadata.namespace, name, (current) => ({
      ...current,
      metadata: {
        ...current.metadata,
        annotations: { ...current.metadata.annotations, [selectedNode]: node.metadata.name }
      }
    }))
  }

  const schedule = (pod: Pod): void => {
    const all = store.list(nodes)
    const found = storage(pod)
    if (typeof found === "string") return refuse(pod, `0/${all.length} nodes are available: ${found}.`)
    const domainOf = (name: string, key: string) => store.get(nodes, undefined, name)?.metadata.labels?.[key]
    // Nothing provisions a volume for these: they are scheduled where one exists.
    const byHand = found.waiting.flatMap((name) => {
      const claim = store.get(persistentvolumeclaims, pod.metadata.namespace, name)
      const isMade = (each: PersistentVolumeClaim): boolean =>
        store.get(storageclasses, undefined, classOf(each))?.provisioner !== "kubernetes.io/no-provisioner"
      return claim === undefined || isMade(claim)
        ? []
        : [store.list(persistentvolumes).filter((volume) => isFreeFor(volume, claim))]
    })
    const hasVolumes = (node: Node): boolean =>
      byHand.every((volumes) => volumes.some((volume) => holds(node, volume)))
    const reasons: Array<string> = []
    const kin = new Map<string, number>()
    for (const node of all) {
      const home = node.metadata.labels?.[zone] ?? ""
      kin.set(home, (kin.get(home) ?? 0) + byNode.kin(pod, node.metadata.name))
    }
    const suited: Array<readonly [inZone: number, onNode: number, node: Node]> = []
    const isFar = spread(registry, pod, all, byNode)
    const isRepelled = repelled(registry, pod, domainOf, byNode)
    for (const node of all) {
      const why =
        unfit(pod, node, found.volumes, byNode, isFar, isRepelled) ??
        (hasVolumes(node) ? undefined : "node(s) didn't find available persistent volumes to bind")
      if (why !== undefined) reasons.push(why)
      else {
        suited.push([
          kin.get(node.metadata.labels?.[zone] ?? "") ?? 0,
          byNode.kin(pod, node.metadata.name),
          node
        ])
      }
    }
    const [best] = suited.toSorted(
      ([zoneA, nodeA, a], [zoneB, nodeB, b]) =>
        zoneA - zoneB || nodeA - nodeB || (a.metadata.name < b.metadata.name ? -1 : 1)
    )
    if (best === undefined) return refuse(pod, `0/${all.length} nodes are available: ${tally(reasons)}.`)
    const node = best[2]
    if (found.waiting.length > 0) {
      // The node is chosen once; the claims are bound there, and then the pod.
      const chosen = found.waiting
        .map((name) => store.get(persistentvolumeclaims, pod.metadata.namespace, name))
        .map((claim) => claim?.metadata.annotations?.[selectedNode])
        .find((name) => name !== undefined)
      // The next pod finds this one there: the scheduler assumes it before its volumes are made.
      byNode.assume(pod, chosen ?? node.metadata.name)
      if (chosen === undefined) for (const name of found.waiting) select(pod, name, node)
      return undefined
    }
    const { namespace, name } = pod.metadata
    recorder.record(pod, {
      reason: "Scheduled",
      message: `Successfully assigned ${namespace}/${name} to ${node.metadata.name}`,
      component
    })
    store.put(pods, {
      ...pod,
      metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...topologyOf(node) } },
      spec: { ...pod.spec, nodeName: node.metadata.name },
      status: {
        ...pod.status,
        conditions: withCondition(
          pod.status.conditions ?? [],
          { type: "PodScheduled", status: "True" },
          registry.now()
        )
      }
    })
    return undefined
  }

  return {
    name: "scheduler",
    keysOf: ({ kind, type, object }) => {
      const { namespace, name } = object.metadata
      if (type === pods) {
        const key = keyOf(object)
        if (kind === "ADDED") return [key]
        // The store hands out what it holds: this is a pod. One that ends or is deleted makes room.
        const { spec, status } = object as Pod
        const isOver = kind === "DELETED" || isEnd(status.phase)
        return isOver ? byNode.keys() : spec.nodeName === undefined ? [key] : []
      }
      if (type === nodes) return byNode.keys()
      const claim =
        type === persistentvolumeclaims ? store.get(persistentvolumeclaims, namespace, name) : undefined
      return claim === undefined
        ? []
        : usersOf(registry, claim)
            .filter(({ spec }) => spec.nodeName === undefined)
            .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    },
    reconcile: (key) => {
      const [namespace, name = ""] = key.split("/")
      const pod = store.get(pods, namespace, name)
      const done =
        pod === undefined || pod.spec.nodeName !== undefined || pod.metadata.deletionTimestamp !== undefined
      // A pod that names another scheduler waits for that one.
      if (!done && pod.spec.schedulerName === "default-scheduler") schedule(pod)
      return undefined
    }
  }
}
