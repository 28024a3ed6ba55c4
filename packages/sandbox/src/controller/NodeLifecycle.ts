/**
 * The node lifecycle controller: after a silent kubelet's grace period the node's conditions are Unknown
 * and its pods not ready, although they keep reporting Running; then come the taints, of which the second
 * evicts.
 */
import { isArray } from "../apimachinery/Json.ts"
import type { Registry } from "../registry/Registry.ts"
import { type Condition, type Node, nodes, pods, type Taint } from "../registry/kinds/core.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import { withCondition } from "./Condition.ts"
import type { Controller } from "./Controller.ts"
import type { Losses } from "../node/NodeLoss.ts"
import type { PodsByNode } from "../registry/PodsByNode.ts"

export interface NodeLifecycleOptions {
  /**
   * From a kubelet's last word to its node's Ready=Unknown, the controller manager's
   * `--node-monitor-grace-period`. Default 50 000.
   */
  readonly graceMillis?: number
}

const unreachable = "node.kubernetes.io/unreachable"
const notReady = "node.kubernetes.io/not-ready"
const unschedulable = "node.kubernetes.io/unschedulable"
const zone = "topology.kubernetes.io/zone"

/** The conditions that a kubelet is expected to report. */
const watched = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]

/** NoExecute taints are given out ten times a second at most, and in one zone every ten seconds. */
const passMillis = 100
const evictionMillis = 10_000

const readyOf = (node: Node): Condition["status"] =>
  node.status.conditions?.find(({ type }) => type === "Ready")?.status ?? "Unknown"

/** The key of the taint that a node's condition asks for. */
const taintOf = (node: Node): string | undefined =>
  node.status.conditions === undefined
    ? undefined
    : { True: undefined, False: notReady, Unknown: unreachable }[readyOf(node)]

/** `taints` with exactly these keys under the effect, of those that this controller gives. */
const withTaints = (
  taints: ReadonlyArray<Taint>,
  effect: Taint["effect"],
  wanted: ReadonlyArray<string>,
  now: number
): ReadonlyArray<Taint> => {
  const own = [unreachable, notReady, ...(effect === "NoSchedule" ? [unschedulable] : [])]
  const isOther = (taint: Taint): boolean => taint.effect !== effect || !own.includes(taint.key)
  const stays = taints.filter((taint) => isOther(taint) || wanted.includes(taint.key))
  const added = wanted
    .filter((key) => !stays.some((taint) => taint.key === key && taint.effect === effect))
    .map((key): Taint => ({ key, effect, timeAdded: Timestamp.fromMillis(now) }))
  return added.length === 0 && stays.length === taints.length ? taints : [...stays, ...added]
}

class NodeLifecycle {
  readonly #registry: Registry
  readonly #losses: Losses
  readonly #byNode: PodsByNode
  readonly #graceMillis: number
  /** The time at which a node's NoExecute taint is due. */
  readonly #queued = new Map<string, number>()
  /** The time of the next taint in a zone. */
  readonly #nextInZone = new Map<string, number>()

  constructor(registry: Registry, losses: Losses, byNode: PodsByNode, options: NodeLifecycleOptions) {
    this.#registry = registry
    this.#losses = losses
    this.#byNode = byNode
    this.#graceMillis = options.graceMillis ?? 50_000
  }

  reconcile(node: Node): number | undefined {
    const now = this.#registry.now()
    const loss = this.#losses.get(node.metadata.name)
    const due = loss === undefined ? Number.POSITIVE_INFINITY : loss.since + this.#graceMillis
    const ready = readyOf(node)
    if (due <= now && ready !== "Unknown" && isArray(node.status.conditions)) {
      // The write makes this node's key due again: each step is one that a watcher can see.
      this.#forget(node)
      return undefined
    }
    if (ready !== "True" && node.status.conditions !== undefined) this.#markPods(node)
    if (this.#noSchedule(node)) return undefined
    const wait = this.#noExecute(node)
    const left = ready === "Unknown" ? Number.POSITIVE_INFINITY : due - now
    const next = Math.min(left, wait)
    return next === Number.POSITIVE_INFINITY ? undefined : next
  }

  #forget(node: Node): void {
    const now = this.#registry.now()
    let conditions = node.status.conditions ?? []
    for (const { lastHeartbeatTime, type } of conditions) {
      const next = {
        type,
        status: "Unknown",
        reason: "NodeStatusUnknown",
        message: "Kubelet stopped posting node status.",
        ...(lastHeartbeatTime === undefined ? {} : { lastHeartbeatTime })
      } as const
      conditions = withCondition(conditions, next, now)
    }
    for (const type of watched) {
      if (conditions.some((each) => each.type === type)) continue
      const never = {
        type,
        status: "Unknown",
        reason: "NodeStatusNeverUpdated",
        message: "Kubelet never posted node status."
      } as const
      conditions = withCondition(conditions, never, now)
    }
    this.#registry.setStatus(nodes, node, { ...node.status, conditions })
  }

  /** The phase stays Running and the containers ready: only this condition shows it. */
  #markPods(node: Node): void {
    for (const pod of this.#byNode.on(node.metadata.name)) {
      const ready = pod.status.conditions?.find(({ type }) => type === "Ready")
      if (ready?.status !== "True") continue
      this.#registry.setStatus(pods, pod, {
        ...pod.status,
        conditions: withCondition(
          pod.status.conditions ?? [],
          { ...ready, status: "False" },
          this.#registry.now()
        )
      })
    }
  }

  #setTaints(node: Node, taints: ReadonlyArray<Taint>): void {
    const { taints: _, ...spec } = node.spec
    this.#registry.store.put(nodes, {
      ...node,
      spec: taints.length === 0 ? spec : { ...spec, taints }
    })
  }

  /** True if it wrote. */
  #noSchedule(node: Node): boolean {
    const key = taintOf(node)
    const wanted = [
      ...(key === undefined ? [] : [key]),
      ...(node.spec.unschedulable === true ? [unschedulable] : [])
    ]
    const taints = node.spec.taints ?? []
    const next = withTaints(taints, "NoSchedule", wanted, this.#registry.now())
    if (next === taints) return false
    this.#setTaints(node, next)
    return true
  }

  /** Milliseconds until the taint is due, if it is rate-limited. */
  #noExecute(node: Node): number {
    const now = this.#registry.now()
    const { name } = node.metadata
    const wanted = this.#isAnyReady() ? taintOf(node) : undefined
    const taints = node.spec.taints ?? []
    const has = taints.some(({ key, effect }) => key === wanted && effect === "NoExecute")
    if (wanted === undefined || has) {
      this.#queued.delete(name)
      const next = withTaints(taints, "NoExecute", wanted === undefined ? [] : [wanted], now)
      if (next !== taints) this.#setTaints(node, next)
      return Number.POSITIVE_INFINITY
    }
    const home = node.metadata.labels?.[zone] ?? ""
    if (this.#isZoneHalted(home)) return Number.POSITIVE_INFINITY
    let at = this.#queued.get(name)
    if (at === undefined) {
      at = Math.max(now + passMillis, this.#nextInZone.get(home) ?? 0)
      this.#queued.set(name, at)
      this.#nextInZone.set(home, at + evictionMillis)
    }
    if (at > now) return at - now
    this.#queued.delete(name)
    this.#setTaints(node, withTaints(taints, "NoExecute", [wanted], now))
    return Number.POSITIVE_INFINITY
  }

  /** If all nodes are silent, the controller assumes that it is itself disconnected: nothing is evicted. */
  #isAnyReady(): boolean {
    return this.#registry.store.list(nodes).some((node) => taintOf(node) === undefined)
  }

  /** In a zone of up to 50 nodes that has lost 55 % of them, and more than two, evictions stop. */
  #isZoneHalted(home: string): boolean {
    const members = this.#registry.store
      .list(nodes)
      .filter(({ metadata }) => (metadata.labels?.[zone] ?? "") === home)
    const sick = members.filter((node) => taintOf(node) !== undefined).length
    return sick > 2 && sick < members.length && sick / members.length >= 0.55 && members.length <= 50
  }
}

const isChanged = (node: Node, previous: Node | undefined): boolean =>
  previous === undefined || readyOf(node) !== readyOf(previous)

export const nodeLifecycle = (
  registry: Registry,
  losses: Losses,
  byNode: PodsByNode,
  options: NodeLifecycleOptions = {}
): Controller => {
  const { store } = registry
  const inner = new NodeLifecycle(registry, losses, byNode, options)
  return {
    name: "node-lifecycle",
    keysOf: ({ type, object, previous }) => {
      if (type === pods) {
        // A pod that comes to a node that is not ready is marked too.
        const nodeName = store.get(pods, object.metadata.namespace, object.metadata.name)?.spec.nodeName
        const node = nodeName === undefined ? undefined : store.get(nodes, undefined, nodeName)
        return node === undefined || readyOf(node) === "True" ? [] : [node.metadata.name]
      }
      if (type !== nodes) return []
      // What a node's readiness changes for the others is whether all are lost.
      return isChanged(object as Node, previous as Node | undefined)
        ? store.list(nodes).map(({ metadata }) => metadata.name)
        : [object.metadata.name]
    },
    reconcile: (name) => {
      const node = store.get(nodes, undefined, name)
      return node === undefined ? undefined : inner.reconcile(node)
    }
  }
}

/** A kubelet's own word, which comes as soon as it is heard of again. */
export const heartbeat = (registry: Registry, name: string): void => {
  const node = registry.store.get(nodes, undefined, name)
  if (node === undefined) return
  const now = registry.now()
  const lastHeartbeatTime = Timestamp.fromMillis(now)
  let conditions = node.status.conditions ?? []
  for (const condition of healthy)
    conditions = withCondition(conditions, { ...condition, lastHeartbeatTime }, now)
  registry.setStatus(nodes, node, { ...node.status, conditions })
}

/** The conditions of a healthy node. */
export const healthy: ReadonlyArray<Condition> = [
  {
    type: "MemoryPressure",
    status: "False",
    reason: "KubeletHasSufficientMemory",
    message: "kubelet has sufficient memory available"
  },
  {
    type: "DiskPressure",
    status: "False",
    reason: "KubeletHasNoDiskPressure",
    message: "kubelet has no disk pressure"
  },
  {
    type: "PIDPressure",
    status: "False",
    reason: "KubeletHasSufficientPID",
    message: "kubelet has sufficient PID available"
  },
  { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" }
]
