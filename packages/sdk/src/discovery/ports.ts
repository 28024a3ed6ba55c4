/** Ports by name, for connections to one pod: on the pod, at the target of the Service's port. */
import type { EndpointSlice, Service } from "../kind/Network.ts"
import type { ContainerSpec, Pod } from "../kind/Pod.ts"
import type { Port } from "./peer.ts"

/** Fields that are read here and nowhere else, so that nothing has to accept them elsewhere. */
interface ServicePort {
  readonly name?: string | null | undefined
  readonly port: number
  readonly protocol?: string | null | undefined
  readonly targetPort?: unknown
}

interface ContainerPort {
  readonly name?: unknown
  readonly containerPort?: unknown
  readonly protocol?: unknown
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const containerPortsOf = (
  container: ContainerSpec & { readonly ports?: unknown }
): ReadonlyArray<ContainerPort> => (Array.isArray(container.ports) ? container.ports.filter(isObject) : [])

const textOr = (value: unknown, otherwise: string): string =>
  typeof value === "string" && value !== "" ? value : otherwise

/** The number that a port of that name has in the pod; side-cars among the init containers count too. */
const namedPort = (pod: Pod, name: string, protocol: string): number | null => {
  const sideCars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")
  for (const container of [...pod.spec.containers, ...sideCars]) {
    for (const each of containerPortsOf(container)) {
      const isIt = each.name === name && textOr(each.protocol, "TCP") === protocol
      if (isIt && typeof each.containerPort === "number") return each.containerPort
    }
  }
  return null
}

/** The ports of a Service on this pod. A port that the pod does not name is left out, as its endpoint is. */
export const throughService = (service: Service, pod: Pod): ReadonlyArray<Port> => {
  const ports: ReadonlyArray<ServicePort> = service.spec.ports ?? []
  return ports.flatMap(({ name, port, protocol, targetPort }) => {
    const by = protocol ?? "TCP"
    const number =
      typeof targetPort === "string"
        ? namedPort(pod, targetPort, by)
        : typeof targetPort === "number" && targetPort > 0
          ? targetPort
          : port
    return number === null ? [] : [{ name: name ?? "", port: number, protocol: by }]
  })
}

/** The ports that the pod's own containers declare. */
export const declared = (pod: Pod): ReadonlyArray<Port> =>
  pod.spec.containers.flatMap((container) =>
    containerPortsOf(container).flatMap((each) =>
      typeof each.containerPort === "number"
        ? [{ name: textOr(each.name, ""), port: each.containerPort, protocol: textOr(each.protocol, "TCP") }]
        : []
    )
  )

/** The ports of all endpoints of a slice; one without a number says nothing. */
export const ofSlice = (slice: EndpointSlice & { readonly ports?: unknown }): ReadonlyArray<Port> => {
  const ports: ReadonlyArray<unknown> = Array.isArray(slice.ports) ? slice.ports : []
  return ports.flatMap((each) => {
    if (!isObject(each) || !("port" in each) || typeof each.port !== "number") return []
    return [
      {
        name: textOr("name" in each ? each.name : undefined, ""),
        port: each.port,
        protocol: textOr("protocol" in each ? each.protocol : undefined, "TCP")
      }
    ]
  })
}
