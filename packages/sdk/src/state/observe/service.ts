/**
 * Services of the app: the governing ones as the specs name them, and all that select its pods.
 */
import type { Service } from "../../Topology.ts"
import * as LabelSelector from "../../LabelSelector.ts"
import type { AppWorkload } from "../AppWorkload.ts"
import { compareNames } from "../../NameOrder.ts"
import type { Lists } from "../observation.ts"
import type { EndpointSlice, Service as ServiceObject } from "../../kind/Network.ts"

const governedBy = (name: string, appWorkloads: ReadonlyArray<AppWorkload>): string | null =>
  appWorkloads.find(
    (appWorkload) => appWorkload.kind === "StatefulSet" && appWorkload.object.spec.serviceName === name
  )?.key ?? null

/** A Service without a selector selects nothing: its endpoints are written by someone else. */
const selects = (service: ServiceObject, { pods, template }: AppWorkload): boolean => {
  const selector = service.spec.selector ?? {}
  return (
    Object.keys(selector).length > 0 &&
    (LabelSelector.hasAll(selector, template.metadata?.labels) ||
      // Roles, and a pod's own name, are labels that come to the pods alone.
      (pods ?? []).some(({ metadata }) => LabelSelector.hasAll(selector, metadata.labels)))
  )
}

/**
 * Endpoints over all slices of a Service, each pod once per address family: a Service has
 * several slices as soon as it is dual-stack or large.
 *
 * With publishNotReadyAddresses `ready` is always true, so that `serving` tells; an absent
 * `ready` counts as true (discovery/v1 EndpointConditions).
 */
const countEndpoints = (
  slices: ReadonlyArray<EndpointSlice>,
  publishNotReady: boolean
): { readonly ready: number; readonly notReady: number } => {
  const seen = new Map<string, boolean>()
  for (const { addressType, endpoints } of slices) {
    for (const { addresses, conditions, targetRef } of endpoints ?? []) {
      const id = `${addressType} ${targetRef?.uid ?? addresses.join(",")}`
      const serving = conditions?.serving ?? conditions?.ready ?? true
      const ready = publishNotReady ? serving : (conditions?.ready ?? true)
      // A pod may be in two slices while the controller moves it.
      seen.set(id, (seen.get(id) ?? false) || ready)
    }
  }
  const ready = [...seen.values()].filter((one) => one).length
  return { ready, notReady: seen.size - ready }
}

const managedBy = "endpointslice.kubernetes.io/managed-by"

/**
 * The control plane's own writers: for a Service's selector, and for an Endpoints object of another client.
 */
const controlPlane = "endpointslice-controller.k8s.io"
const mirror = "endpointslicemirroring-controller.k8s.io"

const writersOf = (slices: ReadonlyArray<EndpointSlice>): ReadonlyArray<string> => [
  ...new Set(
    slices.flatMap(({ metadata: { labels } }) => {
      const writer = labels?.[managedBy]
      if (writer === controlPlane) return []
      return writer === undefined || writer === mirror ? ["an Endpoints object"] : [writer]
    })
  )
]

const missing = (name: string, governs: string, present: boolean | null): Service => ({
  name,
  governs,
  headless: false,
  type: "",
  present,
  selectsPods: false,
  hasSelector: false,
  writtenBy: [],
  publishNotReadyAddresses: false,
  ports: [],
  endpoints: null
})

/** Governing Services first, even if they are missing; then the others by name. */
export const observeServices = (
  appWorkloads: ReadonlyArray<AppWorkload>,
  lists: Pick<Lists, "services" | "endpointslices">
): ReadonlyArray<Service> => {
  const slices =
    lists.endpointslices === null
      ? null
      : Map.groupBy(
          lists.endpointslices,
          ({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] ?? ""
        )
  const found = (lists.services ?? []).flatMap((service): ReadonlyArray<Service> => {
    const { name } = service.metadata
    const governs = governedBy(name, appWorkloads)
    const selected = appWorkloads.filter((appWorkload) => selects(service, appWorkload))
    if (governs === null && selected.length === 0) return []
    const publishNotReadyAddresses = service.spec.publishNotReadyAddresses === true
    return [
      {
        name,
        governs,
        headless: service.spec.clusterIP === "None",
        type: service.spec.type ?? "ClusterIP",
        present: true,
        hasSelector: Object.keys(service.spec.selector ?? {}).length > 0,
        writtenBy: slices === null ? [] : writersOf(slices.get(name) ?? []),
        selectsPods: governs === null || selected.some((appWorkload) => appWorkload.key === governs),
        publishNotReadyAddresses,
        ports: (service.spec.ports ?? []).map((port) => ({
          name: port.name ?? null,
          port: port.port,
          protocol: port.protocol ?? "TCP"
        })),
        endpoints: slices === null ? null : countEndpoints(slices.get(name) ?? [], publishNotReadyAddresses)
      }
    ]
  })
  const absent = appWorkloads.flatMap((appWorkload): ReadonlyArray<Service> => {
    const name = appWorkload.kind === "StatefulSet" ? appWorkload.object.spec.serviceName : null
    if (!name || found.some((service) => service.name === name)) return []
    return [missing(name, appWorkload.key, lists.services === null ? null : false)]
  })
  return [...found, ...absent].toSorted(
    (a, b) => Number(a.governs === null) - Number(b.governs === null) || compareNames(a.name, b.name)
  )
}
