/** The pods of each node, their requests, and their controllers: kept up to date by the store itself. */
import { controllerOf, keyOf } from "../apimachinery/KubeObject.ts"
import { arrayAt } from "../apimachinery/Json.ts"
import * as Quantity from "../apimachinery/Quantity.ts"
import { type ContainerPort, type Pod, pods } from "./kinds/core.ts"
import type { Store } from "./Store.ts"
import { isEnd } from "./PodPhase.ts"

interface Home {
  readonly keys: Set<string>
  /** What pods that have not ended ask for, and how many they are. */
  readonly amounts: Map<string, number>
  count: number
  /** Ports of the node itself that they have, as often as they have them. */
  readonly ports: Array<ContainerPort>
  /** Pods by the uid of their controller. */
  readonly kin: Map<string, number>
}

/** By resource, thousandths of a CPU and whole numbers of all others, so that sums are exact. */
export const requestsOf = ({ spec }: Pod): ReadonlyMap<string, number> => {
  const sums = new Map<string, number>()
  for (const { resources } of spec.containers)
    for (const [name, quantity] of Object.entries(resources?.requests ?? {})) {
      const amount = Quantity.parse(quantity)
      sums.set(name, (sums.get(name) ?? 0) + (name === "cpu" ? Math.round(amount * 1000) : amount))
    }
  return sums
}

/** The host ports of a pod. An init container has them only if it is a sidecar. */
export const hostPortsOf = ({ spec }: Pod): ReadonlyArray<ContainerPort> =>
  [
    ...spec.containers,
    ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")
  ]
    .flatMap(({ ports }) => ports ?? [])
    .filter(({ hostPort }) => (hostPort ?? 0) > 0)

const everywhere = "0.0.0.0"

/** True if two pods cannot both have their port on one node. */
const collide = (one: ContainerPort, other: ContainerPort): boolean => {
  const [here, there] = [one.hostIP || everywhere, other.hostIP || everywhere]
  return (
    one.hostPort === other.hostPort &&
    (one.protocol ?? "TCP") === (other.protocol ?? "TCP") &&
    (here === there || here === everywhere || there === everywhere)
  )
}

const isSame = (one: ContainerPort, other: ContainerPort): boolean =>
  collide(one, other) && (one.hostIP || everywhere) === (other.hostIP || everywhere)

/** The terms of a pod's required anti-affinity. */
export const repelsOf = ({ spec }: Pod): ReadonlyArray<unknown> =>
  arrayAt(spec.affinity, "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")

export class PodsByNode {
  readonly #store: Store
  readonly #homes = new Map<string, Home>()
  /** Keys of the pods without a controller. */
  readonly #orphans = new Set<string>()
  /** Keys of the pods that keep others away, and have not ended. */
  readonly #wary = new Set<string>()
  /** Pods that the scheduler has assigned to a node while their volumes are provisioned there, by uid. */
  readonly #assumed = new Map<string, { readonly pod: Pod; readonly node: string }>()

  constructor(store: Store) {
    this.#store = store
    for (const pod of store.list(pods)) this.#count(pod, 1)
    store.listen(({ type, kind, object, previous }) => {
      if (type !== pods || object === previous) return
      const { uid } = object.metadata
      if (kind === "DELETED" || (object as Pod).spec.nodeName !== undefined) this.#assumed.delete(uid)
      // The store hands out what it holds: these are pods.
      if (previous !== undefined) this.#count(previous as Pod, -1)
      if (kind !== "DELETED") this.#count(object as Pod, 1)
    })
  }

  #home(node: string): Home {
    let home = this.#homes.get(node)
    if (home === undefined) {
      home = { keys: new Set(), amounts: new Map(), count: 0, ports: [], kin: new Map() }
      this.#homes.set(node, home)
    }
    return home
  }

  #count(pod: Pod, by: 1 | -1): void {
    const home = this.#home(pod.spec.nodeName ?? "")
    if (by === 1) home.keys.add(keyOf(pod))
    else home.keys.delete(keyOf(pod))
    const owner = controllerOf(pod)?.uid ?? ""
    if (owner === "" && by === 1) this.#orphans.add(keyOf(pod))
    else if (owner === "") this.#orphans.delete(keyOf(pod))
    home.kin.set(owner, (home.kin.get(owner) ?? 0) + by)
    if (home.kin.get(owner) === 0) home.kin.delete(owner)
    if (isEnd(pod.status.phase)) return
    if (by === -1) this.#wary.delete(keyOf(pod))
    else if (repelsOf(pod).length > 0) this.#wary.add(keyOf(pod))
    for (const [name, amount] of requestsOf(pod))
      home.amounts.set(name, (home.amounts.get(name) ?? 0) + by * amount)
    home.count += by
    for (const port of hostPortsOf(pod)) {
      if (by === 1) home.ports.push(port)
      else
        home.ports.splice(
          home.ports.findIndex((each) => isSame(each, port)),
          1
        )
    }
  }

  /** Keys, `namespace/name`, of the pods on a node; of those without one where none is named. */
  keys(node = ""): ReadonlyArray<string> {
    return [...(this.#homes.get(node)?.keys ?? [])]
  }

  on(node: string): ReadonlyArray<Pod> {
    return this.keys(node).flatMap((key) => {
      const [namespace, name = ""] = key.split("/")
      return this.#store.get(pods, namespace, name) ?? []
    })
  }

  /** Pods of a namespace that no controller has. */
  orphans(namespace: string | undefined): ReadonlyArray<Pod> {
    return [...this.#orphans].flatMap((key) => {
      const [home, name = ""] = key.split("/")
      return home === namespace ? (this.#store.get(pods, home, name) ?? []) : []
    })
  }

  /** Pods of all namespaces that keep others away. */
  wary(): ReadonlyArray<Pod> {
    return [...this.#wary].flatMap((key) => {
      const [namespace, name = ""] = key.split("/")
      return this.#store.get(pods, namespace, name) ?? []
    })
  }

  /** Counts a pod on a node from here on, as the scheduler does before it is bound: the next one must not take its place. */
  assume(pod: Pod, node: string): void {
    this.#assumed.set(pod.metadata.uid, { pod, node })
  }

  /** Reverts that: it no longer fits there. */
  forget({ metadata: { uid } }: Pod): void {
    this.#assumed.delete(uid)
  }

  /** The node that a pod is on, or is assumed to be on. */
  homeOf({ metadata: { uid }, spec: { nodeName } }: Pod): string | undefined {
    return nodeName ?? this.#assumed.get(uid)?.node
  }

  /** The others that are assumed to be on a node. */
  #coming(pod: Pod, node: string): ReadonlyArray<Pod> {
    return [...this.#assumed.values()].flatMap((each) =>
      each.node === node && each.pod.metadata.uid !== pod.metadata.uid ? [each.pod] : []
    )
  }

  /** How much of a resource the other pods on a node that have not ended ask for together. */
  used(pod: Pod, node: string, resource: string): number {
    return this.#coming(pod, node).reduce(
      (sum, other) => sum + (requestsOf(other).get(resource) ?? 0),
      this.#homes.get(node)?.amounts.get(resource) ?? 0
    )
  }

  /** How many other pods that have not ended are on a node. */
  count(pod: Pod, node: string): number {
    return (this.#homes.get(node)?.count ?? 0) + this.#coming(pod, node).length
  }

  /** True if the pod's host ports are free on the node. */
  hasPorts(pod: Pod, node: string): boolean {
    const taken = [...(this.#homes.get(node)?.ports ?? []), ...this.#coming(pod, node).flatMap(hostPortsOf)]
    return taken.length === 0 || !hostPortsOf(pod).some((port) => taken.some((each) => collide(each, port)))
  }

  /** The number of other pods of the same controller on a node. */
  kin(pod: Pod, node: string): number {
    const owner = controllerOf(pod)?.uid ?? ""
    const coming = this.#coming(pod, node).filter((other) => (controllerOf(other)?.uid ?? "") === owner)
    return (this.#homes.get(node)?.kin.get(owner) ?? 0) + coming.length
  }
}
