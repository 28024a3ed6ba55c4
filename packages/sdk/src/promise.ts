/**
 * The SDK for programs that know no Effect: the same verbs as Promises and async iterators.
 *
 * A Promise rejects with the verb's own tagged error (`ClusterError`, `AppNotFound` …); an AbortSignal
 * interrupts, as Ctrl-C would, and the call rejects with the signal's reason. Close the connection, or hold
 * it with `await using`.
 *
 * After `close()`, pending and later calls reject with a ClusterError whose reason is `Closed`. A running
 * loop over a watch ends normally, as loops over Node's streams do: the code that closes the connection knows
 * why there is no more.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as EffectScope from "effect/Scope"
import * as Exit from "effect/Exit"
import type { Layer } from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { type Cluster, ClusterError } from "./Cluster.ts"
import * as Discovery from "./Discovery.ts"
import { layer, type Options } from "./kubernetes/index.ts"
import * as Journal from "./operation/Journal.ts"
import type { Progress } from "./operation/Progress.ts"
import type { Member, Run } from "./Hook.ts"
import type { RunOptions } from "./operation/Verb.ts"
import * as Profiles from "./Profile.ts"
import { type Functions, ofFunctions, type Quiesce } from "./Quiesce.ts"
import * as Restore from "./Restore.ts"
import * as RestoreClone from "./RestoreClone.ts"
import * as RestoreDrill from "./RestoreDrill.ts"
import * as RestoreRelease from "./RestoreRelease.ts"
import * as Router from "./Router.ts"
import type { RoutingError } from "./Routing.ts"
import * as Scale from "./Scale.ts"
import type { Seed } from "./Seed.ts"
import * as Snapshot from "./Snapshot.ts"
import * as SnapshotPrune from "./SnapshotPrune.ts"
import * as SnapshotSet from "./SnapshotSet.ts"
import * as SnapshotTransfer from "./SnapshotTransfer.ts"
import * as State from "./State.ts"
import * as Thaw from "./Thaw.ts"
import * as Verbs from "./Verbs.ts"
import type { Call, Connection, KeyRouter, Plans, Running } from "./promise/connection.ts"
import type { Restoring } from "./Verify.ts"

export { selector, statefulSet } from "./App.ts"
export { answer } from "./Checklist.ts"
export { ClusterError } from "./Cluster.ts"
export { command } from "./Hook.ts"
export { OperationError } from "./operation/OperationError.ts"
export { jump, modulo, rendezvous, RoutingError, table } from "./Routing.ts"
export { AppNotFound } from "./state/AppNotFound.ts"

export type { AppRef, NamedObject, Scope } from "./App.ts"
export type { Checklist, Finding } from "./Checklist.ts"
export type { Claim, Volume } from "./Claim.ts"
export type { Reason } from "./Cluster.ts"
export type { Peer, Peers } from "./Discovery.ts"
export type { Command, Hook, Member, Run } from "./Hook.ts"
export type { ClientKubeConfig, Options } from "./kubernetes/index.ts"
export type { OperationReason } from "./operation/OperationError.ts"
export type { AnyPlan } from "./operation/Plan.ts"
export type { OperationResult, Progress } from "./operation/Progress.ts"
export type { RunOptions } from "./operation/Verb.ts"
export type { Profile } from "./Profile.ts"
export type { Quiesce } from "./Quiesce.ts"
export type { Replica } from "./Replica.ts"
export type { RestoreOptions, RestorePlan } from "./Restore.ts"
export type { CloneOptions, ClonePlan } from "./RestoreClone.ts"
export type { DrillOptions, DrillResult } from "./RestoreDrill.ts"
export type { ReleasePlan } from "./RestoreRelease.ts"
export type { Strategy } from "./Routing.ts"
export type { ScaleOptions, ScalePlan } from "./Scale.ts"
export type { Listed, SnapshotOptions, SnapshotPlan, Summary } from "./Snapshot.ts"
export type { PruneOptions, PrunePlan } from "./SnapshotPrune.ts"
export type { Description, Diff, SnapshotRef } from "./SnapshotSet.ts"
export type { ImportOptions, OpenWith, Prepared, SealFor } from "./SnapshotTransfer.ts"
export type { ReadOptions, WatchOptions } from "./State.ts"
export type { AppState } from "./state/AppState.ts"
export type { Thawed } from "./Thaw.ts"
export type { Found, Planned, TakeUpOptions } from "./Verbs.ts"
export type { Call, Connection, KeyRouter, OperationRef, Plans, Running } from "./promise/connection.ts"

const orThrow = <A>(what: string, found: Result.Result<A, string>): A => {
  if (Result.isFailure(found)) throw new Error(`${what}: ${found.failure}`)
  return found.success
}

/** A section of a built-in profile; or, with a file's content as plain data, of that. */
const section = <A>(
  name: string,
  content: unknown,
  read: (name: string, content: unknown) => Result.Result<A, string>
): A =>
  orThrow(
    `profile ${name}`,
    content === undefined
      ? Result.flatMap(Profiles.named(name), (file) => read(name, file))
      : read(name, content)
  )

/**
 * The quiesce of a built-in profile, for `snapshot` and `thaw`; or, with a file's content as plain data, of
 * that. Throws if there is no such profile, or the content is invalid.
 */
export const profile = (name: string, content?: unknown): Quiesce =>
  section(name, content, Profiles.quiesceFromFile)

/** The hooks of a profile, for `scale`; as `profile`, built in or of a file's content. */
export const hooks = (name: string, content?: unknown): Profiles.Profile =>
  section(name, content, (_, file) => Profiles.fromFile(file))

/** The section `restore` of a profile, for the options of `restore`, `restoreAs` and `drill`. */
export const restoring = (name: string, content?: unknown): Restoring =>
  section(name, content, Profiles.restoringFromFile)

/** The section `seed` of a profile, for the option `seed` of `restore`. */
export const seed = (name: string, content?: unknown): Seed => section(name, content, Profiles.seedFromFile)

type Asynchronous<A> = A extends (member: Member) => unknown
  ? (member: Member, signal: AbortSignal) => Promise<unknown>
  : A

/** The message of an error that a custom function throws, and its exit code. */
const wordsOf = (error: unknown): { readonly message: string; readonly exitCode?: number } => {
  const exitCode: unknown = Reflect.get(Object(error), "exitCode")
  return {
    message: error instanceof Error ? error.message : String(error),
    ...(typeof exitCode === "number" ? { exitCode } : {})
  }
}

/**
 * A hook as an asynchronous function, for `scale`'s option `profile`. A rejection is a failure; an `exitCode`
 * on the rejected error counts like that of a command. `version` changes with its meaning: it is compared
 * when an operation is resumed.
 *
 * **Example**: `{ afterAdd: hook("1", async ({ fqdn }, signal) => join(fqdn, { signal })) }`
 */
export const hook = (
  version: string,
  run: (member: Member, signal: AbortSignal) => Promise<unknown>
): Run => ({
  _tag: "Run",
  version,
  run: (member) => Effect.tryPromise({ try: (signal) => run(member, signal), catch: wordsOf })
})

/** A quiesce by asynchronous functions; a rejection is a failure. See `Quiesce.ofFunctions`. */
export const quiesceWith = (functions: {
  readonly [Name in keyof Functions]: Asynchronous<Functions[Name]>
}): Quiesce => {
  const { name, guarantee, version, deadline, quiesce, release, thaw, probe } = functions
  const effect = (run: typeof quiesce) => (member: Member) =>
    Effect.tryPromise({ try: (signal) => run(member, signal), catch: wordsOf })
  return ofFunctions({
    name,
    guarantee,
    version,
    ...(deadline === undefined ? {} : { deadline }),
    quiesce: effect(quiesce),
    release: effect(release),
    thaw: effect(thaw),
    ...(probe === undefined ? {} : { probe: effect(probe) })
  })
}

const closedError = (): ClusterError =>
  new ClusterError({
    reason: { _tag: "Closed" },
    message: "this connection is closed",
    action: "open another with connect(), and close it when its last call is done"
  })

/** Succeeds when the first of the signals aborts, and leaves no listener behind. */
const aborted = (...signals: ReadonlyArray<AbortSignal>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const told = () => {
      for (const signal of signals) signal.removeEventListener("abort", told)
      resume(Effect.void)
    }
    for (const signal of signals) signal.addEventListener("abort", told)
    if (signals.some((signal) => signal.aborted)) told()
    return Effect.sync(told)
  })

const routed = <A>(result: Result.Result<A, RoutingError>): A => {
  if (Result.isFailure(result)) throw result.failure
  return result.success
}

const keyRouter = (router: Router.Router, close: () => Promise<void>): KeyRouter => ({
  pick: (key, sticky) => routed(router.pick(key, sticky)),
  pickAll: (key) => routed(router.pickAll(key)),
  owners: (key) => routed(router.owners(key)),
  find: (key, sticky) => routed(router.find(key, sticky)),
  view: router.view,
  age: () => Effect.runSync(router.age),
  close,
  [Symbol.asyncDispose]: close
})

/** The options as a verb takes them. An error in a progress function does not stop a run. */
const told = <Options extends Running<unknown>>(
  options: Options | undefined
): Omit<Options, "report" | "signal"> & Pick<RunOptions, "report"> => {
  const { report, signal: _, ...rest } = (options ?? {}) as Options
  const tell = async (progress: Progress) => report?.(progress)
  return {
    ...rest,
    ...(report === undefined
      ? {}
      : { report: (progress) => Effect.sync(() => void tell(progress).catch(() => undefined)) })
  }
}

const plansBy = (run: Connection["run"]): Plans => ({
  scale: (ref, options) => run(Scale.prepare(ref, options), options),
  snapshot: (ref, options) => run(Snapshot.prepare(ref, options), options),
  pruneSnapshot: (ref, options) => run(SnapshotPrune.prepare(ref, options), options),
  importSnapshot: (namespace, file, key, options) =>
    run(SnapshotTransfer.prepareImport(namespace, file, key, options), options),
  restore: (ref, options) => run(Restore.prepare(ref, options), options),
  restoreFromVolumeSnapshots: (ref, options) =>
    run(Restore.prepareFromVolumeSnapshots(ref, options), options),
  restoreAs: (ref, options) => run(RestoreClone.prepare(ref, options), options),
  undoRestore: (at, options) => run(Restore.prepareUndo(at, options), options),
  release: (at, call) => run(RestoreRelease.prepare(at), call)
})

const routerBy =
  (run: Connection["run"]): Connection["router"] =>
  async (ref, strategy, options) => {
    const scope = EffectScope.makeUnsafe()
    const end = () => Effect.runPromise(EffectScope.close(scope, Exit.void))
    try {
      const made = Router.make(ref, strategy, options)
      return keyRouter(await run(Effect.provideService(made, EffectScope.Scope, scope), options), end)
    } catch (error) {
      await end()
      throw error
    }
  }

/** A connection over any `Cluster`: the sandbox, or one with faults. */
export const connectTo = (cluster: Layer<Cluster, ClusterError>): Connection => {
  const runtime = ManagedRuntime.make(cluster)
  const closing = new AbortController()
  const check = (call: Call | undefined): void => {
    if (closing.signal.aborted) throw closedError()
    call?.signal?.throwIfAborted()
  }
  const run: Connection["run"] = async (effect, call) => {
    check(call)
    const exit = await runtime.runPromiseExit(
      effect,
      call?.signal === undefined ? {} : { signal: call.signal }
    )
    if (exit._tag === "Success") return exit.value
    if (Cause.hasInterrupts(exit.cause)) check(call)
    throw Cause.squash(exit.cause)
  }
  const close = (): Promise<void> => {
    closing.abort()
    return runtime.dispose()
  }
  const iterated = <A, E>(
    values: Stream.Stream<A, E, Cluster>,
    call: Call | undefined
  ): AsyncIterable<A> => ({
    async *[Symbol.asyncIterator]() {
      check(call)
      const signals = [closing.signal, ...(call?.signal === undefined ? [] : [call.signal])]
      const until = Stream.interruptWhen(values, aborted(...signals))
      try {
        yield* Stream.toAsyncIterableWith(until, await runtime.context())
      } catch (error) {
        // What closing or aborting does to a request under way is no news.
        if (!signals.some((signal) => signal.aborted)) throw error
      }
      if (!closing.signal.aborted) call?.signal?.throwIfAborted()
    }
  })
  return {
    read: (ref, options) => run(State.read(ref, options), options),
    readAll: (scope, options) => run(State.readAll(scope, options), options),
    watch: (ref, options) => iterated(State.watch(ref, options), options),
    watchAll: (scope, options) => iterated(State.watchAll(scope, options), options),
    peers: (ref, options) => run(Discovery.read(ref, options), options),
    watchPeers: (ref, options) => iterated(Discovery.watch(ref, options), options),
    router: routerBy(run),
    scale: (ref, options) => run(Scale.scale(ref, told(options)), options),
    scaleAll: (asked, options) => run(Scale.scaleAll(asked, told(options)), options),
    snapshot: (ref, options) => run(Snapshot.take(ref, told(options)), options),
    snapshots: (namespace, call) => run(Snapshot.list(namespace), call),
    describeSnapshot: (ref, call) => run(SnapshotSet.describe(ref), call),
    diffSnapshots: (from, to, call) => run(SnapshotSet.diff(from, to), call),
    pruneSnapshot: (ref, options) => run(SnapshotPrune.prune(ref, told(options)), options),
    exportSnapshot: (ref, sealFor, call) => run(SnapshotTransfer.exportSet(ref, sealFor), call),
    importSnapshot: (namespace, file, key, options) =>
      run(SnapshotTransfer.importSet(namespace, file, key, told(options)), options),
    thaw: (ref, quiesce, call) => run(Thaw.thaw(ref, quiesce), call),
    restore: (ref, options) => run(Restore.restore(ref, told(options)), options),
    restoreFromVolumeSnapshots: (ref, options) =>
      run(Restore.fromVolumeSnapshots(ref, told(options)), options),
    restoreAs: (ref, options) => run(RestoreClone.clone(ref, told(options)), options),
    drill: (ref, options) => run(RestoreDrill.drill(ref, told(options)), options),
    undoRestore: (at, options) => run(Restore.undo(at, told(options)), options),
    release: (at, options) => run(RestoreRelease.release(at, told(options)), options),
    plan: plansBy(run),
    dryRun: (plan, mode, call) => run(Verbs.dryRun(plan, mode), call),
    execute: (planned, options) => run(Verbs.run(planned, told(options)), options),
    findOperation: (where, call) => run(Verbs.find(where), call),
    resume: (at, options) => run(Verbs.resume(at, told(options)), options),
    abort: (at, options) => run(Verbs.abort(at, told(options)), options),
    operations: ({ namespace, app }, call) => run(Journal.listReadable(namespace, app), call),
    run,
    close,
    [Symbol.asyncDispose]: close
  }
}

/** The cluster that kubectl would talk to. Nothing is asked until the first call. */
export const connect = (options: Options = {}): Connection => connectTo(layer(options))
