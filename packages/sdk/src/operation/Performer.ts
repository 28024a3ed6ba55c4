/** What a verb gives to the engine, and what the engine gives to each of its steps. */
import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { StatefulSet } from "../kind/Workload.ts"
import type { Fence } from "./Fence.ts"
import type * as Journal from "./Journal.ts"
import type { OperationError } from "./OperationError.ts"
import type { AnyPlan, Plan } from "./Plan.ts"
import type { Report } from "./Report.ts"

export type Failure = OperationError | ClusterError

/** What a step may use while it is performed or undone. */
export interface At {
  readonly fence: Fence
  /** What the journal says of this step, and of the step itself while it is undone. */
  readonly mark: Journal.Mark | null
  readonly forward: Journal.Mark | null
  /** What an abort found when it began. */
  readonly found: Readonly<Record<string, number>>
  /** Writes the intent of an effect that cannot be looked up afterwards, before it happens. */
  readonly intend: (pod: string | null) => Effect.Effect<void, Failure, Cluster>
  /** Its outcome; written together with what is written next. */
  readonly conclude: (state: Journal.Mark["state"]) => Effect.Effect<void>
  readonly report: (report: Report) => Effect.Effect<void>
  /** Milliseconds in which the API server answered: limits are counted by these, in differences. */
  readonly elapsed: Effect.Effect<number>
}

/** What a verb gives to the engine. */
export interface Performer<Step> {
  readonly verb: string
  readonly decode: (plan: typeof AnyPlan.Type) => Result.Result<Plan<Step>, string>
  /** The hooks at hand now, to be compared with those that were planned with. */
  readonly hooks: Plan<Step>["hooks"]
  /** Whether the facts of the plan still hold; `resumed`: some of its own steps may be done. */
  readonly check: (
    plan: Plan<Step>,
    set: StatefulSet,
    resumed: boolean
  ) => Effect.Effect<void, Failure, Cluster>
  /** What else must be so before the first effect, e.g. that a hook can run. */
  readonly preflight: (plan: Plan<Step>, set: StatefulSet) => Effect.Effect<void, Failure, Cluster>
  readonly describe: (plan: Plan<Step>, step: Step) => string
  readonly perform: (step: Step, at: At, plan: Plan<Step>) => Effect.Effect<void, Failure, Cluster>
  readonly undo: (step: Step, at: At, plan: Plan<Step>) => Effect.Effect<void, Failure, Cluster>
  /** Facts that an abort must know, and could not find out once it has begun. */
  readonly find: (plan: Plan<Step>, set: StatefulSet) => Readonly<Record<string, number>>
}

export interface RunOptions {
  /** Who runs it, in words: `ann@laptop`. */
  readonly identity: string
  /** Do not wait for a holder's silence. Default false. */
  readonly takeOver?: boolean
  /** Milliseconds for the whole; null or absent: no limit. */
  readonly timeout?: number | null
  readonly report?: (report: Report) => Effect.Effect<void>
}
