/**
 * The SDK for programs that know no Effect: the same verbs as Promises and async iterators.
 *
 * A Promise rejects with the verb's own tagged error (`ClusterError`, `AppNotFound` …); an
 * AbortSignal interrupts, as Ctrl-C would, and the call rejects with the signal's reason. Close the
 * connection, or hold it with `await using`.
 *
 * After `close()`, calls that wait and calls that come later reject with a ClusterError whose reason
 * is `Closed`. A loop over a watch that was running ends as if it were at its end, as loops over
 * Node's streams do: whoever closes the connection knows why there is no more.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as EffectScope from "effect/Scope"
import * as Exit from "effect/Exit"
import type { Layer } from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { AppRef, Scope } from "./App.ts"
import { type Cluster, ClusterError } from "./Cluster.ts"
import * as Discovery from "./Discovery.ts"
import { layer, type Options } from "./kubernetes/index.ts"
import * as Journal from "./operation/Journal.ts"
import type { OperationResult } from "./operation/Progress.ts"
import type { Member } from "./Hook.ts"
import { quiesceFromFile, quiesceNamed } from "./Profile.ts"
import { type Functions, ofFunctions, type Quiesce } from "./Quiesce.ts"
import * as Restore from "./Restore.ts"
import * as RestoreClone from "./RestoreClone.ts"
import * as RestoreDrill from "./RestoreDrill.ts"
import * as Router from "./Router.ts"
import type { RoutingError, Strategy } from "./Routing.ts"
import * as Scale from "./Scale.ts"
import * as Snapshot from "./Snapshot.ts"
import * as SnapshotPrune from "./SnapshotPrune.ts"
import * as SnapshotSet from "./SnapshotSet.ts"
import * as SnapshotTransfer from "./SnapshotTransfer.ts"
import * as State from "./State.ts"
import * as Thaw from "./Thaw.ts"
import * as Verbs from "./Verbs.ts"

export { selector, statefulSet } from "./App.ts"
export { answer } from "./Checklist.ts"
export { jump, modulo, rendezvous, table } from "./Routing.ts"

/** What every call may be given. */
export interface Call {
  readonly signal?: AbortSignal
}

/** An operation by its id. */
export interface OperationRef {
  readonly namespace: string
  readonly id: string
}

/** A router that throws where it has no answer; `await using`, or `close()`, ends its watches. */
export interface KeyRouter extends AsyncDisposable {
  /** The ordinal that the key goes to; throws a RoutingError. See `Routing.Picker`. */
  readonly pick: (key: string, sticky?: number) => number
  readonly pickAll: (key: string) => ReadonlyArray<number>
  readonly owners: (key: string) => ReadonlyArray<number>
  /** The same as `pick`, as the peer with its name, addresses and ports. */
  readonly find: (key: string, sticky?: number) => Discovery.Peer
  readonly view: () => Discovery.Peers
  /** How old what it goes by is. */
  readonly age: () => Router.Age
  readonly close: () => Promise<void>
}

/** A cluster and the verbs on it. */
export interface Connection extends AsyncDisposable {
  /** The whole state of one application. */
  readonly read: (ref: AppRef, options?: State.ReadOptions & Call) => Promise<State.AppState>
  /** The state of every StatefulSet of a namespace, or of the cluster. */
  readonly readAll: (
    scope: Scope,
    options?: State.ReadOptions & Call
  ) => Promise<ReadonlyArray<State.AppState>>
  /** The state now, and again after every change. Leaving the loop ends it, and so does `close()`. */
  readonly watch: (ref: AppRef, options?: State.WatchOptions & Call) => AsyncIterable<State.AppState>
  /** The peers of a StatefulSet now; see `Discovery.watch`. */
  readonly peers: (ref: Discovery.SetRef, options?: Discovery.WatchOptions & Call) => Promise<Discovery.Peers>
  /** The peers now, and again after every change that they show; ends as `watch` does. */
  readonly watchPeers: (
    ref: Discovery.SetRef,
    options?: Discovery.WatchOptions & Call
  ) => AsyncIterable<Discovery.Peers>
  /** A router that is kept fresh until it, or the connection, is closed; see `Router.make`. */
  readonly router: (
    ref: Discovery.SetRef,
    strategy: Strategy,
    options?: Discovery.WatchOptions & Call
  ) => Promise<KeyRouter>
  /** Scales in order; see `Scale.scale`. */
  readonly scale: (
    ref: Scale.SetRef,
    options: Parameters<typeof Scale.scale>[1] & Call
  ) => Promise<OperationResult>
  /** Scales several StatefulSets, each once the one before it is done; see `Scale.scaleAll`. */
  readonly scaleAll: (
    asked: Parameters<typeof Scale.scaleAll>[0],
    options: Parameters<typeof Scale.scaleAll>[1] & Call
  ) => Promise<ReadonlyArray<OperationResult>>
  /** Takes a snapshot of an application's whole state; see `Snapshot.take`. */
  readonly snapshot: (
    ref: AppRef,
    options: Parameters<typeof Snapshot.take>[1] & Call
  ) => Promise<OperationResult>
  /** The snapshots of a namespace, newest first; see `Snapshot.list`. */
  readonly snapshots: (namespace: string, call?: Call) => Promise<ReadonlyArray<Snapshot.Listed>>
  /** One snapshot in full, and whether it can be restored from here; see `SnapshotSet.describe`. */
  readonly describeSnapshot: (ref: SnapshotSet.SnapshotRef, call?: Call) => Promise<SnapshotSet.Description>
  /** What differs from a snapshot to another, or (null) to the application as it is; see `SnapshotSet.diff`. */
  readonly diffSnapshots: (
    from: SnapshotSet.SnapshotRef,
    to: SnapshotSet.SnapshotRef | null,
    call?: Call
  ) => Promise<SnapshotSet.Diff>
  /** Deletes a snapshot with its cuts in the storage; see `SnapshotPrune.prune`. */
  readonly pruneSnapshot: (
    ref: SnapshotSet.SnapshotRef,
    options: Parameters<typeof SnapshotPrune.prune>[1] & Call
  ) => Promise<OperationResult>
  /** A snapshot's record as an encrypted file; see `SnapshotTransfer.exportSet`. */
  readonly exportSnapshot: (
    ref: SnapshotSet.SnapshotRef,
    sealFor: SnapshotTransfer.SealFor,
    call?: Call
  ) => Promise<Uint8Array>
  /** Brings in a snapshot from such a file; see `SnapshotTransfer.importSet`. */
  readonly importSnapshot: (
    namespace: string,
    file: Uint8Array,
    key: SnapshotTransfer.OpenWith,
    options: Parameters<typeof SnapshotTransfer.importSet>[3] & Call
  ) => Promise<OperationResult>
  /** Thaws every member of an application, whatever holds it; see `Thaw.thaw`. */
  readonly thaw: (ref: AppRef, quiesce: Quiesce, call?: Call) => Promise<ReadonlyArray<Thaw.Thawed>>
  /** Restores a StatefulSet from a snapshot, in place; see `Restore.restore`. */
  readonly restore: (
    ref: Restore.SnapshotRef,
    options: Parameters<typeof Restore.restore>[1] & Call
  ) => Promise<OperationResult>
  /** Restores a StatefulSet from VolumeSnapshots that others made; see `Restore.fromVolumeSnapshots`. */
  readonly restoreFromVolumeSnapshots: (
    ref: Restore.SetRef,
    options: Parameters<typeof Restore.fromVolumeSnapshots>[1] & Call
  ) => Promise<OperationResult>
  /** Restores a snapshot as another application; see `RestoreClone.clone`. */
  readonly restoreAs: (
    ref: RestoreClone.SnapshotRef,
    options: Parameters<typeof RestoreClone.clone>[1] & Call
  ) => Promise<OperationResult>
  /** Rehearses a restore; see `RestoreDrill.drill`. */
  readonly drill: (
    ref: RestoreClone.SnapshotRef,
    options: RestoreDrill.DrillOptions & Call
  ) => Promise<RestoreDrill.DrillResult>
  /** Undoes a restore that is over; see `Restore.undo`. */
  readonly undoRestore: (
    at: OperationRef,
    options: Parameters<typeof Restore.undo>[1] & Call
  ) => Promise<OperationResult>
  /** Goes on with an interrupted operation, of whatever verb; see `Verbs.resume`. */
  readonly resume: (
    at: OperationRef,
    options: Parameters<typeof Verbs.resume>[1] & Call
  ) => Promise<OperationResult>
  /** Undoes an interrupted operation, of whatever verb; see `Verbs.abort`. */
  readonly abort: (
    at: OperationRef,
    options: Parameters<typeof Verbs.abort>[1] & Call
  ) => Promise<OperationResult>
  /** The journals of a namespace, or of one app in it, newest first, and those that this version cannot read. */
  readonly operations: (
    where: { readonly namespace: string; readonly app?: string },
    call?: Call
  ) => Promise<Journal.Journals>
  /** Runs anything of the Effect face on this cluster. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, Cluster>, call?: Call) => Promise<A>
  /** Closes every connection; what still runs is interrupted. Twice is once. */
  readonly close: () => Promise<void>
}

const quiesceOrThrow = (name: string, found: ReturnType<typeof quiesceNamed>): Quiesce => {
  if (Result.isFailure(found)) throw new Error(`profile ${name}: ${found.failure}`)
  return found.success
}

/**
 * How a built-in profile holds members still, for `snapshot` and `thaw`; or, with a file's content as plain
 * data, how that does. Throws where there is no such profile, or the content is none.
 */
export const profile = (name: string, content?: unknown): Quiesce =>
  quiesceOrThrow(name, content === undefined ? quiesceNamed(name) : quiesceFromFile(name, content))

type Asynchronous<A> = A extends (member: Member) => unknown
  ? (member: Member, signal: AbortSignal) => Promise<unknown>
  : A

/** What a function of somebody else's says when it fails. */
const wordsOf = (error: unknown): { readonly message: string } => ({
  message: error instanceof Error ? error.message : String(error)
})

/** Members that are held by asynchronous functions; one that rejects has failed. See `Quiesce.ofFunctions`. */
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

const orThrow = <A>(result: Result.Result<A, RoutingError>): A => {
  if (Result.isFailure(result)) throw result.failure
  return result.success
}

const keyRouter = (router: Router.Router, close: () => Promise<void>): KeyRouter => ({
  pick: (key, sticky) => orThrow(router.pick(key, sticky)),
  pickAll: (key) => orThrow(router.pickAll(key)),
  owners: (key) => orThrow(router.owners(key)),
  find: (key, sticky) => orThrow(router.find(key, sticky)),
  view: router.view,
  age: () => Effect.runSync(router.age),
  close,
  [Symbol.asyncDispose]: close
})

/** A connection over any `Cluster`: the sandbox, or one with faults. */
export const over = (cluster: Layer<Cluster, ClusterError>): Connection => {
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
  const router: Connection["router"] = async (ref, strategy, options) => {
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
  return {
    read: (ref, options) => run(State.read(ref, options), options),
    readAll: (scope, options) => run(State.readAll(scope, options), options),
    watch: (ref, options) => iterated(State.watch(ref, options), options),
    peers: (ref, options) => run(Discovery.read(ref, options), options),
    watchPeers: (ref, options) => iterated(Discovery.watch(ref, options), options),
    router,
    scale: (ref, options) => run(Scale.scale(ref, options), options),
    scaleAll: (asked, options) => run(Scale.scaleAll(asked, options), options),
    snapshot: (ref, options) => run(Snapshot.take(ref, options), options),
    snapshots: (namespace, call) => run(Snapshot.list(namespace), call),
    describeSnapshot: (ref, call) => run(SnapshotSet.describe(ref), call),
    diffSnapshots: (from, to, call) => run(SnapshotSet.diff(from, to), call),
    pruneSnapshot: (ref, options) => run(SnapshotPrune.prune(ref, options), options),
    exportSnapshot: (ref, sealFor, call) => run(SnapshotTransfer.exportSet(ref, sealFor), call),
    importSnapshot: (namespace, file, key, options) =>
      run(SnapshotTransfer.importSet(namespace, file, key, options), options),
    thaw: (ref, quiesce, call) => run(Thaw.thaw(ref, quiesce), call),
    restore: (ref, options) => run(Restore.restore(ref, options), options),
    restoreFromVolumeSnapshots: (ref, options) => run(Restore.fromVolumeSnapshots(ref, options), options),
    restoreAs: (ref, options) => run(RestoreClone.clone(ref, options), options),
    drill: (ref, options) => run(RestoreDrill.drill(ref, options), options),
    undoRestore: (at, options) => run(Restore.undo(at, options), options),
    resume: (at, options) => run(Verbs.resume(at, options), options),
    abort: (at, options) => run(Verbs.abort(at, options), options),
    operations: ({ namespace, app }, call) => run(Journal.listReadable(namespace, app), call),
    run,
    close,
    [Symbol.asyncDispose]: close
  }
}

/** The cluster that kubectl would talk to. Nothing is asked until the first call. */
export const connect = (options: Options = {}): Connection => over(layer(options))
