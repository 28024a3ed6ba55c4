/**
 * EndpointSlices: the pods of a Service, their addresses, and whether they accept traffic. One set of
 * slices for each address family, with at most a hundred endpoints per slice.
 */
import { arrayAt, at, equal, isObject, numberAt, stringAt, stringsAt } from "../apimachinery/Json.ts"
import { controlledBy, type KubeObject } from "../apimachinery/KubeObject.ts"
import type { Registry } from "../registry/Registry.ts"
import { nodes, type Pod, pods, services } from "../registry/kinds/core.ts"
import { type Endpoint, type EndpointSlice, endpointslices } from "../registry/kinds/index.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import type { Controller } from "./Controller.ts"
import { isRunningAndReady } from "./StatefulSetPod.ts"
import { isEnd } from "../registry/PodPhase.ts"

/** The controller manager's `--max-endpoints-per-slice`. */
const mostEndpoints = 100

const serviceName = "kubernetes.io/service-name"
const managedBy = "endpointslice.kubernetes.io/managed-by"
const manager = "endpointslice-controller.k8s.io"
const headlessLabel = "service.kubernetes.io/headless"
const zone = "topology.kubernetes.io/zone"

type Family = EndpointSlice["addressType"]
type Port = NonNullable<EndpointSlice["ports"]>[number]

/** Undefined for an empty selector: the endpoints of such a Service are managed by others. */
const selectorOf = (service: KubeObject): Readonly<Record<string, string>> | undefined => {
  const selector = stringsAt(service.spec, "selector")
  return Object.keys(selector).length === 0 ? undefined : selector
}

const selects = (selector: Readonly<Record<string, string>>, pod: KubeObject): boolean =>
  Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value)

const familyOf = (ip: string): Family => (ip.includes(":") ? "IPv6" : "IPv4")

/** A port by number, or by the name that one of the pod's containers gives it; a pod without it is left out. */
const portsOf = (service: KubeObject, pod: Pod): ReadonlyArray<Port> =>
  arrayAt(service.spec, "ports").flatMap((each): ReadonlyArray<Port> => {
    const target = at(each, "targetPort") ?? at(each, "port")
    const protocol = stringAt(each, "protocol") ?? "TCP"
    const found =
      typeof target === "number"
        ? target
        : pod.spec.containers
            .flatMap((container) => arrayAt(container, "ports"))
            .filter((port) => (stringAt(port, "protocol") ?? "TCP") === protocol)
            .find((port) => stringAt(port, "name") === target)
    const port = typeof found === "number" ? found : numberAt(found, "containerPort")
    const appProtocol = stringAt(each, "appProtocol")
    return port === undefined
      ? []
      : [
          {
            name: stringAt(each, "name") ?? "",
            port,
            protocol,
            ...(appProtocol === undefined ? {} : { appProtocol })
          }
        ]
  })

class Slices {
  readonly #registry: Registry
  readonly #service: KubeObject

  constructor(registry: Registry, service: KubeObject) {
    this.#registry = registry
    this.#service = service
  }

  get #own(): ReadonlyArray<EndpointSlice> {
    const { uid, namespace } = this.#service.metadata
    return this.#registry.store.dependents(uid).flatMap(([type, { metadata }]) => {
      const slice =
        type === endpointslices && metadata.labels?.[managedBy] === manager
          ? this.#registry.store.get(endpointslices, namespace, metadata.name)
          : undefined
      return slice ?? []
    })
  }

  #endpoint(pod: Pod, address: string): Endpoint {
    const { namespace, name, uid, deletionTimestamp } = pod.metadata
    const { hostname, subdomain, nodeName } = pod.spec
    const home = this.#registry.store.get(nodes, undefined, nodeName ?? "")?.metadata.labels?.[zone]
    const serving = isRunningAndReady(pod)
    const terminating = deletionTimestamp !== undefined
    const isPublished = at(this.#service.spec, "publishNotReadyAddresses") === true
    return {
      addresses: [address],
      conditions: { ready: isPublished || (serving && !terminating), serving, terminating },
      // The name in DNS is the pod's own only under the Service that it names.
      ...(hostname === undefined || subdomain !== this.#service.metadata.name ? {} : { hostname }),
      ...(nodeName === undefined ? {} : { nodeName }),
      targetRef: { kind: "Pod", name, ...(namespace === undefined ? {} : { namespace }), uid },
      ...(home === undefined ? {} : { zone: home })
    }
  }

  reconcile(selector: Readonly<Record<string, string>>): void {
    const { namespace } = this.#service.metadata
    const isPublished = at(this.#service.spec, "publishNotReadyAddresses") === true
    // A pod whose node is not there is left out, unless all are to be found.
    const isSomewhere = (pod: Pod): boolean =>
      isPublished || this.#registry.store.get(nodes, undefined, pod.spec.nodeName ?? "") !== undefined
    const chosen = this.#registry.store
      .list(pods, namespace)
      .filter((pod) => selects(selector, pod) && isSomewhere(pod) && !isEnd(pod.status.phase))
    const families = arrayAt(this.#service.spec, "ipFamilies").map((each) =>
      each === "IPv6" ? each : "IPv4"
    )
    const own = this.#own
    for (const slice of own) {
      if (!families.includes(slice.addressType))
        this.#registry.remove(endpointslices, namespace, slice.metadata.name)
    }
    for (const family of families) {
      this.#family(
        family,
        chosen,
        own.filter((slice) => slice.addressType === family)
      )
    }
  }

  /** If a port is named, endpoints with different ports are in separate slices. */
  #family(family: Family, chosen: ReadonlyArray<Pod>, own: ReadonlyArray<EndpointSlice>): void {
    const groups = new Map<
      string,
      { readonly ports: ReadonlyArray<Port>; readonly endpoints: Array<Endpoint> }
    >()
    for (const pod of chosen) {
      const addresses = arrayAt(pod.status, "podIPs").flatMap((each) => stringAt(each, "ip") ?? [])
      const address = addresses.find((each) => familyOf(each) === family)
      if (address === undefined) continue
      const ports = portsOf(this.#service, pod)
      const key = JSON.stringify(ports)
      const group = groups.get(key) ?? { ports, endpoints: [] }
      groups.set(key, group)
      group.endpoints.push(this.#endpoint(pod, address))
    }
    const left = new Set(own)
    for (const [key, { ports, endpoints }] of groups) {
      const suited = own.filter((slice) => JSON.stringify(slice.ports ?? []) === key)
      this.#fill(family, ports, endpoints, suited, left)
    }
    // With no endpoint one empty slice stays, and says so.
    const empty = groups.size === 0 ? own[0] : undefined
    if (groups.size === 0) this.#write(family, empty, [], [])
    for (const slice of left) {
      if (slice !== empty)
        this.#registry.remove(endpointslices, this.#service.metadata.namespace, slice.metadata.name)
    }
  }

  /** Each endpoint stays in its slice; the new ones fill up what has room. */
  #fill(
    family: Family,
    ports: ReadonlyArray<Port>,
    endpoints: ReadonlyArray<Endpoint>,
    own: ReadonlyArray<EndpointSlice>,
    left: Set<EndpointSlice>
  ): void {
    const fresh = new Map(endpoints.map((each) => [each.targetRef?.uid ?? "", each]))
    const planned = own.map((slice) => {
      const kept = (slice.endpoints ?? []).flatMap((each) => {
        const uid = each.targetRef?.uid ?? ""
        const next = fresh.get(uid)
        fresh.delete(uid)
        return next ?? []
      })
      return { slice, kept }
    })
    const added = [...fresh.values()]
    for (const { slice, kept } of planned.toSorted((a, b) => b.kept.length - a.kept.length)) {
      kept.push(...added.splice(0, Math.max(0, mostEndpoints - kept.length)))
      if (kept.length === 0) continue
      left.delete(slice)
      this.#write(family, slice, ports, kept)
    }
    while (added.length > 0) {
      // An empty slice that is there already is used before a new one.
      const spare = [...left].find((slice) => (slice.endpoints ?? []).length === 0)
      if (spare !== undefined) left.delete(spare)
      this.#write(family, spare, ports, added.splice(0, mostEndpoints))
    }
  }

  #write(
    addressType: Family,
    slice: EndpointSlice | undefined,
    ports: ReadonlyArray<Port>,
    endpoints: ReadonlyArray<Endpoint>
  ): void {
    const { metadata, spec } = this.#service
    const labels = {
      ...metadata.labels,
      [managedBy]: manager,
      [serviceName]: metadata.name,
      ...(stringAt(spec, "clusterIP") === "None" ? { [headlessLabel]: "" } : {})
    }
    const content = {
      endpoints: endpoints.length === 0 ? null : endpoints,
      ports: ports.length === 0 ? null : ports
    }
    const annotations = {
      "endpoints.kubernetes.io/last-change-trigger-time": Timestamp.fromMillis(this.#registry.now())
    }
    if (slice === undefined) {
      const draft = {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          generateName: `${metadata.name}-`,
          labels,
          annotations,
          ownerReferences: [controlledBy(this.#service)]
        },
        addressType,
        ...content
      }
      this.#registry.create(endpointslices, metadata.namespace, draft)
      return
    }
    const before = { endpoints: slice.endpoints ?? null, ports: slice.ports ?? null }
    if (equal(before, content) && equal(slice.metadata.labels, labels)) return
    this.#registry.update(endpointslices, metadata.namespace, slice.metadata.name, (current) => ({
      ...current,
      ...content,
      metadata: { ...current.metadata, labels, annotations }
    }))
  }
}

export const endpointSlices = (registry: Registry): Controller => {
  const { store } = registry
  return {
    name: "endpointslices",
    keysOf: ({ type, object, previous }) => {
      const { namespace } = object.metadata
      if (type === services) return [`${namespace}/${object.metadata.name}`]
      if (type === endpointslices) {
        const of = object.metadata.labels?.[serviceName]
        return of === undefined ? [] : [`${namespace}/${of}`]
      }
      if (type !== pods) return []
      return store
        .list(services, namespace)
        .filter((service) => {
          const selector = selectorOf(service)
          return (
            selector !== undefined &&
            (selects(selector, object) || (previous !== undefined && selects(selector, previous)))
          )
        })
        .map(({ metadata }) => `${namespace}/${metadata.name}`)
    },
    reconcile: (key) => {
      const [namespace, name = ""] = key.split("/")
      const service = store.get(services, namespace, name)
      const selector = service === undefined ? undefined : selectorOf(service)
      const isServed =
        service?.metadata.deletionTimestamp === undefined &&
        isObject(service?.spec) &&
        stringAt(service.spec, "type") !== "ExternalName"
      if (isServed && selector !== undefined) new Slices(registry, service).reconcile(selector)
      return undefined
    }
  }
}
