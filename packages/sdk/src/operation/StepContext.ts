/** The engine's interface for a step while it is performed, undone or rehearsed. */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { Assumption } from "./Assumption.ts"
import type { Fence, Standing } from "./Fence.ts"
import type { Guarded } from "./Guarded.ts"
import type * as Journal from "./Journal.ts"
import type { OperationError } from "./OperationError.ts"
import type { Plan } from "./Plan.ts"
import type { Progress, Subject } from "./Progress.ts"

export type Failure = OperationError | ClusterError

/** A step as the engine knows it: its kind knows the rest. */
export interface AnyStep {
  readonly _tag: string
  /** The guard that it is about, as `StatefulSet/shop/db`; absent for the plan's first. */
  readonly on?: string
}

export interface StepContext<Settings = unknown> {
  readonly plan: Plan<AnyStep>
  /** The settings of the verb in this run: those of its plan, overridden by those of this run. */
  readonly settings: Settings
  /** Of the guard that the step is about. */
  readonly fence: Fence
  /** Of every guard, by its key. */
  readonly fences: ReadonlyMap<string, Fence>
  /** The fields of its guard that the step relies on: for each change of it and each wait for it. */
  readonly assumes: ReadonlyArray<Assumption>
  /** True if the operation was resumed: its plan then comes from a journal, which may have been edited. */
  readonly isTakenUp: boolean
  /**
   * True if no other client has written the guard's spec since the plan was made. False if that is unknown.
   */
  readonly isOurs: (guard: Guarded) => boolean
  /** The journal's entry for this step, and for the step itself while it is undone. */
  readonly mark: Journal.Mark | null
  readonly forward: Journal.Mark | null
  /** True if the journal has an intent of a step of the plan, whose kind writes one. */
  readonly isBegun: (step: AnyStep) => boolean
  /** The values that an abort captured when it began. */
  readonly captured: Readonly<Record<string, number>>
  /**
   * Writes the intent of effects that cannot be looked up afterwards, before they happen, and all in
   * one write.
   */
  readonly intend: (subjects: ReadonlyArray<Journal.MarkSubject>) => Effect.Effect<void, Failure, Cluster>
  /** The outcome of one subject or of all; written together with the next write. */
  readonly conclude: (state: Journal.MarkState, subject?: Subject) => Effect.Effect<void>
  readonly report: (progress: Progress) => Effect.Effect<void>
  /**
   * Something that the plan promised is not so, although every step is done: the operation ends as
   * Incomplete and not as a success.
   */
  readonly fallShort: (message: string) => Effect.Effect<void>
  /** The ownership of this process, and the current guarded object. */
  readonly standing: Effect.Effect<Standing, ClusterError, Cluster>
  /** Milliseconds in which the API server answered: limits are counted by these, in differences. */
  readonly elapsed: Effect.Effect<number>
}

/** A context outside of an operation's run: nothing is journalled, and there is no takeover. */
export const detached = <Settings>(
  given: Pick<StepContext<Settings>, "plan" | "settings" | "fence"> & Partial<StepContext<Settings>>
): StepContext<Settings> => ({
  fences: new Map(),
  assumes: [],
  isTakenUp: false,
  isOurs: () => false,
  mark: null,
  forward: null,
  isBegun: () => false,
  captured: {},
  intend: () => Effect.void,
  conclude: () => Effect.void,
  report: () => Effect.void,
  fallShort: () => Effect.void,
  standing: Effect.succeed({ why: null, object: null }),
  elapsed: Effect.succeed(0),
  ...given
})
