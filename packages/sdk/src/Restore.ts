/**
 * Restores an application from a snapshot, in place: new volumes are filled from the snapshot and checked
 * while it runs; then it is stopped, the volumes are swapped, and it is started again. The previous volumes
 * are kept, so that the restore can be undone.
 */
import * as Effect from "effect/Effect"
import { type AppRef, nameOf, statefulSet } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import * as Operation from "./Operation.ts"
import * as Journal from "./operation/Journal.ts"
import { isOperationId, operationsCommand } from "./operation/OperationId.ts"
import { because, type OperationError, refusedBecause } from "./operation/OperationError.ts"
import type { AnyPlan } from "./operation/Plan.ts"
import type { OperationResult } from "./operation/Progress.ts"
import { differences, withoutConfig } from "./restore/diff.ts"
import { plan as planOf, type RestoreOptions as PlanOptions } from "./restore/plan.ts"
import { planConfig, planFor, planSelected, planTogether, type RestoreOptions } from "./restore/prepare.ts"
import { likeDeployment } from "./restore/deployments.ts"
import { foundFor } from "./restore/found.ts"
import { asideByName, asideOf, cutsNow, type Source, wavesOf } from "./restore/source.ts"
import { type RestorePlan, type RestoreRun, type RestoreStep, restoreVerb } from "./restore/verb.ts"
import { setAsideLabel } from "./Labels.ts"
import { shellWord } from "./ShellWord.ts"
import type { AppState } from "./state/AppState.ts"
import { beforeSet } from "./step/record.ts"
import { recordName } from "./RecordName.ts"
import { list, listOf, noSnapshot, type ReadRecord, readWhole } from "./step/recordList.ts"

export { type RestorePlan, RestoreResult, type RestoreRun, type RestoreStep } from "./restore/verb.ts"

export type { RestoreOptions } from "./restore/prepare.ts"

export type RestoreError = OperationError | ClusterError

/** A snapshot by its name, and its namespace. */
export interface SnapshotRef {
  readonly namespace: string
  readonly name: string
}

/** A StatefulSet by its name, and its namespace. */
export interface SetRef {
  readonly namespace: string
  readonly name: string
}

/** A one-line description of a step of a plan. */
export const describe = (plan: RestorePlan, step: RestoreStep): string => restoreVerb.describe(plan, step)

/** One line for each step of a plan that may come from a journal; empty if it cannot be parsed. */
export const describeSteps = (plan: AnyPlan): ReadonlyArray<string> => restoreVerb.describeSteps(plan)

/** The plan, from a state. Pure. `null` if the state has no StatefulSet. */
export const plan = (
  state: AppState,
  ref: AppRef,
  id: string,
  source: Source,
  options: PlanOptions
): RestorePlan | null => {
  const workload = state.workloads.find(({ kind }) => kind === "StatefulSet")
  return workload === undefined ? null : planOf(state, workload, ref, id, source, options)
}

const readUnlessForbidden = (namespace: string, set: string) =>
  Effect.catchReason(readWhole(namespace, set), "ClusterError", "Forbidden", () => Effect.succeed(null))

/** Fails if no configuration can be restored at all. */
const configAllowed = (
  app: AppRef,
  name: string,
  read: ReadRecord | null,
  { ordinals }: RestoreOptions
): Effect.Effect<void, OperationError> => {
  if (read === null) {
    return because(
      "NotFound",
      `the record of snapshot ${name} is gone: its configuration stood in secret "${recordName(name)}"`,
      "restore only its volumes"
    )
  }
  if (app._tag === "Selector") {
    return refusedBecause(
      `snapshot ${name} is of the selector ${nameOf(app)}: the configuration of only one StatefulSet can be restored at a time`,
      "restore only its volumes, or take a snapshot of each StatefulSet by its name"
    )
  }
  return ordinals === undefined
    ? Effect.void
    : refusedBecause(
        "all members of a StatefulSet share one configuration: it cannot be restored for some of them",
        "leave out --ordinal, or --with-config"
      )
}

/**
 * Reads the snapshot and the state, and returns a plan. Changes nothing.
 *
 * A refusal is not an error here: it is in `plan.refusals`.
 */
export const prepare = Effect.fn("Restore.prepare")(function* (
  { namespace, name }: SnapshotRef,
  options: RestoreOptions = {}
): Effect.fn.Return<RestorePlan, RestoreError, Cluster> {
  const hasConfig = options.withConfig === true || options.only === "config"
  // Who may not read Secrets restores volumes by what a list shows.
  const read = yield* hasConfig ? readWhole(namespace, name) : readUnlessForbidden(namespace, name)
  const record = read?.record ?? null
  const summary =
    record ?? (yield* list(namespace)).find(({ summary: one }) => one.name === name)?.summary ?? null
  if (summary === null) {
    return yield* noSnapshot(namespace, name)
  }
  const app = { ...summary.app, namespace }
  if (hasConfig) yield* configAllowed(app, name, read, options)
  if (options.only === "config" && read !== null) {
    return yield* planConfig(app, { set: name, undoes: null }, read, options)
  }
  const [cuts, differs] = yield* Effect.all(
    [
      cutsNow(summary),
      record === null
        ? Effect.succeed(["other changes since then are unknown: no permission to read secrets"])
        : differences(namespace, hasConfig ? withoutConfig(record) : record)
    ],
    { concurrency: 2 }
  )
  const source = {
    _tag: "Snapshot" as const,
    set: name,
    level: summary.level,
    guarantee: summary.oneMember === undefined ? (summary.quiesced?.guarantee ?? null) : "one-member",
    ...(summary.seedOnly === undefined ? {} : { seedOnly: summary.seedOnly }),
    ...wavesOf(summary, read),
    created: summary.created,
    replicas: summary.replicas[`StatefulSet/${nameOf(app)}`] ?? null,
    cuts,
    differs
  }
  return yield* app._tag === "StatefulSet"
    ? planFor(app, source, options, undefined, hasConfig ? read : null)
    : planSelected(app, summary, source, options)
})

/** How VolumeSnapshots of other tools are selected. */
export interface FoundOptions extends RestoreOptions {
  /** VolumeSnapshots by the claims that they are of. Default: of each claim the newest one that is ready. */
  readonly volumeSnapshots?: Readonly<Record<string, string>>
}

/**
 * Plans to restore from VolumeSnapshots of other tools. The plan's effects show the one for each claim.
 * Changes nothing.
 */
export const prepareFromVolumeSnapshots = Effect.fn("Restore.prepareFromVolumeSnapshots")(function* (
  { namespace, name }: SetRef,
  { volumeSnapshots = {}, ...options }: FoundOptions = {}
): Effect.fn.Return<RestorePlan, RestoreError, Cluster> {
  return yield* planFor(
    statefulSet(namespace, name),
    (workload) => foundFor(namespace, workload, volumeSnapshots),
    options
  )
})

/**
 * Plans to undo an earlier restore: the volumes that it kept are swapped back in, and the current ones are
 * kept. Changes nothing.
 */
export const prepareUndo = Effect.fn("Restore.prepareUndo")(function* (
  at: Operation.OperationAt,
  options: RestoreOptions = {}
): Effect.fn.Return<RestorePlan, RestoreError, Cluster> {
  const journal = yield* Journal.find(at.namespace, at.id).pipe(
    Effect.map(({ plan: done }) => done),
    Effect.catchReason("OperationError", "NotFound", () => Effect.succeed(null))
  )
  const id = isOperationId(at.id) ? at.id : null
  const read = id === null ? null : yield* readUnlessForbidden(at.namespace, beforeSet(id))
  const alone = (app: string, record: ReadRecord) =>
    planConfig(statefulSet(at.namespace, app), { set: null, undoes: at.id }, record, options)
  if (journal === null) {
    const found = id === null ? [] : yield* asideByName(at.namespace, id)
    const [first, ...more] = found
    if (first !== undefined) {
      const { app } = found.find(({ kind }) => kind === "StatefulSet") ?? first
      const ref = found.some(({ kind }) => kind === "StatefulSet")
        ? statefulSet(at.namespace, app)
        : yield* likeDeployment(at.namespace, app)
      return yield* more.length === 0 && first.kind === "StatefulSet"
        ? planFor(ref, first.source, options, undefined, read)
        : planTogether(ref, found, options)
    }
    if (read?.record.app._tag === "StatefulSet") return yield* alone(read.record.app.name, read)
    return yield* because(
      "NotFound",
      `no operation ${at.id} in namespace ${at.namespace}, and nothing that it set aside`,
      `\`kubectl get pvc -l ${setAsideLabel} -n ${shellWord(at.namespace)}\` shows what was set aside: its names end in the operation`
    )
  }
  const decoded = restoreVerb.decode(journal)
  if (decoded._tag === "Failure") {
    return yield* because(
      "Mismatch",
      `operation ${at.id} is not a restore but a ${journal.verb}`,
      `${operationsCommand(at.namespace)} lists them`
    )
  }
  const done = decoded.success
  const { config, kept } = done.settings
  if (config !== undefined && read === null) {
    return yield* because(
      "NotFound",
      `secret "${config.before}", in which restore ${at.id} kept the configuration, was deleted or cannot be read`,
      `restore from a snapshot instead: ${listOf(at.namespace)} lists them`
    )
  }
  if (read !== null && (options.only === "config" || (config !== undefined && kept.length === 0))) {
    return yield* alone(nameOf(done.app), read)
  }
  const found = yield* Effect.forEach(done.guards, (guard) =>
    Effect.map(asideOf(at.namespace, done, guard), (source) => ({
      kind: guard.kind === "Deployment" ? ("Deployment" as const) : ("StatefulSet" as const),
      app: guard.name,
      source
    }))
  )
  // What went back alone comes back alone.
  const { ordinals } = done.settings
  const how = { ...(ordinals === undefined ? {} : { ordinals }), ...options }
  if (config !== undefined) yield* configAllowed(done.app, at.id, read, how)
  const [first] = found
  return yield* found.length === 1 && first?.kind === "StatefulSet"
    ? planFor(statefulSet(at.namespace, first.app), first.source, how, undefined, read)
    : planTogether({ ...done.app, namespace: at.namespace }, found, how)
})

/**
 * Checks what a run would do, without changing anything. With `server`, each write is also sent with
 * `dryRun=All`.
 */
export const dryRun = Effect.fn("Restore.dryRun")(function* (
  made: RestorePlan,
  mode: "client" | "server"
): Effect.fn.Return<RestorePlan, RestoreError, Cluster> {
  return yield* Operation.dryRun(made, restoreVerb, mode, {})
})

/**
 * Runs a prepared plan. Refused if a fact of the plan has changed since.
 *
 * **Errors**: `Refused`, `Access`, `Changed` or `Mismatch` with nothing changed; `Held` or `Unfinished` if
 * another operation is in the way. After any other error the operation can be resumed or aborted.
 */
export const run = Effect.fn("Restore.run")(function* (
  made: RestorePlan,
  options: RestoreRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.execute(made, restoreVerb, options)
})

/**
 * Restores a StatefulSet from a snapshot, in place: plans, and runs the plan. The previous volumes are kept.
 *
 * **Caveats**: the application is down while the volumes are swapped. Only volumes are restored unless the
 * options say otherwise.
 *
 * **Errors**: `Refused` if a part of it cannot be restored, with nothing changed; those of `run`.
 *
 * **Example**:
 *
 * ```ts
 * yield* Restore.restore({ namespace: "shop", name: "nightly" }, { identity: "ann@laptop" })
 * ```
 */
export const restore = Effect.fn("Restore.restore")(function* (
  ref: SnapshotRef,
  options: RestoreOptions & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, RestoreError, Cluster> {
  const made = yield* prepare(ref, options)
  return yield* run(made, options)
})

/**
 * Restores a StatefulSet from VolumeSnapshots of other tools, whose consistency is unknown.
 *
 * **Errors**: `Refused` if a part of it cannot be restored, with nothing changed; those of `run`.
 */
export const fromVolumeSnapshots = Effect.fn("Restore.fromVolumeSnapshots")(function* (
  ref: SetRef,
  options: FoundOptions & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, RestoreError, Cluster> {
  const made = yield* prepareFromVolumeSnapshots(ref, options)
  return yield* run(made, options)
})

/**
 * Undoes a finished restore: swaps the previous volumes back in. The restored volumes are kept, so that this
 * can be undone as well.
 *
 * **Errors**: `Refused` if a kept volume was deleted; those of `run`.
 */
export const undo = Effect.fn("Restore.undo")(function* (
  at: Operation.OperationAt,
  options: RestoreOptions & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, RestoreError, Cluster> {
  const made = yield* prepareUndo(at, options)
  return yield* run(made, options)
})

/** Resumes an interrupted restore, from any machine. Pass the same profile again, if one was used. */
export const resume = Effect.fn("Restore.resume")(function* (
  at: Operation.OperationAt,
  options: RestoreRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.resume(at, restoreVerb, options)
})

/**
 * Rolls back an interrupted restore: the previous volumes, number of replicas and policies.
 *
 * **Caveats**: new volumes that pods may have written to are kept, and reported.
 */
export const abort = Effect.fn("Restore.abort")(function* (
  at: Operation.OperationAt,
  options: RestoreRun & Operation.RunOptions = {}
): Effect.fn.Return<OperationResult, Operation.Failure, Cluster> {
  return yield* Operation.abort(at, restoreVerb, options)
})
