/**
 * Current problems: an application that has not recovered from its last failure cannot survive the next one.
 */
import type { Replica } from "../Replica.ts"
import type { AppState } from "../state/AppState.ts"
import type { Workload } from "../Topology.ts"
import { isHeld } from "./gone.ts"
import { backFirst, dataFirst } from "./leaving.ts"
import { liveClaims, nodeGone, nodeNamed, replicasOf } from "./parts.ts"
import { canMove } from "./otherNodes.ts"
import { type Facts, no, rule, type Rule, type Evidence, unknown } from "./rule.ts"
import { age, change, kubectl, kubectlCluster, names, oneLine, title, verb } from "./words.ts"

type Health =
  | "well"
  | "missing"
  | "onGoneNode"
  | "stuckTerminating"
  | "onLostNode"
  | "terminating"
  | "notReady"

/** The node's kubelet is silent: it is unknown whether its pods still run. */
const lost = (state: AppState, replica: Replica): boolean =>
  nodeNamed(state, replica.pod?.node ?? null)?.ready === null

const healthOf = (state: AppState, replica: Replica): Health => {
  if (replica.pod === null) return replica.known ? "missing" : "well"
  if (nodeGone(state, replica.pod.node)) return "onGoneNode"
  if (lost(state, replica)) return replica.pod.deleted === null ? "onLostNode" : "stuckTerminating"
  if (replica.pod.deleted !== null) return "terminating"
  return replica.pod.ready ? "well" : "notReady"
}

const failing = new Set([
  "CrashLoopBackOff",
  "ImagePullBackOff",
  "ErrImagePull",
  "ErrImageNeverPull",
  "InvalidImageName",
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "Error",
  "OOMKilled"
])

/** Without becoming ready for this long, a rollout does not continue by itself. */
const patience = 300_000

/** It runs the new revision and does not get ready, or an old one that nothing replaces (kubernetes#67250). */
const stuck = (state: AppState, workload: Workload, replica: Replica): "new" | "old" | null => {
  const pod = replica.pod
  if (pod === null || healthOf(state, replica) !== "notReady") return null
  const waited = age(state, pod.readySince ?? pod.created)
  if (!pod.containers.some((container) => failing.has(container.state)) && waited < patience) return null
  if (pod.current) return workload.updateRevision === workload.currentRevision ? null : "new"
  // A pod within the partition is meant to be old, and comes back as such.
  const kept = (replica.ordinal ?? 0) - workload.firstOrdinal < workload.partition
  return workload.podManagementPolicy === "OrderedReady" &&
    workload.updateStrategy === "RollingUpdate" &&
    !kept
    ? "old"
    : null
}

/** The lowest sick ordinal and those that OrderedReady makes wait for it. */
const blocked = (
  state: AppState,
  workload: Workload
): { readonly sick: Replica; readonly waiting: ReadonlyArray<Replica> } | null => {
  if (workload.podManagementPolicy !== "OrderedReady") return null
  const all = state.replicas
    .filter((replica) => replica.workload === title(workload) && replica.ordinal !== null)
    .toSorted((a, b) => (a.ordinal ?? 0) - (b.ordinal ?? 0))
  const at = all.findIndex((replica) => replica.wanted && healthOf(state, replica) !== "well")
  const sick = all[at]
  if (sick === undefined) return null
  const waiting = all
    .slice(at + 1)
    .filter((replica) => (replica.wanted ? replica.pod === null : replica.pod !== null))
  return waiting.length === 0 ? null : { sick, waiting }
}

const pods = (replicas: ReadonlyArray<Replica>): ReadonlyArray<string> =>
  replicas.map((replica) => `Pod/${replica.name}`)

const named = (replicas: ReadonlyArray<Replica>): string => names(replicas.map((replica) => replica.name))

/** The command to inspect it first. */
const look = (state: AppState, replica: Replica): string => {
  const kind = replica.workload.split("/")[0] ?? ""
  if (replica.pod === null) {
    return kubectl(state, "describe", kind.toLowerCase(), replica.workload.slice(kind.length + 1))
  }
  const crashed = replica.pod.containers.find((container) =>
    ["CrashLoopBackOff", "Error", "OOMKilled"].includes(container.state)
  )
  return crashed === undefined
    ? kubectl(state, "describe", "pod", replica.name)
    : kubectl(state, "logs", replica.name, "-c", crashed.name, "--previous")
}

/**
 * Pods of a server that comes back resume by themselves. The taint deletes them, and keeps that server closed
 * until it is removed: of use only where they can start elsewhere.
 */
const outOfService = (state: AppState, gone: ReadonlyArray<Replica>, node: string): string => {
  const taint = `${node} is confirmed to be powered off: ${kubectlCluster("taint", "node", node, "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")}`
  const replicas = gone.map(({ name }) => name)
  const back = backFirst(state, replicas, node)
  if (back !== null) return `${back}; only if that may be lost, and ${taint}`
  return canMove(state, replicas)
    ? `once ${taint}`
    : `power ${node} on, or add a node: no other usable node can run ${names(replicas)}`
}

/** Pods of a deleted Node are deleted by their garbage collector; no kubelet confirms it. */
const collected = (state: AppState, gone: ReadonlyArray<Replica>): string =>
  backFirst(
    state,
    gone.map(({ name }) => name),
    "its server"
  ) ??
  `wait a minute for pod garbage collection; otherwise, once its server is confirmed to be powered off: ${kubectl(state, "delete", "pod", ...gone.map(({ name }) => name), "--force")}`

const onLostNodes =
  (
    health: Health,
    evidence: (node: string, gone: ReadonlyArray<Replica>) => string,
    remedy: (state: AppState, gone: ReadonlyArray<Replica>, node: string) => string
  ) =>
  ({ state }: Facts): ReadonlyArray<Evidence> =>
    [
      ...Map.groupBy(
        state.replicas.filter(
          (replica) => healthOf(state, replica) === health && (replica.wanted || replica.ordinal !== null)
        ),
        (replica) => replica.pod?.node ?? ""
      )
    ].map(([node, gone]) =>
      no(evidence(node, gone), [`Node/${node}`, ...pods(gone)], remedy(state, gone, node))
    )

const orderedBlocked = ({ state }: Facts): ReadonlyArray<Evidence> =>
  state.workloads.flatMap((workload) => {
    const found = blocked(state, workload)
    if (found === null) return []
    const { sick, waiting } = found
    return [
      no(
        `${sick.name} is not ready; with OrderedReady, ${named(waiting)} ${verb(waiting, "waits", "wait")} for it`,
        pods([sick, ...waiting]),
        look(state, sick)
      )
    ]
  })

/** An undo reverts the previous rollout: it is reported once, with all pods that it leaves unchanged. */
const rolloutStuck = ({ state }: Facts): ReadonlyArray<Evidence> =>
  state.workloads.flatMap((workload) => {
    const found = Map.groupBy(replicasOf(state, workload), (replica) => stuck(state, workload, replica))
    const [fresh, old] = [found.get("new") ?? [], found.get("old") ?? []]
    const remove = (replicas: ReadonlyArray<Replica>) =>
      kubectl(state, "delete", "pod", ...replicas.map(({ name }) => name))
    const before = (replicas: ReadonlyArray<Replica>) =>
      dataFirst(
        state,
        replicas.map(({ name }) => name)
      )
    return [
      ...(fresh.length === 0
        ? []
        : [
            no(
              `the rollout is stuck at ${named(fresh)}; rolling back does not replace ${verb(fresh, "that pod", "those pods")}`,
              [title(workload), ...pods(fresh)],
              before(fresh) ??
                change(
                  workload,
                  workload.revisions.length > 1
                    ? `${kubectl(state, "rollout", "undo", "statefulset", workload.name)} && ${remove(fresh)}`
                    : `correct the template of ${workload.name}, then: ${remove(fresh)}`
                )
            )
          ]),
      ...(old.length === 0
        ? []
        : [
            no(
              `${named(old)} ${verb(old, "is", "are")} stuck on an old revision: nothing replaces ${verb(old, "it", "them")}`,
              pods(old),
              before(old) ?? remove(old)
            )
          ])
    ]
  })

/** A claim of this pod's that is attached to another node for a pod that runs there, and to one node at a time. */
const takenFrom = (
  state: AppState,
  { name, pod }: Replica
): { readonly claim: string; readonly words: string } | null => {
  if (pod === null || pod.node === null || pod.deleted !== null) return null
  for (const claim of liveClaims(state)) {
    if (!claim.usedBy.includes(name) || !isHeld(state, claim)) continue
    const holder = state.replicas.find(
      (other) => claim.usedBy.includes(other.name) && other.pod?.ready === true && other.pod.node !== pod.node
    )
    if (holder !== undefined)
      return {
        claim: claim.name,
        words: `${claim.name} is attached to ${holder.pod?.node ?? "another node"}, for ${holder.name}`
      }
  }
  return null
}

/** The remedy for an unhealthy replica, or the command to inspect it first. A Deployment's pods have no claims of their own. */
const help = (state: AppState, replica: Replica): string => {
  const taken = takenFrom(state, replica)
  if (taken === null) return look(state, replica)
  const workload = state.workloads.find((one) => title(one) === replica.workload)
  if (workload?.kind !== "Deployment")
    return `give each pod its own PVC instead of ${taken.claim}, or use a ReadWriteMany PVC`
  const many = `only if ${workload.name} can run more than once at a time, move ${taken.claim} to a ReadWriteMany PVC`
  return change(
    workload,
    workload.replicas > 1
      ? `run 1 replica; ${many}`
      : `set strategy Recreate, so that a new pod starts when the old one is gone; ${many}`
  )
}

/** Unhealthy replicas that no other rule reports, grouped by reason. */
const notReady = (state: AppState): ReadonlyMap<string, ReadonlyArray<Replica>> => {
  const waiting = new Set(
    state.workloads.flatMap((workload) =>
      (blocked(state, workload)?.waiting ?? []).map((replica) => replica.name)
    )
  )
  const sick = state.replicas.filter((replica) => {
    const workload = state.workloads.find((candidate) => title(candidate) === replica.workload)
    return (
      replica.wanted &&
      ["missing", "terminating", "notReady"].includes(healthOf(state, replica)) &&
      !(replica.pod === null && waiting.has(replica.name)) &&
      (workload === undefined || stuck(state, workload, replica) === null)
    )
  })
  return Map.groupBy(sick, (replica) => {
    if (replica.pod === null) return "there is no pod"
    const taken = takenFrom(state, replica)
    if (taken !== null) return taken.words
    return replica.pod.deleted === null
      ? replica.pod.reason === null
        ? "its probes fail"
        : oneLine(replica.pod.reason)
      : "it is being deleted"
  })
}

const replicaNotReady = ({ state }: Facts): ReadonlyArray<Evidence> =>
  [...notReady(state)].flatMap(([reason, sick]) =>
    sick[0] === undefined
      ? []
      : [
          no(
            `${named(sick)} ${verb(sick, "is", "are")} not ready: ${reason}`,
            pods(sick),
            help(state, sick[0])
          )
        ]
  )

/** A sick member's volumes can be cut, but hold whatever it left behind. */
const cutOfSick = ({ state }: Facts): ReadonlyArray<Evidence> => {
  const sick = state.replicas.filter(
    (replica) => replica.wanted && replica.pod !== null && healthOf(state, replica) !== "well"
  )
  // Where there are no claims, nothing is cut.
  return sick[0] === undefined || liveClaims(state).length === 0
    ? []
    : [
        unknown(
          `${named(sick)} ${verb(sick, "is", "are")} not ready: cannot tell what a snapshot would contain`,
          pods(sick),
          look(state, sick[0])
        )
      ]
}

/** The controller leaves the pods of such a workload alone, until its finalizers are removed, and they are deleted too. */
const beingDeleted = ({ state }: Facts): ReadonlyArray<Evidence> =>
  state.workloads
    .filter((workload) => workload.deleted !== null)
    .map((workload) =>
      no(
        `${title(workload)} is being deleted: lost pods are not replaced`,
        [title(workload)],
        kubectl(
          state,
          "get",
          workload.kind.toLowerCase(),
          workload.name,
          "-o",
          "jsonpath={.metadata.finalizers}"
        )
      )
    )

export const healthRules: ReadonlyArray<Rule> = [
  rule("restart", "workload-being-deleted", beingDeleted),
  rule(
    "restart",
    "node-lost",
    onLostNodes(
      "onLostNode",
      (node, gone) =>
        `${node} is unreachable: cannot tell whether ${named(gone)} ${verb(gone, "runs", "run")}`,
      outOfService
    )
  ),
  rule(
    "restart",
    "node-gone",
    onLostNodes(
      "onGoneNode",
      (node, gone) =>
        `${node} is gone from the cluster, and ${named(gone)} ${verb(gone, "was", "were")} on it`,
      collected
    )
  ),
  rule(
    "restart",
    "terminating-on-lost-node",
    onLostNodes(
      "stuckTerminating",
      (node, gone) =>
        `${named(gone)} ${verb(gone, "is", "are")} stuck terminating: ${node} is unreachable, so ${gone.some(({ ordinal }) => ordinal !== null) ? "no replacement is created" : "volumes are not released"}`,
      outOfService
    )
  ),
  rule("restart", "ordered-ready-blocked", orderedBlocked),
  rule("restart", "rollout-stuck", rolloutStuck),
  rule("restart", "replica-not-ready", replicaNotReady)
]

export const cutOfSickRule: Rule = rule("snapshot", "replica-not-ready", cutOfSick)
