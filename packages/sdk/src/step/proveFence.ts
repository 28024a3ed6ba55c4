/** Verifies the isolation, before anything is started. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { ObjectMeta } from "../kind/Meta.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import { because } from "../operation/OperationError.ts"
import { on, rules, type StepKind } from "../operation/Step.ts"
import type { Failure } from "../operation/StepContext.ts"
import { kinds, reading } from "../Kind.ts"
import * as LimitRange from "../LimitRange.ts"
import * as Resource from "../Resource.ts"
import { defaultStepTimeout, polled, until } from "../wait/until.ts"
import type { At as CloneAt, CloneSettings } from "./cloneRecord.ts"
import { probeName, probePod, type Side, sides, verdictOf } from "./fenceProbe.ts"
import { isAsMade, readFence } from "./isolate.ts"
import { isOver, CheckPod, waitsFor } from "./checkPodResult.ts"
import { makeBeside, removeOurs } from "./snapshots.ts"
import * as Workload from "./workload.ts"
import { cloneLabel } from "../Labels.ts"
import { counted } from "../Plural.ts"

type Settings = CloneSettings & { readonly stepTimeout?: number }
type At = CloneAt & { readonly settings: Settings }
type Work<A = void> = Effect.Effect<A, Failure, Cluster>

const ProveSchema = Schema.TaggedStruct("ProveFence", { on, policy: Schema.String })
type ProveFence = typeof ProveSchema.Type

/** So many addresses of the source at most: they are tried at one time. */
const most = 12

const targetOf = (at: At, side: Side): Resource.Target => ({
  api: kinds.pods,
  namespace: at.fence.namespace,
  name: probeName(at.fence.name, side, at.plan.id)
})

/** True for the pods of a StatefulSet. */
const isMemberOf =
  (set: string) =>
  ({ ownerReferences }: ObjectMeta): boolean =>
    ownerReferences?.some(({ kind, name }) => kind === "StatefulSet" && name === set) === true

/** The addresses of the pods of the source; empty if no running pod has one. */
const addressesOf = (
  namespace: string,
  app: string
): Effect.Effect<ReadonlyArray<string>, ClusterError, Cluster> => {
  return Effect.map(Resource.list(kinds.pods, { namespace, which: isMemberOf(app) }), (pods) =>
    pods
      .flatMap(({ spec, status }) => {
        const ip = status?.podIPs?.[0]?.ip
        if (!ip) return []
        return spec.containers
          .flatMap(({ ports }) => ports ?? [])
          .filter(({ protocol }) => (protocol ?? "TCP") === "TCP")
          .map(({ containerPort }) => `${ip}/${containerPort}`)
      })
      .slice(0, most)
  )
}

const checkPods = reading(kinds.pods, CheckPod)

const read = (at: At, side: Side): Effect.Effect<CheckPod | null, ClusterError, Cluster> =>
  Resource.find(checkPods, targetOf(at, side))

const remove = (at: At): Work =>
  removeOurs(
    at,
    sides.map((side) => targetOf(at, side))
  )

const unfenced = (at: CloneAt, why: string) =>
  because(
    "Unfenced",
    `${at.fence.name} cannot be isolated from ${at.settings.renaming.from.name}: ${why}`,
    "use a network that enforces NetworkPolicies; or use --no-fence if the copy may reach its source"
  )

/** Both pods have ended. */
const untilOver = (at: At): Work =>
  Effect.asVoid(
    until(at, {
      views: polled(
        Effect.forEach(sides, (side) => Effect.map(read(at, side), (pod) => ({ side, pod })), {
          concurrency: 2
        })
      ),
      until: (all) =>
        all.flatMap(({ side, pod }) =>
          isOver(pod)
            ? []
            : [
                {
                  subject: { kind: "Pod", name: probeName(at.fence.name, side, at.plan.id) },
                  for: waitsFor(pod)
                }
              ]
        ),
      limit: at.settings.stepTimeout ?? defaultStepTimeout
    })
  )

const probe = (at: At, set: StatefulSet): Work =>
  Effect.gen(function* () {
    const { namespace, name } = at.settings.renaming.from
    const addresses = yield* addressesOf(namespace, name)
    const fit = yield* LimitRange.fitting(at.fence.namespace)
    const podOf = (side: Side) => fit(probePod(set, { side, operation: at.plan.id, addresses }))
    yield* Effect.forEach(sides, (side) => makeBeside(at, targetOf(at, side), podOf(side)), {
      concurrency: 2,
      discard: true
    })
    yield* untilOver(at)
    const [behind, beside] = yield* Effect.all(
      sides.map((side) => read(at, side)),
      { concurrency: 2 }
    )
    const verdict =
      behind == null || beside == null
        ? { _tag: "Unknown" as const, why: "a pod that tests it was deleted" }
        : verdictOf(behind, beside)
    if (verdict._tag === "Open") yield* unfenced(at, "the network does not enforce networkpolicies")
    if (verdict._tag === "Unknown") yield* unfenced(at, verdict.why)
    const tried =
      addresses.length === 0
        ? `no pod of ${name} shows where it listens, so it was tested with the API server`
        : `tested with ${counted(addresses.length, "address", "addresses")} of ${name}`
    yield* at.report({ _tag: "Note", message: `isolation verified: ${tried}` })
  })

/**
 * Reason that the isolation does not select the copy's pods; `null` if it does. It selects them by a label,
 * which an admission webhook or another client may have taken off the template, or off a pod.
 */
const unlabelled = ({ fence: { namespace, name }, plan: { id } }: CloneAt) =>
  Effect.gen(function* () {
    const set = yield* Resource.find(kinds.statefulsets, { namespace, name })
    if (set === null) return null
    const pods = yield* Resource.list(kinds.pods, { namespace, which: isMemberOf(name) })
    const all = [
      { title: `the pod template of ${name}`, labels: set.spec.template.metadata?.labels },
      ...pods.map(({ metadata }) => ({ title: `pod ${metadata.name}`, labels: metadata.labels }))
    ]
    const other = all.find(({ labels }) => labels?.[cloneLabel] !== id)
    return other === undefined
      ? null
      : `${other.title} has lost the label ${cloneLabel}, by which it is isolated, perhaps to an admission webhook`
  })

/** Reason that the required isolation is missing or changed; `null` if it is as created. */
export const fenceFault = (at: CloneAt): Effect.Effect<string | null, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const { fence } = at.settings
    if (fence === null) return null
    const { namespace, name } = at.fence
    const found = yield* readFence({ namespace, operation: at.plan.id }, fence)
    if (found === null) return `another client deleted networkpolicy ${fence}`
    if (!isAsMade(found, fence, name, at.plan.id)) return `another client changed networkpolicy ${fence}`
    return yield* unlabelled(at)
  })

/** Fails unless the required isolation exists: before anything is started. */
export const assertFenced = (at: CloneAt): Work =>
  Effect.flatMap(fenceFault(at), (why) => (why === null ? Effect.void : unfenced(at, why)))

const perform = (_: ProveFence, at: At): Work =>
  Effect.gen(function* () {
    const set = yield* Workload.assertHeld(at.fence)
    yield* assertFenced(at)
    yield* remove(at)
    yield* probe(at, set)
    yield* remove(at)
  })

/** Verifies that an isolated pod cannot reach the source. */
export const ProveFence: StepKind<ProveFence, Settings> = {
  tag: "ProveFence",
  schema: ProveSchema,
  describe: (_, { name }) => `verify that ${name} cannot reach what it was copied from`,
  access: (_, { namespace }, { renaming }) => [
    ...rules("", "pods", ["get", "list", "create", "delete"], namespace),
    ...rules("", "pods", ["list"], renaming.from.namespace),
    ...rules("networking.k8s.io", "networkpolicies", ["get"], namespace)
  ],
  rehearse: (_, at) =>
    Effect.succeed([
      `verify that ${at.fence.name} cannot reach what it was copied from: it does not exist yet`
    ]),
  perform,
  undo: (_, at) => remove(at),
  undoAlone: (_, at) => remove(at)
}
