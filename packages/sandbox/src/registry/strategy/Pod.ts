/** Defaults, allowed updates and deletion of a pod. */
import {
  arrayAt,
  at,
  equal,
  isArray,
  isObject,
  type JsonObject,
  numberAt,
  set,
  stringAt,
  stringsAt
} from "../../apimachinery/Json.ts"
import type { Strategy } from "../../apimachinery/ResourceType.ts"
import { prohibited } from "../../apimachinery/FieldError.ts"
import { podSpec, podSpecFaults } from "./PodTemplate.ts"
import { isEnd } from "../PodPhase.ts"

/** The tolerations that the DefaultTolerationSeconds admission adds: five minutes on a lost node. */
const tolerated = (tolerations: ReadonlyArray<unknown>): ReadonlyArray<unknown> => [
  ...tolerations,
  ...["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    .filter(
      (key) =>
        !tolerations.some((each) => {
          const named = stringAt(each, "key")
          const effect = stringAt(each, "effect")
          return (named === key || named === undefined) && (effect === undefined || effect === "NoExecute")
        })
    )
    .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }))
]

const qosClass = (spec: unknown): string => {
  const containers = arrayAt(spec, "containers")
  const requests = containers.map((each) => stringsAt(each, "resources", "requests"))
  const limits = containers.map((each) => stringsAt(each, "resources", "limits"))
  if ([...requests, ...limits].every((each) => Object.keys(each).length === 0)) return "BestEffort"
  return limits.every(
    (each, i) =>
      each["cpu"] !== undefined && each["memory"] !== undefined && equal(each, { ...each, ...requests[i] })
  )
    ? "Guaranteed"
    : "Burstable"
}

/** The fields of a spec that may change, emptied, so that the rest can be compared. */
const fixed = (spec: unknown): unknown => {
  let rest = spec
  for (const list of ["containers", "initContainers"]) {
    const items = at(rest, list)
    if (isArray(items))
      rest = set(
        rest,
        [list],
        items.map((item) => set(item, ["image"], ""))
      )
  }
  for (const field of [
    "activeDeadlineSeconds",
    "terminationGracePeriodSeconds",
    "tolerations",
    "schedulingGates"
  ]) {
    rest = set(rest, [field], undefined)
  }
  return rest
}

/** On the host's network a container's port is the node's. */
const onHost = (container: unknown): unknown =>
  isObject(container) && container["ports"] !== undefined
    ? {
        ...container,
        ports: arrayAt(container, "ports").map((port) =>
          isObject(port) && (numberAt(port, "hostPort") ?? 0) === 0
            ? { ...port, hostPort: port["containerPort"] }
            : port
        )
      }
    : container

/** What is limited and not asked for is asked for up to its limit. */
const asking = (container: unknown): unknown => {
  const limits = stringsAt(container, "resources", "limits")
  return Object.keys(limits).length === 0
    ? container
    : set(container, ["resources", "requests"], {
        ...limits,
        ...stringsAt(container, "resources", "requests")
      })
}

/** In a pod only: a template says what was written there. */
const withRequests = (spec: JsonObject): JsonObject => ({
  ...spec,
  ...Object.fromEntries(
    ["containers", "initContainers"]
      .filter((list) => isArray(spec[list]))
      .map((list) => [list, arrayAt(spec, list).map(asking)])
  )
})

/** In a pod only, as well. */
const withHostPorts = (spec: JsonObject): JsonObject =>
  spec["hostNetwork"] !== true
    ? spec
    : {
        ...spec,
        ...Object.fromEntries(
          ["containers", "initContainers"]
            .filter((list) => isArray(spec[list]))
            .map((list) => [list, arrayAt(spec, list).map(onHost)])
        )
      }

export const pod: Strategy = {
  withDefaults: (draft) => {
    if (!isObject(draft.spec)) return draft
    const account = stringAt(draft.spec, "serviceAccountName") ?? "default"
    return {
      ...draft,
      spec: {
        serviceAccountName: account,
        serviceAccount: account,
        enableServiceLinks: true,
        preemptionPolicy: "PreemptLowerPriority",
        priority: 0,
        ...withHostPorts(withRequests(podSpec(draft.spec))),
        // A grace below zero is taken for the shortest there is.
        ...((numberAt(draft.spec, "terminationGracePeriodSeconds") ?? 0) < 0
          ? { terminationGracePeriodSeconds: 1 }
          : {}),
        tolerations: tolerated(arrayAt(draft.spec, "tolerations"))
      },
      status: { phase: "Pending", qosClass: qosClass(draft.spec) }
    }
  },
  faults: (draft) => podSpecFaults(draft.spec, "spec"),
  updateFaults: (next, previous) =>
    equal(fixed(next.spec), fixed(previous.spec))
      ? []
      : [
          prohibited(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
          )
        ],
  // A pod that no kubelet holds, or that has ended, has nobody to wait for.
  gracePeriodSeconds: (object) =>
    (stringAt(object.spec, "nodeName") ?? "") === "" || isEnd(stringAt(object.status, "phase"))
      ? 0
      : Math.max(numberAt(object.spec, "terminationGracePeriodSeconds") ?? 30, 1)
}
