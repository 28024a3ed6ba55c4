/**
 * What new pods would meet, beside what the state tells: ports of the node, rules of the template that the
 * scheduler goes by, what admission asks for, and pods that have a name that will be wanted.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import {
  LabelSelector,
  NodeSelector,
  type ObjectMeta,
  optional,
  PartialObjectMetadata,
  StringMap
} from "../kind/Meta.ts"
import { matches } from "../LabelSelector.ts"
import type { Refusal } from "../operation/Plan.ts"
import { parse } from "../Ordinal.ts"
import * as Resource from "../Resource.ts"
import { shellWord } from "../ShellWord.ts"
import { controllerOf } from "../state/Member.ts"
import { mountsIn } from "../step/users.ts"
import type { Workload } from "../Topology.ts"

const Port = Schema.Struct({
  containerPort: optional(Schema.Number),
  hostPort: optional(Schema.Number),
  hostIP: optional(Schema.String),
  protocol: optional(Schema.String)
})
const Container = Schema.Struct({
  restartPolicy: optional(Schema.String),
  ports: optional(Schema.Array(Port))
})
const PodRules = Schema.Struct({
  serviceAccountName: optional(Schema.String),
  priorityClassName: optional(Schema.String),
  runtimeClassName: optional(Schema.String),
  hostNetwork: optional(Schema.Boolean),
  containers: optional(Schema.Array(Container)),
  initContainers: optional(Schema.Array(Container)),
  affinity: optional(
    Schema.Struct({
      nodeAffinity: optional(
        Schema.Struct({ requiredDuringSchedulingIgnoredDuringExecution: optional(NodeSelector) })
      )
    })
  ),
  topologySpreadConstraints: optional(
    Schema.Array(
      Schema.Struct({
        topologyKey: Schema.String,
        maxSkew: Schema.Number,
        minDomains: optional(Schema.Number),
        whenUnsatisfiable: optional(Schema.String),
        nodeTaintsPolicy: optional(Schema.String),
        labelSelector: optional(LabelSelector)
      })
    )
  )
})
type PodRules = typeof PodRules.Type

const Asked = Schema.Struct({
  spec: Schema.Struct({
    selector: optional(LabelSelector),
    template: Schema.Struct({
      metadata: optional(Schema.Struct({ labels: optional(StringMap) })),
      spec: PodRules
    }),
    volumeClaimTemplates: optional(
      Schema.Array(
        Schema.Struct({
          metadata: Schema.Struct({ name: Schema.String, annotations: optional(StringMap) })
        })
      )
    )
  })
})

/** Not more than `maxSkew` apart, over the values of a label. */
export interface Spread {
  readonly topologyKey: string
  readonly maxSkew: number
  /** With fewer domains than this the emptiest is taken to hold none. */
  readonly minDomains: number
  /** Whether nodes whose taints are not tolerated are no domains. Default: they are. */
  readonly honorsTaints: boolean
}

/** A pod of the namespace that is not the set's, under the name of one of its ordinals. */
export interface Stranger {
  readonly name: string
  /** `Kind/name` of its controller; null: it has none. */
  readonly of: string | null
  readonly isEnding: boolean
}

export interface Ground {
  /** Such as `hostPort 19000`: no two pods of the set can have one node. */
  readonly hostPorts: ReadonlyArray<string>
  /** Nodes where pods of somebody else have such a port. */
  readonly taken: ReadonlyArray<string>
  readonly nodes: typeof NodeSelector.Type | null
  readonly spread: ReadonlyArray<Spread>
  /** What admission asks for and is not there. */
  readonly absent: ReadonlyArray<{ readonly kind: string; readonly name: string }>
  /** What could not be read of that. */
  readonly unread: ReadonlyArray<string>
  readonly strangers: ReadonlyArray<Stranger>
  /** Classes that templates of claims name by the annotation from before the field, by template. */
  readonly classes: Readonly<Record<string, string>>
}

type Port = typeof Port.Type

const portsOf = ({ containers, initContainers, hostNetwork }: PodRules): ReadonlyArray<Port> =>
  [
    ...(containers ?? []),
    ...(initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")
  ].flatMap(({ ports }) =>
    (ports ?? []).flatMap((port) => {
      const hostPort = port.hostPort || (hostNetwork === true ? port.containerPort : 0)
      return hostPort ? [{ ...port, hostPort }] : []
    })
  )

const anywhere = ({ hostIP }: Port): boolean => !hostIP || hostIP === "0.0.0.0"

const collide = (one: Port, other: Port): boolean =>
  one.hostPort === other.hostPort &&
  (one.protocol ?? "TCP") === (other.protocol ?? "TCP") &&
  (anywhere(one) || anywhere(other) || one.hostIP === other.hostIP)

const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (found, key) => (Predicate.isObject(found) ? Reflect.get(found, key) : undefined),
    value
  )

const hasEnded = (pod: Resource.KubeObject): boolean =>
  ["Succeeded", "Failed"].includes(String(at(pod, "status", "phase")))

const PodItem = Schema.Struct({ spec: PodRules })
const portsIn = (pod: Resource.KubeObject): ReadonlyArray<Port> => {
  const read = Schema.decodeUnknownResult(PodItem)(pod)
  return Result.isFailure(read) || hasEnded(pod) ? [] : portsOf(read.success.spec)
}

const priorityClasses: Resource.ApiResource = {
  group: "scheduling.k8s.io",
  version: "v1",
  plural: "priorityclasses",
  kind: "PriorityClass",
  namespaced: false
}

/** The kinds that a pod is refused without, and the name of each; none where the cluster has its own. */
const wantedBy = (spec: PodRules): ReadonlyArray<readonly [Resource.ApiResource, string]> => {
  const account = spec.serviceAccountName || "default"
  return [
    // The default one comes back by itself.
    ...(account === "default" ? [] : [[Resource.serviceAccounts, account] as const]),
    ...(spec.priorityClassName ? [[priorityClasses, spec.priorityClassName] as const] : []),
    ...(spec.runtimeClassName ? [[Resource.runtimeClasses, spec.runtimeClassName] as const] : [])
  ]
}

/** Whether it is there; null: it could not be read. A kind that is not served says nothing of its objects. */
const isThere = (
  api: Resource.ApiResource,
  namespace: string,
  name: string
): Effect.Effect<boolean | null, ClusterError, Cluster> =>
  Resource.get({ api, namespace, name }).pipe(
    Effect.as(true),
    Effect.catchIf(
      ({ reason }) => reason._tag === "NotFound",
      ({ message }) => Effect.succeed(message.includes(JSON.stringify(name)) ? false : null)
    ),
    Effect.catchIf(
      ({ reason }) => reason._tag === "Forbidden" || reason._tag === "BadRequest",
      () => Effect.succeed(null)
    )
  )

const metadataOf = (object: Resource.KubeObject): ReadonlyArray<ObjectMeta> => {
  const read = Schema.decodeUnknownResult(PartialObjectMetadata)(object)
  return Result.isFailure(read) ? [] : [read.success.metadata]
}

/** What is around, and which pods of the namespace have which claims mounted. Null: it could not be read. */
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
    const [set, pods] = yield* Effect.all(
      [
        // What keeps the set from being read is said by whoever reads the state.
        Resource.get({ api: Resource.statefulSets, namespace, name: ref.name }).pipe(
          Effect.catchIf(
            ({ reason }) => reason._tag === "Forbidden" || reason._tag === "NotFound",
            () => Effect.succeed(null)
          )
        ),
        Resource.list(Resource.pods, { namespace }).pipe(
          Effect.map(({ items }) => items),
          Effect.catchIf(
            ({ reason }) => reason._tag === "Forbidden",
            () => Effect.succeed([])
          )
        )
      ],
      { concurrency: 2 }
    )
    const mountedBy = mountsIn(pods)
    const asked = Schema.decodeUnknownResult(Asked)(set)
    if (set === null || Result.isFailure(asked)) return { ground: null, mountedBy }
    const { selector, template, volumeClaimTemplates } = asked.success.spec
    const { spec, metadata } = template
    const ports = portsOf(spec)
    const uid = set.metadata.uid
    const others = pods.flatMap((pod) =>
      metadataOf(pod).flatMap((metadata) => (controllerOf(metadata)?.uid === uid ? [] : [{ pod, metadata }]))
    )
    const found = yield* Effect.forEach(
      wantedBy(spec),
      ([api, name]) =>
        Effect.map(isThere(api, namespace, name), (there) => ({ kind: api.kind, name, there })),
      { concurrency: 3 }
    )
    const ground: Ground = {
      hostPorts: [...new Set(ports.map(({ hostPort }) => `hostPort ${hostPort}`))],
      taken: others.flatMap(({ pod }) => {
        const node = at(pod, "spec", "nodeName")
        const isInTheWay =
          ports.length > 0 && portsIn(pod).some((one) => ports.some((port) => collide(one, port)))
        return isInTheWay && typeof node === "string" ? [node] : []
      }),
      nodes: spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? null,
      spread: (spec.topologySpreadConstraints ?? []).flatMap((one) =>
        one.whenUnsatisfiable === "ScheduleAnyway" || !matches(one.labelSelector, metadata?.labels)
          ? []
          : [
              {
                topologyKey: one.topologyKey,
                maxSkew: one.maxSkew,
                minDomains: one.minDomains ?? 1,
                honorsTaints: one.nodeTaintsPolicy === "Honor"
              }
            ]
      ),
      absent: found.filter(({ there }) => there === false).map(({ kind, name }) => ({ kind, name })),
      unread: found.filter(({ there }) => there === null).map(({ kind, name }) => `${kind} ${name}`),
      strangers: others.flatMap(({ metadata: of }) => {
        const { name } = of
        if (!name.startsWith(`${ref.name}-`)) return []
        const controller = controllerOf(of)
        const isEnding = Boolean(of.deletionTimestamp)
        // One without a controller that the selector finds is taken in.
        if (controller === undefined && !isEnding && matches(selector, of.labels)) return []
        return [
          { name, of: controller === undefined ? null : `${controller.kind}/${controller.name}`, isEnding }
        ]
      }),
      classes: Object.fromEntries(
        (volumeClaimTemplates ?? []).flatMap((one) => {
          const name = one.metadata.annotations?.["volume.beta.kubernetes.io/storage-class"]
          return name === undefined ? [] : [[one.metadata.name, name]]
        })
      )
    }
    return { ground, mountedBy }
  })

const makeOf = (kind: string, name: string, namespace: string): string =>
  kind === "ServiceAccount"
    ? `kubectl create serviceaccount ${shellWord(name)} -n ${shellWord(namespace)}`
    : `make that ${kind}, or name another in the template`

/** What keeps new pods from being created at all. */
export const groundRefusals = (
  { absent, strangers }: Ground,
  { namespace }: { readonly namespace: string },
  { name: set, replicas, firstOrdinal }: Workload,
  to: number
): ReadonlyArray<Refusal> => {
  const isWanted = (pod: string): boolean => {
    const ordinal = parse(pod.slice(set.length + 1))
    return ordinal !== null && ordinal >= firstOrdinal + replicas && ordinal < firstOrdinal + to
  }
  return to <= replicas
    ? []
    : [
        ...absent.map(({ kind, name }) => ({
          reason: `${kind} ${name} is not there: no new pod can be created`,
          remedy: makeOf(kind, name, namespace)
        })),
        ...strangers
          .filter(({ name }) => isWanted(name))
          .map(({ name, of, isEnding }) => ({
            reason: `pod ${name} is there already, and ${of === null ? "no controller's" : `${of}'s`}: ${set} can create none of that name`,
            remedy: isEnding
              ? "wait until it has ended"
              : `look whose it is: kubectl describe pod ${shellWord(name)} -n ${shellWord(namespace)}; end it, or give it another name`
          }))
      ]
}

/** The templates of claims, each with the class that counts. */
export const withClasses = (workload: Workload, classes: Ground["classes"]): Workload =>
  Object.keys(classes).length === 0
    ? workload
    : {
        ...workload,
        claimTemplates: workload.claimTemplates.map((one) =>
          classes[one.name] === undefined ? one : { ...one, storageClass: classes[one.name] ?? null }
        )
      }
