/**
 * A drill restores a snapshot into a new namespace, runs a check there, and deletes everything again. It
 * shows how long a restore takes, and whether the snapshot is usable.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import { preflight } from "./Access.ts"
import type { Cluster } from "./Cluster.ts"
import { command as commandOf, run as runHook } from "./Hook.ts"
import { lastLine } from "./LastWords.ts"
import type * as Operation from "./Operation.ts"
import * as Journal from "./operation/Journal.ts"
import { amended, refusedBecause } from "./operation/OperationError.ts"
import { newId } from "./operation/Plan.ts"
import type { Progress } from "./operation/Progress.ts"
import { rules, stepsOf } from "./operation/Step.ts"
import { madeByAnnotation } from "./Labels.ts"
import * as Quantity from "./Quantity.ts"
import { kinds } from "./Kind.ts"
import * as Resource from "./Resource.ts"
import * as RestoreClone from "./RestoreClone.ts"
import {
  letVolumesGo,
  makeScratch,
  removeScratch,
  type Scratch,
  scratchName,
  scratchRules
} from "./restore/scratch.ts"
import { FillClaims } from "./step/fillClaims.ts"
import { SetReplicas } from "./step/replicas.ts"
import * as Workload from "./step/workload.ts"
import { documented } from "./Documented.ts"
import { millisSince } from "./Elapsed.ts"

const { Array: ArrayOf, Boolean, Finite, NullOr, String, Struct } = Schema

/** The result of a drill. Times are in milliseconds. */
export interface DrillResult {
  readonly apiVersion: "kubectl-stateful.dev/v1"
  readonly kind: "DrillResult"
  readonly snapshot: string
  readonly source: {
    readonly namespace: string
    readonly name: string
  }
  readonly passed: boolean
  /** Reason that it did not pass; `null` if it did. */
  readonly failure: string | null
  /**
   * From the start until each volume was filled, checked and in its place; `null` if it did not get that far.
   */
  readonly toVolumes: number | null
  /** From the start until every replica was ready; `null` if it did not get that far. */
  readonly toReady: number | null
  /** The duration of the check; `null` if it was not run. */
  readonly check: number | null
  /** The profile that verified the volumes' content; `null` without one. */
  readonly verified: string | null
  readonly volumes: number
  readonly bytes: number
  readonly replicas: number
  /** True if it was isolated from its source. */
  readonly fenced: boolean
  /** Objects that could not be deleted again. */
  readonly left: ReadonlyArray<string>
}
export const DrillResult = documented<DrillResult>({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("DrillResult"),
  snapshot: String,
  source: Struct({ namespace: String, name: String }),
  passed: Boolean,
  failure: NullOr(String),
  toVolumes: NullOr(Finite),
  toReady: NullOr(Finite),
  check: NullOr(Finite),
  verified: NullOr(String),
  volumes: Finite,
  bytes: Finite,
  replicas: Finite,
  fenced: Boolean,
  left: ArrayOf(String)
})

export interface DrillOptions
  extends Omit<RestoreClone.CloneOptions, "as" | "toNamespace">, Operation.RunOptions {
  /**
   * Runs in the first restored pod; `{pod}`, `{ordinal}` and `{fqdn}` are that pod's. Default: only `verify`
   * is used.
   */
  readonly command?: ReadonlyArray<string>
  /** The container that it runs in. Default: the pod's default. */
  readonly container?: string
  /** The time limit of the check, as `"5 minutes"`; a number is milliseconds. Default 1 minute. */
  readonly commandTimeout?: Duration.Input
}

interface Times {
  readonly volumes: number | null
  readonly ready: number | null
}

const elapsed = (since: bigint): Effect.Effect<number> => Effect.map(millisSince(since), Math.round)

/** Records the times at which the volumes and the replicas are ready. */
const timed = (
  plan: RestoreClone.ClonePlan,
  began: bigint,
  times: Ref.Ref<Times>,
  report: (progress: Progress) => Effect.Effect<void>
) => {
  const starts = stepsOf(SetReplicas, plan.steps)
  const [first] = starts
  const isBeyond = (index: number) =>
    plan.steps.slice(index).every((step) => !starts.some((one) => one === step))
  const words = RestoreClone.describeSteps(plan)
  return (event: Progress) =>
    Effect.gen(function* () {
      // What is undone has the same numbers, and other words.
      if (event._tag === "Step" && words[event.index] === event.what) {
        const millis = yield* elapsed(began)
        if (plan.steps[event.index] === first)
          yield* Ref.update(times, (all) => ({ ...all, volumes: all.volumes ?? millis }))
        const volumes = (yield* Ref.get(times)).volumes
        if (volumes !== null && isBeyond(event.index)) {
          yield* Ref.update(times, (all) => ({ ...all, ready: all.ready ?? millis }))
        }
      }
      yield* report(event)
    })
}

/** Runs the check; `null` if it passed. */
const checked = (
  plan: RestoreClone.ClonePlan,
  argv: ReadonlyArray<string>,
  options: DrillOptions
): Effect.Effect<string | null, RestoreClone.CloneError, Cluster> =>
  Effect.gen(function* () {
    const set = yield* Workload.read({ namespace: plan.home, name: plan.settings.renaming.to.name })
    const { container = null, commandTimeout } = options
    const limit = commandTimeout === undefined ? {} : { timeout: commandTimeout }
    const command = commandOf(argv, { container, ...limit })
    const outcome = yield* runHook(command, Workload.memberOf(set, set.spec.ordinals?.start ?? 0))
    return outcome._tag === "Succeeded" ? null : `the check failed: ${lastLine(outcome.message)}`
  })

/** An interrupted restore is aborted first: this deletes its cluster-scoped objects. */
const aborted = (namespace: string, operation: string | null, options: DrillOptions) =>
  Effect.gen(function* () {
    const journal = operation === null ? null : yield* Journal.read(namespace, operation)
    if (journal === null || !Journal.isOpen(journal.status)) return
    const { id } = journal.plan
    yield* RestoreClone.abort(
      { namespace, id },
      { ...(options.identity === undefined ? {} : { identity: options.identity }), takeOver: true }
    )
  })

/** VolumeSnapshotContents are cluster-scoped, and not deleted with a namespace. */
const contentsLeft = (operation: string | null) =>
  operation === null
    ? Effect.succeed([])
    : Effect.map(
        Resource.listObjects(kinds.volumesnapshotcontents, {
          labelSelector: `${madeByAnnotation}=${operation}`,
          metadataOnly: true
        }),
        ({ items }) => items.map(({ metadata }) => `volumesnapshotcontent ${metadata.name}`)
      )

const removed = (scratch: Scratch, operation: string | null, options: DrillOptions) =>
  Effect.gen(function* () {
    const stays = yield* Effect.result(aborted(scratch.name, operation, options))
    const space = yield* removeScratch(scratch, operation)
    // Without permission to list them, the failure of the abort is reported.
    const contents = yield* Effect.result(contentsLeft(operation))
    const left = contents._tag === "Success" ? [...space, ...contents.success] : space
    const isKnown = contents._tag === "Success" && left.length === 0
    return stays._tag === "Failure" && !isKnown ? [...left, stays.failure.message] : left
  }).pipe(Effect.catch(({ message }) => Effect.succeed([`namespace ${scratch.name}: ${message}`])))

const bytesOf = (plan: RestoreClone.ClonePlan): number => {
  const sizes = stepsOf(FillClaims, plan.steps).flatMap(({ claims }) => claims.map(({ size }) => size))
  const sum = Quantity.sum(sizes)
  return sum === null ? 0 : BigDecimal.toNumberUnsafe(sum)
}

/** A refused drill is not a failed drill: it has no result. */
const isRefusal = (error: RestoreClone.CloneError): boolean =>
  error._tag === "ClusterError" ||
  ["Refused", "Unfenced", "Access", "NotFound", "Held"].includes(error.reason._tag)

/** The options of the restore alone. */
const restoringOf = (options: DrillOptions) => {
  const { command: _, container: __, commandTimeout: ___, ...restoring } = options
  return restoring
}

/**
 * Fails with what is missing while there is nothing to delete again: by then the namespace may be one that
 * this user cannot delete.
 */
const permitted = (ref: RestoreClone.SnapshotRef, name: string, options: DrillOptions) =>
  Effect.gen(function* () {
    const plan = yield* RestoreClone.prepare(ref, { ...restoringOf(options), toNamespace: name })
    yield* preflight([
      ...plan.access,
      ...scratchRules(name),
      ...(options.command === undefined ? [] : rules("", "pods", ["get", "create"], name, "exec"))
    ])
  })

/** Restores and checks in an existing namespace. */
const drilled = (
  ref: RestoreClone.SnapshotRef,
  scratch: Scratch,
  operation: Ref.Ref<string | null>,
  options: DrillOptions
) =>
  Effect.gen(function* () {
    const { command, report = () => Effect.void } = options
    const restoring = restoringOf(options)
    const plan = yield* RestoreClone.prepare(ref, { ...restoring, toNamespace: scratch.name })
    yield* Ref.set(operation, plan.id)
    const times = yield* Ref.make<Times>({ volumes: null, ready: null })
    const began = yield* Clock.monotonicTimeNanos
    const restored = yield* Effect.result(
      RestoreClone.run(plan, { ...restoring, report: timed(plan, began, times, report) })
    )
    if (restored._tag === "Failure" && isRefusal(restored.failure)) {
      return yield* Effect.fail(restored.failure)
    }
    const unmet = restored._tag === "Success" ? restored.success.unmet : [restored.failure.message]
    // Done again, and told if it fails, when the namespace is deleted.
    if (restored._tag === "Success") yield* Effect.ignore(letVolumesGo(scratch.name, plan.id))
    const checking = yield* Clock.monotonicTimeNanos
    const isChecked = unmet.length === 0 && command !== undefined
    const failure = isChecked ? yield* checked(plan, command, options) : unmet.join("; ") || null
    const { volumes, ready } = yield* Ref.get(times)
    const { renaming, fence } = plan.settings
    return {
      apiVersion: "kubectl-stateful.dev/v1",
      kind: "DrillResult",
      snapshot: ref.name,
      source: renaming.from,
      passed: failure === null,
      failure,
      toVolumes: volumes,
      toReady: ready,
      check: isChecked ? yield* elapsed(checking) : null,
      // Volumes are in their places only once they are verified.
      verified: volumes === null ? null : (options.verify?.profile ?? null),
      volumes: stepsOf(FillClaims, plan.steps).flatMap(({ claims }) => claims).length,
      bytes: bytesOf(plan),
      replicas: stepsOf(SetReplicas, plan.steps).at(-1)?.to ?? 0,
      fenced: fence !== null,
      left: []
    } satisfies DrillResult
  })

/** Reasons after which the namespace may be there, although its creation failed. */
const unanswered: ReadonlySet<string> = new Set(["OutcomeUnknown", "Unavailable", "Timeout", "InternalError"])

const made = (ref: RestoreClone.SnapshotRef, id: string) =>
  Effect.mapError(makeScratch(ref.namespace, ref.name, id), (error) =>
    unanswered.has(error.reason._tag)
      ? withLeft(error, [`namespace ${scratchName(ref.name, id)}, if it was created`])
      : error
  )

/**
 * Tests the restore of a snapshot in a new namespace, and reports how long it took. The namespace and the
 * volumes are deleted again in every case.
 *
 * **Caveats**: a process that is killed leaves its namespace: abort the operation in it, and delete it.
 *
 * **Errors**: those of a restore as another application, including `Unfenced`; `Refused` if nothing would be
 * checked: without a command, and without a profile's `verify`.
 */
export const drill = Effect.fn("RestoreDrill.drill")(function* (
  ref: RestoreClone.SnapshotRef,
  options: DrillOptions
): Effect.fn.Return<DrillResult, RestoreClone.CloneError, Cluster> {
  if (options.command === undefined && options.verify === undefined) {
    return yield* refusedBecause(
      "a drill without a check proves nothing",
      "give a command, or a profile that says how volumes are verified"
    )
  }
  const id = yield* newId
  yield* permitted(ref, scratchName(ref.name, id), options)
  const operation = yield* Ref.make<string | null>(null)
  const left = yield* Ref.make<ReadonlyArray<string>>([])
  const { report = () => Effect.void } = options
  const result = yield* Effect.acquireUseRelease(
    made(ref, id),
    (scratch) => drilled(ref, scratch, operation, options),
    (scratch, exit) =>
      Effect.gen(function* () {
        // Who interrupts it gets no result, and no error.
        const note = (message: string) =>
          Exit.hasInterrupts(exit) ? report({ _tag: "Note", message }) : Effect.void
        yield* note(`interrupted: deleting namespace ${scratch.name}, with all that was restored into it`)
        const names = yield* removed(scratch, yield* Ref.get(operation), options)
        yield* Ref.set(left, names)
        if (names.length > 0) yield* note(`left of the drill: ${names.join(", ")}`)
      })
  ).pipe(
    Effect.catch((error) =>
      Effect.flatMap(Ref.get(left), (names) =>
        Effect.fail(names.length === 0 ? error : withLeft(error, names))
      )
    )
  )
  const stays = yield* Ref.get(left)
  return { ...result, left: stays }
})

const withLeft = (error: RestoreClone.CloneError, left: ReadonlyArray<string>): RestoreClone.CloneError =>
  amended(error, { message: `${error.message}; left of the drill: ${left.join(", ")}` })
