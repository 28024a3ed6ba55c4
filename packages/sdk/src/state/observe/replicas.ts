/** A workload's replicas, out of its pods. */
import * as Ordinal from "../../Ordinal.ts"
import { type ContainerStatus, hasEnded, type Pod } from "../../kind/Pod.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { compareNames } from "../../NameOrder.ts"
import { type NodesByName, readinessOf } from "../Readiness.ts"
import { type Container, healthOf, type Replica } from "../../Replica.ts"

const stateOf = ({ state }: ContainerStatus): string => {
  if (state?.running) return "Running"
  return state?.waiting?.reason ?? state?.terminated?.reason ?? (state?.terminated ? "Terminated" : "Waiting")
}

const containersOf = (pod: Pod): ReadonlyArray<typeof Container.Type> => {
  const statuses = new Map(
    [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].map((status) => [
      status.name,
      status
    ])
  )
  // An init container that restarts always is a side-car: it runs as long as the pod does.
  const sideCars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")
  return [...sideCars, ...pod.spec.containers].map(({ name, image }) => {
    const status = statuses.get(name)
    return {
      name,
      image: image ?? status?.image ?? "",
      ready: status?.ready === true,
      restarts: status?.restartCount ?? 0,
      state: status ? stateOf(status) : "Waiting"
    }
  })
}

/** Ordinals without a pod are listed up to this many, so that a mistyped `replicas: 2000000000` is only a number. */
const toldOrdinals = 10_000

/** The hash of the revision that made the pod, as its controller labels it. */
export const revisionOf = (pod: Pod): string | null =>
  pod.metadata.labels?.["controller-revision-hash"] ?? pod.metadata.labels?.["pod-template-hash"] ?? null

const fqdnOf = (pod: Pod, services: ReadonlySet<string> | null): string | null => {
  const { hostname, subdomain } = pod.spec
  if (!hostname || !subdomain || (services !== null && !services.has(subdomain))) return null
  return `${hostname}.${subdomain}.${pod.metadata.namespace ?? "default"}.svc`
}

/** Facts about the pods from other objects. */
export interface Surroundings {
  readonly nodes: NodesByName
  /** Names of the Services that select pods, and so may name them; `null` if they could not be read. */
  readonly services: ReadonlySet<string> | null
  /** The update revision of the workload; `null` if unknown, so that every pod counts as current. */
  readonly updateRevision: string | null
}

const podFacts = (pod: Pod, around: Surroundings): NonNullable<Replica["pod"]> => {
  const { ready, since, reason } = readinessOf(pod, around.nodes)
  const containers = containersOf(pod)
  const revision = revisionOf(pod)
  return {
    uid: pod.metadata.uid ?? "",
    created: pod.metadata.creationTimestamp ?? "",
    deleted: pod.metadata.deletionTimestamp ?? null,
    phase: pod.status?.phase ?? "Unknown",
    ready,
    readySince: since,
    reason,
    restarts: containers.reduce((total, container) => total + container.restarts, 0),
    containers,
    revision,
    current: around.updateRevision === null || revision === null || revision === around.updateRevision,
    hostname: pod.spec.hostname ?? null,
    fqdn: fqdnOf(pod, around.services),
    ips: (pod.status?.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : [])),
    node: pod.spec.nodeName || null,
    qos: pod.status?.qosClass ?? null,
    priorityClass: pod.spec.priorityClassName ?? null
  }
}

/**
 * The replicas of one workload: for a StatefulSet every ordinal that is asked for and every
 * pod that is there, in the order of ordinals; for others every pod, by name.
 */
export const observeReplicas = (appWorkload: AppWorkload, around: Surroundings): ReadonlyArray<Replica> => {
  const known = appWorkload.pods !== null
  const base = { workload: appWorkload.key, known }
  if (appWorkload.kind !== "StatefulSet") {
    const replicas = (appWorkload.pods ?? [])
      .filter((pod) => !hasEnded(pod))
      .map((pod): Replica => ({
        ...base,
        ordinal: null,
        name: pod.metadata.name,
        wanted: true,
        pod: podFacts(pod, around)
      }))
      .toSorted((a, b) => compareNames(a.name, b.name))
    const serving = (replica: Replica) => healthOf(replica) === "Ready"
    return appWorkload.kind === "Deployment" &&
      replicas.filter(serving).length >= (appWorkload.object.spec.replicas ?? 1)
      ? replicas.map((replica) => ({ ...replica, wanted: serving(replica) }))
      : replicas
  }
  const set = appWorkload.object
  const { start, count } = Ordinal.wanted(set)
  const found = new Map<number, Pod>()
  const strays: Array<Pod> = []
  for (const pod of appWorkload.pods ?? []) {
    const ordinal = Ordinal.ofPod(set, pod)
    if (ordinal === null || found.has(ordinal)) strays.push(pod)
    else found.set(ordinal, pod)
  }
  const ordinals = new Set([...Ordinal.range(start, Math.min(count, toldOrdinals)), ...found.keys()])
  return [
    ...[...ordinals]
      .toSorted((a, b) => a - b)
      .map((ordinal) => {
        const pod = found.get(ordinal)
        return {
          ...base,
          ordinal,
          name: pod?.metadata.name ?? Ordinal.podName(set.metadata.name, ordinal),
          wanted: Ordinal.isWanted(set, ordinal),
          pod: pod ? podFacts(pod, around) : null
        }
      }),
    ...strays.map((pod) => ({
      ...base,
      ordinal: null,
      name: pod.metadata.name,
      wanted: false,
      pod: podFacts(pod, around)
    }))
  ]
}
