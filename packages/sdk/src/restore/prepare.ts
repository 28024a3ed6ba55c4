/** The plans of a restore, from the cluster as it is: of one StatefulSet, or of all that an application has. */
import * as Effect from "effect/Effect"
import { type AppRef, nameOf, statefulSet } from "../App.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import { newId, type Refusal } from "../operation/Plan.ts"
import { read } from "../State.ts"
import type { Summary } from "../step/record.ts"
import type { ReadRecord } from "../step/recordList.ts"
import { mountedIn } from "../step/users.ts"
import type { Workload } from "../Topology.ts"
import { orderOf } from "./order.ts"
import { configOf } from "./config.ts"
import { configFacts } from "./configFacts.ts"
import type { ConfigOptions } from "./configOptions.ts"
import { configPlan, plan as planOf, type RestoreOptions as PlanOptions } from "./plan.ts"
import { byDeployment, deploymentNow, namingIn, stoppedBy } from "./deployments.ts"
import { groundOf } from "./look.ts"
import type { Ground } from "./ground.ts"
import { slotOf } from "./target.ts"
import type { Found, FoundCut, Source } from "./source.ts"
import { together } from "./together.ts"
import type { RestorePlan, RestoreRun, RestoreSettings } from "./verb.ts"
import { mayPatchVolumes } from "../step/volume.ts"

export interface RestoreOptions
  extends
    Omit<PlanOptions, "mayPatchVolumes" | "mountedBy" | "stopped" | keyof Ground>,
    ConfigOptions,
    RestoreRun {
  /** Also restore the pod template, ConfigMaps and Secrets. Default false. */
  readonly withConfig?: boolean
  /** Restore only those, and no volumes. Default: volumes. */
  readonly only?: "config"
  /** The StatefulSets and Deployments of a selector's snapshot in the order in which they start. Default: first those that others refer to. */
  readonly order?: ReadonlyArray<string>
}

/** A restore in place is one of claims that a StatefulSet looks for by name. */
const stateOf = (ref: AppRef, replicas = 0) =>
  Effect.catchTag(read(ref, { replicas }), "AppNotFound", ({ message }) =>
    Effect.fail(
      because(
        "NotFound",
        `${message}: there is nothing to restore the volumes to`,
        "apply its manifest with replicas: 0, and restore then"
      )
    )
  )

/** Conditions that prevent any restore in a namespace, and the operation's id. */
const facts = (namespace: string, options: RestoreOptions) =>
  Effect.map(
    Effect.all([newId, mayPatchVolumes, mountedIn(namespace, true), groundOf(namespace)], { concurrency: 4 }),
    ([id, mayPatch, mountedBy, ground]) => ({
      id,
      ground: { ...ground, mayPatchVolumes: mayPatch, mountedBy },
      options: { ...options, ...ground, mayPatchVolumes: mayPatch, mountedBy }
    })
  )

/** The state with its StatefulSet. `replicas`: how many there will be, whose claims are its own by their names. */
const setOf = (ref: AppRef, replicas?: number) =>
  Effect.flatMap(stateOf(ref, replicas), (state) => {
    const workload = state.workloads.find(({ kind }) => kind === "StatefulSet")
    return workload === undefined
      ? Effect.fail(because("NotFound", `statefulset "${nameOf(ref)}" not found`))
      : Effect.succeed({ state, workload })
  })

/** The number of members, up to the last one that has a volume in the snapshot. */
const membersIn = (source: Source, workload: Workload): number =>
  (source._tag === "Snapshot" ? source.cuts : source.claims).reduce(
    (count, { claim }) =>
      Math.max(count, (slotOf(workload, claim)?.ordinal ?? -1) - workload.firstOrdinal + 1),
    0
  )

export const planFor = (
  ref: AppRef,
  source: Source | ((workload: Workload) => Effect.Effect<Source, ClusterError, Cluster>),
  options: RestoreOptions,
  known?: Effect.Success<ReturnType<typeof facts>>,
  /** The record whose configuration is restored as well; `null` for none. */
  record: ReadRecord | null = null
) =>
  Effect.gen(function* () {
    const [now, all] = yield* Effect.all(
      [setOf(ref), known === undefined ? facts(ref.namespace, options) : Effect.succeed(known)],
      { concurrency: 2 }
    )
    const from = typeof source === "function" ? yield* source(now.workload) : source
    const count = membersIn(from, now.workload)
    // Somebody may have made a claim of that name by hand, without the labels of the others.
    const { state, workload } = count > now.workload.replicas ? yield* setOf(ref, count) : now
    const config =
      record === null
        ? null
        : configOf(yield* configFacts(record, state, workload), workload, all.id, false, options)
    return planOf(state, workload, ref, all.id, from, all.options, config)
  })

/** The plan for the configuration only: of a snapshot, or as it was before a restore. */
export const planConfig = (
  ref: AppRef,
  from: Pick<RestoreSettings, "set" | "undoes">,
  record: ReadRecord,
  options: RestoreOptions
) =>
  Effect.gen(function* () {
    const { state, workload } = yield* setOf(ref)
    const id = yield* newId
    const config = configOf(yield* configFacts(record, state, workload), workload, id, true, options)
    return configPlan(state, workload, ref, id, from, config)
  })

/** The plans of Deployments that are stopped together. */
const planDeployments = (
  ref: AppRef,
  found: ReadonlyArray<Found>,
  options: RestoreOptions,
  known: Effect.Success<ReturnType<typeof facts>>
) =>
  Effect.gen(function* () {
    const now = yield* Effect.forEach(found, ({ app }) => deploymentNow(ref.namespace, app), {
      concurrency: 4
    })
    const stopped = stoppedBy(now)
    // A profile says how a member's volume is verified, and which promise its members keep.
    const { verify: _, oneMember: __, ...plain } = options
    return found.flatMap(({ kind, app, source }, place) => {
      const one = now[place]
      return one === undefined
        ? []
        : [
            {
              kind,
              app,
              plan: planOf(one.state, one.workload, ref, known.id, source, {
                ...plain,
                ...known.ground,
                stopped
              })
            }
          ]
    })
  })

/** One plan for several workloads of an application, in the order in which they start. */
export const planTogether = (
  ref: AppRef,
  found: ReadonlyArray<Found>,
  options: RestoreOptions,
  more: { readonly effects?: ReadonlyArray<string>; readonly refusals?: ReadonlyArray<Refusal> } = {}
): Effect.Effect<RestorePlan, OperationError | ClusterError, Cluster> =>
  Effect.gen(function* () {
    const { namespace } = ref
    const known = yield* facts(namespace, options)
    const apps = found.map(({ app }) => app)
    const { order = [] } = options
    const strangers = order.filter((one) => !apps.includes(one))
    const byOrder = order.flatMap((one) => found.filter(({ app }) => app === one))
    const others = found.filter((one) => !byOrder.includes(one))
    const start = [...byOrder, ...(yield* orderOf(namespace, others))]
    const sets = yield* Effect.forEach(
      found.filter(({ kind }) => kind === "StatefulSet"),
      ({ kind, app, source }) =>
        Effect.map(planFor(statefulSet(namespace, app), source, options, known), (plan) => ({
          kind,
          app,
          plan
        })),
      { concurrency: 4 }
    )
    const deployments = found.filter(({ kind }) => kind === "Deployment")
    const all = [...sets, ...(yield* planDeployments(ref, deployments, options, known))]
    const plans = start.flatMap(({ kind, app }) =>
      all.flatMap((one) => (one.kind === kind && one.app === app ? [one.plan] : []))
    )
    const [first, ...rest] = plans
    if (first === undefined) {
      return yield* because(
        "NotFound",
        `${nameOf(ref)} has no StatefulSet or Deployment that could be restored`
      )
    }
    return together(ref, [first, ...rest], {
      effects: [
        ...(plans.length > 1
          ? [`they start in this order, and stop in reverse: ${start.map(({ app }) => app).join(", ")}`]
          : []),
        ...(more.effects ?? [])
      ],
      refusals: [
        ...strangers.map((one) => ({
          reason: `${one} is not a StatefulSet or Deployment of this restore: those are ${apps.join(", ")}`,
          remedy: "name those in --order"
        })),
        ...(options.ordinals === undefined
          ? []
          : [
              {
                reason: "--ordinal needs a snapshot of a single StatefulSet, and this one is of several",
                remedy: "take a snapshot of that StatefulSet by its name"
              }
            ]),
        ...(more.refusals ?? [])
      ]
    })
  })

/**
 * The volume snapshots of a selector's snapshot, by their StatefulSet or Deployment; those of none are
 * refused.
 */
export const planSelected = (
  ref: AppRef,
  summary: Pick<Summary, "replicas">,
  source: Source & { readonly _tag: "Snapshot" },
  options: RestoreOptions
): Effect.Effect<RestorePlan, OperationError | ClusterError, Cluster> =>
  Effect.gen(function* () {
    const state = yield* stateOf(ref)
    const sets = state.workloads.filter(({ kind }) => kind === "StatefulSet")
    const setOfCut = ({ claim }: FoundCut): string | null => {
      const known = state.claims.find(({ name }) => name === claim)?.workload
      const owner =
        sets.find(({ name }) => known === `StatefulSet/${name}`) ?? sets.find((one) => slotOf(one, claim))
      return owner?.name ?? null
    }
    const bySet = Map.groupBy(source.cuts, setOfCut)
    const selected = state.workloads.flatMap(({ kind, name }) => (kind === "Deployment" ? [name] : []))
    const naming = (yield* namingIn(ref.namespace)).filter(({ name }) => selected.includes(name))
    const named = byDeployment(naming, bySet.get(null) ?? [])
    const cutsOf = ({ kind, name }: Pick<Workload, "kind" | "name">) =>
      kind === "StatefulSet" ? bySet.get(name) : kind === "Deployment" ? named.get(name) : undefined
    const found = state.workloads.flatMap((workload): ReadonlyArray<Found> => {
      const { kind, name } = workload
      const cuts = cutsOf(workload)
      const replicas = summary.replicas[`${kind}/${name}`] ?? null
      return cuts === undefined || kind === "DaemonSet"
        ? []
        : [{ kind, app: name, source: { ...source, cuts, replicas } }]
    })
    const owned = new Set([...named.values()].flat())
    return yield* planTogether(ref, found, options, {
      effects: state.workloads
        .filter((workload) => cutsOf(workload) === undefined)
        .map(({ kind, name }) => `${kind}/${name} has no volume in the snapshot: it keeps running`),
      refusals: (bySet.get(null) ?? [])
        .filter((cut) => !owned.has(cut))
        .map(({ claim }) => ({
          reason: `${claim} is not a claim of a StatefulSet's or Deployment's template: only those are restored in place`,
          remedy: "restore it manually: a claim with its VolumeSnapshot as dataSource"
        }))
    })
  })
