/**
 * The SDK for programs that know no Effect: the same verbs as Promises and async iterators.
 *
 * A Promise rejects with the verb's own tagged error (`ClusterError`, `AppNotFound` …); an
 * AbortSignal interrupts, as Ctrl-C would. Close the connection, or hold it with `await using`.
 */
import type { Effect } from "effect/Effect"
import type { Layer } from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import type { AppRef, Scope } from "./App.ts"
import type { Cluster, ClusterError } from "./Cluster.ts"
import { layer, type Options } from "./kubernetes/index.ts"
import * as Journal from "./operation/Journal.ts"
import type { OperationResult } from "./operation/Report.ts"
import * as Scale from "./Scale.ts"
import * as State from "./State.ts"

export { selector, statefulSet } from "./App.ts"
export { answer } from "./Checklist.ts"

/** What every call may be given. */
export interface Call {
  readonly signal?: AbortSignal
}

/** An operation by its id. */
export interface OperationRef {
  readonly namespace: string
  readonly id: string
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
  /** The state now, and again after every change. Leaving the loop ends it. */
  readonly watch: (ref: AppRef, options?: State.WatchOptions) => AsyncIterable<State.AppState>
  /** Scales in order; see `Scale.scale`. */
  readonly scale: (
    ref: Scale.SetRef,
    options: Parameters<typeof Scale.scale>[1] & Call
  ) => Promise<OperationResult>
  /** Goes on with an interrupted scaling; see `Scale.resume`. */
  readonly resume: (
    at: OperationRef,
    options: Parameters<typeof Scale.resume>[1] & Call
  ) => Promise<OperationResult>
  /** Undoes an interrupted scaling; see `Scale.abort`. */
  readonly abort: (
    at: OperationRef,
    options: Parameters<typeof Scale.abort>[1] & Call
  ) => Promise<OperationResult>
  /** The journals of a namespace, or of one app in it, newest first. */
  readonly operations: (
    where: { readonly namespace: string; readonly app?: string },
    call?: Call
  ) => Promise<ReadonlyArray<Journal.Entry>>
  /** Runs anything of the Effect face on this cluster. */
  readonly run: <A, E>(effect: Effect<A, E, Cluster>, call?: Call) => Promise<A>
  /** Closes every connection; what still runs is interrupted. */
  readonly close: () => Promise<void>
}

/** A connection over any `Cluster`: the sandbox, or one with faults. */
export const over = (cluster: Layer<Cluster, ClusterError>): Connection => {
  const runtime = ManagedRuntime.make(cluster)
  const run: Connection["run"] = (effect, call) =>
    runtime.runPromise(effect, call?.signal === undefined ? {} : { signal: call.signal })
  return {
    read: (ref, options) => run(State.read(ref, options), options),
    readAll: (scope, options) => run(State.readAll(scope, options), options),
    watch: (ref, options) => ({
      async *[Symbol.asyncIterator]() {
        const context = await runtime.context()
        yield* Stream.toAsyncIterableWith(State.watch(ref, options), context)
      }
    }),
    scale: (ref, options) => run(Scale.scale(ref, options), options),
    resume: (at, options) => run(Scale.resume(at, options), options),
    abort: (at, options) => run(Scale.abort(at, options), options),
    operations: ({ namespace, app }, call) => run(Journal.list(namespace, app), call),
    run,
    close: () => runtime.dispose(),
    [Symbol.asyncDispose]: () => runtime.dispose()
  }
}

/** The cluster that kubectl would talk to. Nothing is asked until the first call. */
export const connect = (options: Options = {}): Connection => over(layer(options))
