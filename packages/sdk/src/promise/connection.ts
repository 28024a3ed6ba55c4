/** What a connection of the Promise face offers, and the options of its calls. */
import type * as Effect from "effect/Effect"
import type { AppRef, Scope } from "../App.ts"
import type { Cluster } from "../Cluster.ts"
import type * as Discovery from "../Discovery.ts"
import type * as Journal from "../operation/Journal.ts"
import type { AnyPlan } from "../operation/Plan.ts"
import type { OperationResult, Progress } from "../operation/Progress.ts"
import type { RunOptions } from "../operation/Verb.ts"
import type { Quiesce } from "../Quiesce.ts"
import type * as Restore from "../Restore.ts"
import type * as RestoreClone from "../RestoreClone.ts"
import type * as RestoreDrill from "../RestoreDrill.ts"
import type * as RestoreRelease from "../RestoreRelease.ts"
import type * as Router from "../Router.ts"
import type { Strategy } from "../Routing.ts"
import type * as Scale from "../Scale.ts"
import type * as Snapshot from "../Snapshot.ts"
import type * as SnapshotPrune from "../SnapshotPrune.ts"
import type * as SnapshotSet from "../SnapshotSet.ts"
import type * as SnapshotTransfer from "../SnapshotTransfer.ts"
import type * as State from "../State.ts"
import type * as Thaw from "../Thaw.ts"
import type * as Verbs from "../Verbs.ts"

/** Options of every call. */
export interface Call {
  readonly signal?: AbortSignal
}

/** A verb's options for running it, with its progress passed to a plain function. */
export type Running<Options = object> = Omit<Options & RunOptions, "report"> &
  Call & {
    /** Called with each event; not awaited, and its errors are ignored. */
    readonly report?: (progress: Progress) => unknown
  }

/** An operation by its id. */
export interface OperationRef {
  readonly namespace: string
  readonly id: string
}

/** A router that throws if it has no answer; `await using`, or `close()`, ends its watches. */
export interface KeyRouter extends AsyncDisposable {
  /** The ordinal that the key goes to; throws a RoutingError. See `Routing.Picker`. */
  readonly pick: (key: string, sticky?: number) => number
  readonly pickAll: (key: string) => ReadonlyArray<number>
  readonly owners: (key: string) => ReadonlyArray<number>
  /** The same as `pick`, as the peer with its name, addresses and ports. */
  readonly find: (key: string, sticky?: number) => Discovery.Peer
  readonly view: () => Discovery.Peers
  /** The age of its view. */
  readonly age: () => Router.Age
  readonly close: () => Promise<void>
}

/** The plans of the verbs that change something. Nothing is changed by them. */
export interface Plans {
  readonly scale: (ref: Scale.SetRef, options?: Scale.ScaleOptions & Call) => Promise<Scale.ScalePlan>
  readonly snapshot: (
    ref: AppRef,
    options?: Snapshot.SnapshotOptions & Call
  ) => Promise<Snapshot.SnapshotPlan>
  readonly pruneSnapshot: (
    ref: SnapshotSet.SnapshotRef,
    options?: SnapshotPrune.PruneOptions & Call
  ) => Promise<SnapshotPrune.PrunePlan>
  /** With the record that it writes, which is not part of the plan. */
  readonly importSnapshot: (
    namespace: string,
    file: Uint8Array,
    key: SnapshotTransfer.OpenWith,
    options?: SnapshotTransfer.ImportOptions & Call
  ) => Promise<SnapshotTransfer.Prepared>
  readonly restore: (
    ref: Restore.SnapshotRef,
    options?: Restore.RestoreOptions & Call
  ) => Promise<Restore.RestorePlan>
  readonly restoreFromVolumeSnapshots: (
    ref: Restore.SetRef,
    options?: Restore.FoundOptions & Call
  ) => Promise<Restore.RestorePlan>
  readonly restoreAs: (
    ref: RestoreClone.SnapshotRef,
    options: RestoreClone.CloneOptions & Call
  ) => Promise<RestoreClone.ClonePlan>
  readonly undoRestore: (
    at: OperationRef,
    options?: Restore.RestoreOptions & Call
  ) => Promise<Restore.RestorePlan>
  readonly release: (at: OperationRef, call?: Call) => Promise<RestoreRelease.ReleasePlan>
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
  /** All StatefulSets now, and again after every change; see `State.watchAll`. */
  readonly watchAll: (
    scope: Scope,
    options?: State.WatchOptions & Call
  ) => AsyncIterable<ReadonlyArray<State.AppState>>
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
  readonly scale: (ref: Scale.SetRef, options?: Running<Scale.ScaleOptions>) => Promise<OperationResult>
  /** Scales several StatefulSets, each once the one before it is done; see `Scale.scaleAll`. */
  readonly scaleAll: (
    asked: ReadonlyArray<{ readonly ref: Scale.SetRef; readonly options: Scale.ScaleOptions }>,
    options?: Running
  ) => Promise<ReadonlyArray<OperationResult>>
  /** Takes a snapshot of an application's whole state; see `Snapshot.take`. */
  readonly snapshot: (ref: AppRef, options?: Running<Snapshot.SnapshotOptions>) => Promise<OperationResult>
  /** The snapshots of a namespace, newest first; see `Snapshot.list`. */
  readonly snapshots: (namespace: string, call?: Call) => Promise<ReadonlyArray<Snapshot.Listed>>
  /** One snapshot in full, and whether it can be restored from here; see `SnapshotSet.describe`. */
  readonly describeSnapshot: (ref: SnapshotSet.SnapshotRef, call?: Call) => Promise<SnapshotSet.Description>
  /**
   * The differences between two snapshots, or (`null`) to the current application; see `SnapshotSet.diff`.
   */
  readonly diffSnapshots: (
    from: SnapshotSet.SnapshotRef,
    to: SnapshotSet.SnapshotRef | null,
    call?: Call
  ) => Promise<SnapshotSet.Diff>
  /** Deletes a snapshot with its data in the storage; see `SnapshotPrune.prune`. */
  readonly pruneSnapshot: (
    ref: SnapshotSet.SnapshotRef,
    options?: Running<SnapshotPrune.PruneOptions>
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
    options?: Running<SnapshotTransfer.ImportOptions>
  ) => Promise<OperationResult>
  /** Thaws every member of an application, whatever has frozen it; see `Thaw.thaw`. */
  readonly thaw: (ref: AppRef, quiesce: Quiesce, call?: Call) => Promise<ReadonlyArray<Thaw.Thawed>>
  /** Restores a StatefulSet from a snapshot, in place; see `Restore.restore`. */
  readonly restore: (
    ref: Restore.SnapshotRef,
    options?: Running<Restore.RestoreOptions>
  ) => Promise<OperationResult>
  /** Restores a StatefulSet from VolumeSnapshots of other tools; see `Restore.fromVolumeSnapshots`. */
  readonly restoreFromVolumeSnapshots: (
    ref: Restore.SetRef,
    options?: Running<Restore.FoundOptions>
  ) => Promise<OperationResult>
  /** Restores a snapshot as another application; see `RestoreClone.clone`. */
  readonly restoreAs: (
    ref: RestoreClone.SnapshotRef,
    options: Running<RestoreClone.CloneOptions>
  ) => Promise<OperationResult>
  /** Rehearses a restore; see `RestoreDrill.drill`. */
  readonly drill: (
    ref: RestoreClone.SnapshotRef,
    options: Running<RestoreDrill.DrillOptions>
  ) => Promise<RestoreDrill.DrillResult>
  /** Undoes a finished restore; see `Restore.undo`. */
  readonly undoRestore: (
    at: OperationRef,
    options?: Running<Restore.RestoreOptions>
  ) => Promise<OperationResult>
  /** Takes away the fence of an application that was restored as another one; see `RestoreRelease.release`. */
  readonly release: (at: OperationRef, options?: Running) => Promise<OperationResult>
  /**
   * The plan of each of these verbs: plain data, to review, to try with `dryRun` and to run with `execute`.
   */
  readonly plan: Plans
  /**
   * Checks what running a plan would do, without changing anything. With `server`, each write is also sent
   * with `dryRun=All`.
   */
  readonly dryRun: (plan: AnyPlan, mode: "client" | "server", call?: Call) => Promise<AnyPlan>
  /** Runs a plan, of whatever verb; refused if a fact that it rests on has changed. */
  readonly execute: (
    planned: Verbs.Planned,
    options?: Running<Verbs.TakeUpOptions>
  ) => Promise<OperationResult>
  /** The one unfinished operation of a namespace, or the one whose id begins so; see `Verbs.find`. */
  readonly findOperation: (
    where: { readonly namespace: string; readonly id?: string },
    call?: Call
  ) => Promise<Verbs.Found>
  /** Resumes an interrupted operation of any verb; see `Verbs.resume`. */
  readonly resume: (at: OperationRef, options?: Running<Verbs.TakeUpOptions>) => Promise<OperationResult>
  /** Undoes an interrupted operation, of whatever verb; see `Verbs.abort`. */
  readonly abort: (at: OperationRef, options?: Running<Verbs.TakeUpOptions>) => Promise<OperationResult>
  /** The journals of a namespace, or of one app in it, newest first, and those that this version cannot read. */
  readonly operations: (
    where: { readonly namespace: string; readonly app?: string },
    call?: Call
  ) => Promise<Journal.Journals>
  /** Runs anything of the Effect face on this cluster. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, Cluster>, call?: Call) => Promise<A>
  /** Closes every connection, and interrupts running calls. Idempotent. */
  readonly close: () => Promise<void>
}
