/** What the engine gives to each step while it is performed, undone or rehearsed. */
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
  /** Which guard it is about, as `StatefulSet/shop/db`; absent: the plan's first. */
  readonly on?: string
}

export interface StepContext<Settings = unknown> {
  readonly plan: Plan<AnyStep>
  /** What the verb goes by in this run: what stands in its plan, under what its caller says now. */
  readonly settings: Settings
  /** Of the guard that the step is about. */
  readonly fence: Fence
  /** Of every guard, by its key. */
  readonly fences: ReadonlyMap<string, Fence>
  /** What the step leans on of its guard: to be given to each change of it and each wait for it. */
  readonly assumes: ReadonlyArray<Assumption>
  /** Whether the operation is taken up: its plan is what a journal says, and somebody may have edited that. */
  readonly isTakenUp: boolean
  /** Whether nobody else has written the guard's spec since the plan was made. False where it cannot be told. */
  readonly isOurs: (guard: Guarded) => boolean
  /** What the journal says of this step, and of the step itself while it is undone. */
  readonly mark: Journal.Mark | null
  readonly forward: Journal.Mark | null
  /** Whether the journal has an intent of a step of the plan, whose kind writes one. */
  readonly isBegun: (step: AnyStep) => boolean
  /** What an abort found when it began. */
  readonly captured: Readonly<Record<string, number>>
  /**
   * Writes the intent of effects that cannot be looked up afterwards, before they happen, and all in
   * one write.
   */
  readonly intend: (subjects: ReadonlyArray<Journal.MarkSubject>) => Effect.Effect<void, Failure, Cluster>
  /** Their outcome, of one subject or of all; written together with what is written next. */
  readonly conclude: (state: Journal.MarkState, subject?: Subject) => Effect.Effect<void>
  readonly report: (progress: Progress) => Effect.Effect<void>
  /**
   * Something that the plan promised is not so, although every step is done: the operation ends as
   * Incomplete and not as a success.
   */
  readonly fallShort: (message: string) => Effect.Effect<void>
  /** Whether this caller may still write, and the guard as it is now. */
  readonly standing: Effect.Effect<Standing, ClusterError, Cluster>
  /** Milliseconds in which the API server answered: limits are counted by these, in differences. */
  readonly elapsed: Effect.Effect<number>
}

/** A context outside of an operation's run: nothing is journalled, and nobody takes over. */
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
