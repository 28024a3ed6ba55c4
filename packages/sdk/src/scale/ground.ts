/**
 * Conditions for new pods that the state does not contain: pods of the namespace that use the node's ports,
 * count in the template's spread, or have a name that will be needed; and the requirements of admission.
 */
import * as Effect from "effect/Effect"
import { repelledBy } from "../AntiAffinity.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { Dependency } from "../Dependency.ts"
import { kinds } from "../Kind.ts"
import { controllerOf } from "../kind/Meta.ts"
import { hasEnded, type Pod, type PodSpec } from "../kind/Pod.ts"
import { matches } from "../LabelSelector.ts"
import type { Refusal } from "../operation/Plan.ts"
import { parse } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"
import type { Around } from "../Scheduling.ts"
import { shellWord } from "../ShellWord.ts"
import type { AppState } from "../state/AppState.ts"
import { type HostPort, hostPortsOf } from "../HostPort.ts"
import { mountsIn } from "../step/users.ts"
import type { Workload } from "../Topology.ts"

/** A pod of the namespace that is not the set's, under the name of one of its ordinals. */
export interface Stranger {
  readonly name: string
  /** `Kind/name` of its controller; `null` if it has none. */
  readonly of: string | null
  readonly isEnding: boolean
}

export interface Ground extends Around {
  readonly strangers: ReadonlyArray<Stranger>
}

const anywhere = ({ hostIP }: HostPort): boolean => !hostIP || hostIP === "0.0.0.0"

const collide = (one: HostPort, other: HostPort): boolean =>
  one.hostPort === other.hostPort &&
  one.protocol === other.protocol &&
  (anywhere(one) || anywhere(other) || one.hostIP === other.hostIP)

const nodesOf = (pods: ReadonlyArray<Pod>): ReadonlyArray<string> =>
  pods.flatMap(({ spec }) => spec.nodeName ?? [])

const takenBy = (spec: PodSpec, others: ReadonlyArray<Pod>): ReadonlyArray<string> => {
  const wanted = hostPortsOf(spec)
  return nodesOf(
    others.filter(
      (pod) =>
        !hasEnded(pod) && hostPortsOf(pod.spec).some((one) => wanted.some((port) => collide(one, port)))
    )
  )
}

/**
 * The conditions, and the pods of the namespace that have each claim mounted. `null` if it could not be read.
 */
export const readGround = (ref: {
  readonly namespace: string
  readonly name: string
}): Effect.Effect<
  { readonly ground: Ground | null; readonly mountedBy: Readonly<Record<string, ReadonlyArray<string>>> },
  ClusterError,
  Cluster
> =>
  Effect.gen(function* () {
    const { namespace } = ref
    const [found, pods] = yield* Effect.all(
      [
        // Reading the state reports why the StatefulSet cannot be read.
        Resource.find(kinds.statefulsets, ref).pipe(
          Effect.catchIf(
            ({ reason }) => reason._tag === "Forbidden" || reason._tag === "Unreadable",
            () => Effect.succeed(null)
          )
        ),
        Resource.listObjects(kinds.pods, { namespace }).pipe(
          Effect.map(({ items }) => items),
          Effect.catchReason("ClusterError", "Forbidden", () => Effect.succeed([]))
        )
      ],
      { concurrency: 2 }
    )
    const mountedBy = mountsIn(pods)
    if (found === null) return { ground: null, mountedBy }
    const { metadata, spec: set } = found
    const { spec } = set.template
    // Only predictions: no pod is reported as deleted because of them.
    const others = Resource.readable(kinds.pods, pods).items.filter(
      (pod) => controllerOf(pod.metadata)?.uid !== metadata.uid
    )
    const ground: Ground = {
      taken: takenBy(spec, others),
      repelling: repelledBy(set.template, { namespace, labels: null }, others),
      nodes: spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? null,
      others: (spec.topologySpreadConstraints ?? []).map(({ labelSelector }) =>
        nodesOf(
          others.filter(
            (pod) =>
              !hasEnded(pod) && !pod.metadata.deletionTimestamp && matches(labelSelector, pod.metadata.labels)
          )
        )
      ),
      strangers: others.flatMap(({ metadata: of }) => {
        const { name } = of
        if (!name.startsWith(`${ref.name}-`)) return []
        const controller = controllerOf(of)
        const isEnding = Boolean(of.deletionTimestamp)
        // One without a controller that the selector finds is taken in.
        if (controller === undefined && !isEnding && matches(set.selector, of.labels)) return []
        return [
          { name, of: controller === undefined ? null : `${controller.kind}/${controller.name}`, isEnding }
        ]
      })
    }
    return { ground, mountedBy }
  })

/** The kinds without which admission refuses a pod; without others it is created, and waits. */
const admitting: ReadonlySet<Dependency["kind"]> = new Set([
  "ServiceAccount",
  "PriorityClass",
  "RuntimeClass"
])

const admittedBy = ({ dependencies }: AppState, { name }: Workload): ReadonlyArray<Dependency> =>
  dependencies.filter(({ kind, usedBy }) => admitting.has(kind) && usedBy.includes(`StatefulSet/${name}`))

/** Requirements of admission that could not be read. */
export const unreadForPods = (state: AppState, workload: Workload): ReadonlyArray<string> =>
  admittedBy(state, workload)
    .filter(({ present }) => present === null)
    .map(({ kind, name }) => `${kind} ${name}`)

const makeOf = (kind: string, name: string, namespace: string): string =>
  kind === "ServiceAccount"
    ? `kubectl create serviceaccount ${shellWord(name)} -n ${shellWord(namespace)}`
    : `create that ${kind}, or name another one in the template`

/** Reasons that new pods cannot be created at all. */
export const groundRefusals = (
  state: AppState,
  ground: Ground | null,
  workload: Workload,
  to: number
): ReadonlyArray<Refusal> => {
  const { namespace } = state
  const { name: set, replicas, firstOrdinal } = workload
  const isWanted = (pod: string): boolean => {
    const ordinal = parse(pod.slice(set.length + 1))
    return ordinal !== null && ordinal >= firstOrdinal + replicas && ordinal < firstOrdinal + to
  }
  return to <= replicas
    ? []
    : [
        ...admittedBy(state, workload)
          .filter(({ present }) => present === false)
          .map(({ kind, name }) => ({
            reason: `${kind} ${name} not found: no new pod can be created`,
            remedy: makeOf(kind, name, namespace)
          })),
        ...(ground?.strangers ?? [])
          .filter(({ name }) => isWanted(name))
          .map(({ name, of, isEnding }) => ({
            reason: `pod ${name} already exists ${of === null ? "without a controller" : `(owned by ${of})`}, so ${set} cannot create it`,
            remedy: isEnding
              ? "wait until it has terminated"
              : `find out what it belongs to: kubectl describe pod ${shellWord(name)} -n ${shellWord(namespace)}; if it is not needed, delete it`
          }))
      ]
}
