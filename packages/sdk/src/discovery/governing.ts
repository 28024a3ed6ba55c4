/**
 * The governing Service: whether the names of a StatefulSet's pods can resolve through it at all.
 */
import type { Service } from "../kind/Network.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import * as LabelSelector from "../LabelSelector.ts"
import type { Problem } from "./peer.ts"

export interface Governing {
  /** The name in the spec; `null` if there is none. */
  readonly name: string | null
  /** `null` if it does not exist, or was not read. */
  readonly service: Service | null
  /** `publishNotReadyAddresses`: names resolve before pods are ready. */
  readonly isPublishing: boolean
  /** False if no name resolves, whatever the pods do; `null` if that could not be read. */
  readonly canResolve: boolean | null
  readonly problems: ReadonlyArray<Problem>
}

const selectorOf = ({ spec }: Service): Readonly<Record<string, string>> => spec.selector ?? {}

const shown = (labels: Readonly<Record<string, string>> | null | undefined): string =>
  Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(",")

/** The StatefulSet and the Service that it names, for messages. */
interface Names {
  readonly namespace: string
  readonly set: string
  readonly service: string
}

/** The possible problems, in words: the fact with the object's name, then what to do. */
export const problems = {
  noGoverningService: ({ namespace, set }: Omit<Names, "service">): Problem => ({
    reason: "NoGoverningService",
    message: `StatefulSet ${namespace}/${set} names no governing Service, so its pods have addresses but no DNS names; spec.serviceName is immutable, so only a new StatefulSet can have them`
  }),
  servicesUnread: ({ namespace, set, service }: Names): Problem => ({
    reason: "ServicesUnread",
    message: `Services of ${namespace} could not be read, so it was not checked that ${service} exists, is headless and selects the pods of ${set}`
  }),
  serviceMissing: ({ namespace, set, service }: Names, selector: string): Problem => ({
    reason: "ServiceMissing",
    message: `Service ${namespace}/${service}, which StatefulSet ${set} names, does not exist, so its pods have no names: create it headless (clusterIP: None), with the selector ${selector}`
  }),
  externalName: ({ namespace, set, service }: Names): Problem => ({
    reason: "ExternalName",
    message: `Service ${namespace}/${service} is an ExternalName and has no endpoints, so the pods of ${set} have no names; the governing Service has to be headless, with a selector`
  }),
  noSelector: ({ namespace, service }: Names): Problem => ({
    reason: "NoSelector",
    message: `Service ${namespace}/${service} has no selector, so Kubernetes writes no endpoints for it: names resolve only if another client writes its EndpointSlices`
  }),
  otherSelector: ({ namespace, set, service }: Names, detail: string): Problem => ({
    reason: "OtherSelector",
    message: `Service ${namespace}/${service} ${detail}: names of the pods of ${set} do not resolve until its selector matches them`
  }),
  noReplicas: ({ namespace, set }: Omit<Names, "service">): Problem => ({
    reason: "NoReplicas",
    message: `StatefulSet ${namespace}/${set} is scaled to 0: it has no peers`
  }),
  podsUnread: ({ namespace, set }: Omit<Names, "service">, known: string): Problem => ({
    reason: "PodsUnread",
    message: `pods of StatefulSet ${namespace}/${set} could not be read: ${known}`
  }),
  notHeadless: ({ namespace, service }: Names): Problem => ({
    reason: "NotHeadless",
    message: `Service ${namespace}/${service} has a cluster IP; names of single pods are guaranteed only for headless Services (clusterIP: None), although CoreDNS resolves them here too`
  })
}

/** The worst problem of an existing Service; `null` if there is none. */
const faultOf = (
  service: Service,
  set: StatefulSet,
  names: Names
): { readonly problem: Problem; readonly canResolve: boolean | null } | null => {
  const { labels } = set.spec.template.metadata ?? {}
  if (service.spec.type === "ExternalName")
    return { problem: problems.externalName(names), canResolve: false }
  const selector = selectorOf(service)
  if (Object.keys(selector).length === 0) {
    // Somebody may write its slices by hand, hostnames and all.
    return { problem: problems.noSelector(names), canResolve: null }
  }
  if (!LabelSelector.hasAll(selector, labels)) {
    const detail = `selects ${shown(selector)}, and they are labelled ${shown(labels) || "<none>"}`
    return { problem: problems.otherSelector(names, detail), canResolve: false }
  }
  return service.spec.clusterIP === "None" ? null : { problem: problems.notHeadless(names), canResolve: true }
}

const without = (name: string | null, canResolve: boolean | null, problem: Problem): Governing => ({
  name,
  service: null,
  isPublishing: false,
  canResolve,
  problems: [problem]
})

/** The Service that the StatefulSet names; `services: null`: they could not be read. */
export const governingOf = (set: StatefulSet, services: ReadonlyArray<Service> | null): Governing => {
  const name = set.spec.serviceName || null
  const namespace = set.metadata.namespace ?? "default"
  if (name === null) {
    return without(null, false, problems.noGoverningService({ namespace, set: set.metadata.name }))
  }
  const names: Names = { namespace, set: set.metadata.name, service: name }
  if (services === null) return without(name, null, problems.servicesUnread(names))
  const service = services.find(
    ({ metadata }) => metadata.name === name && (metadata.namespace ?? namespace) === namespace
  )
  if (service === undefined) {
    return without(name, false, problems.serviceMissing(names, shown(set.spec.selector.matchLabels)))
  }
  const fault = faultOf(service, set, names)
  return {
    name,
    service,
    isPublishing: service.spec.publishNotReadyAddresses === true,
    canResolve: fault === null ? true : fault.canResolve,
    problems: fault === null ? [] : [fault.problem]
  }
}

/**
 * Services that select a single pod, by the label that the StatefulSet controller sets on each: by the pod's
 * name.
 */
export const servicesByPod = (
  services: ReadonlyArray<Service> | null
): ReadonlyMap<string, ReadonlyArray<string>> => {
  const found = new Map<string, Array<string>>()
  for (const service of services ?? []) {
    const pod = selectorOf(service)["statefulset.kubernetes.io/pod-name"]
    if (pod !== undefined) found.set(pod, [...(found.get(pod) ?? []), service.metadata.name].toSorted())
  }
  return found
}
