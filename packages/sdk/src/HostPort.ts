/** The ports of their nodes that a pod's containers take. */
import { type PodSpec, sideCarsOf } from "./kind/Pod.ts"

/** A port of the node that a pod takes. */
export interface HostPort {
  readonly hostPort: number
  readonly hostIP: string | null
  readonly protocol: string
}

/**
 * On the host network, each port of a container is one of the node's. The scheduler ignores containers that
 * end first.
 */
export const hostPortsOf = (spec: PodSpec): ReadonlyArray<HostPort> =>
  [...sideCarsOf(spec), ...spec.containers].flatMap(({ ports }) =>
    (ports ?? []).flatMap(({ containerPort, hostIP, protocol, ...port }) => {
      const hostPort = port.hostPort || (spec.hostNetwork === true ? containerPort : 0)
      return hostPort ? [{ hostPort, hostIP: hostIP ?? null, protocol: protocol ?? "TCP" }] : []
    })
  )
