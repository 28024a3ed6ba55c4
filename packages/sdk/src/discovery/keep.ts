/**
 * The stored data of each pod while it is followed: the fields that peers consist of, with values that all
 * pods of a set share stored once.
 */
import * as Predicate from "effect/Predicate"
import type { KubeObject } from "../resource/KubeObject.ts"
import { drainingAnnotation } from "../Labels.ts"

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields => (Predicate.isObject(value) ? value : {})

/** The fields that exist. */
const only = (from: unknown, ...names: ReadonlyArray<string>): Record<string, unknown> => {
  const fields = fieldsOf(from)
  const kept: Record<string, unknown> = {}
  for (const name of names) if (fields[name] != null) kept[name] = fields[name]
  return kept
}

/** Without the label with the pod's name, so that pods of one zone share them. */
const labelsOf = (labels: unknown): Record<string, unknown> =>
  only(labels, "controller-revision-hash", "topology.kubernetes.io/zone")

const each = (value: unknown, ...names: ReadonlyArray<string>): ReadonlyArray<unknown> =>
  Array.isArray(value) ? value.map((item) => only(item, ...names)) : []

const conditionsOf = (status: Fields, isReady: boolean): ReadonlyArray<unknown> =>
  each(status["conditions"], "type", "status", "reason", "message", "lastTransitionTime").filter(
    (condition) => !isReady || fieldsOf(condition)["type"] === "Ready"
  )

/** Beyond this number of different values, new ones are no longer compared with the stored ones. */
const mostShared = 1000

/** A `keep` for one watch of pods. */
export const podKeeper = (): ((pod: KubeObject) => KubeObject) => {
  const seen = new Map<string, unknown>()
  /** The stored value, if an equal one was stored. */
  const shared = <A>(value: A): A => {
    const text = JSON.stringify(value)
    const before = seen.get(text)
    if (before !== undefined) return before as A
    if (seen.size < mostShared) seen.set(text, value)
    return value
  }
  return (pod) => {
    const { metadata } = pod
    const [spec, status] = [fieldsOf(pod["spec"]), fieldsOf(pod["status"])]
    const conditions = Array.isArray(status["conditions"]) ? status["conditions"] : []
    const isReady = conditions.some((one) => one?.type === "Ready" && one?.status === "True")
    return {
      apiVersion: pod.apiVersion,
      kind: pod.kind,
      metadata: {
        name: metadata.name,
        ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
        ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
        ...only(metadata, "namespace", "deletionTimestamp"),
        labels: shared(labelsOf(metadata["labels"])),
        annotations: shared(only(metadata["annotations"], drainingAnnotation)),
        ownerReferences: shared(metadata["ownerReferences"] ?? [])
      },
      spec: {
        ...(spec["hostname"] === metadata.name ? { hostname: metadata.name } : only(spec, "hostname")),
        ...only(shared(only(spec, "nodeName", "subdomain")), "nodeName", "subdomain"),
        containers: shared(each(spec["containers"], "name", "ports")),
        initContainers: shared(each(spec["initContainers"], "name", "ports", "restartPolicy")),
        readinessGates: shared(spec["readinessGates"] ?? []),
        ...only(spec, "schedulingGates")
      },
      status: {
        phase: shared(status["phase"]),
        podIPs: status["podIPs"] ?? [],
        conditions: shared(conditionsOf(status, isReady)),
        // The state of containers is reported only while the pod is not ready.
        ...(isReady ? {} : only(status, "reason", "message", "containerStatuses", "initContainerStatuses"))
      }
    }
  }
}
