/** What a running operation tells, event by event, and what it says at its end. */
import * as Schema from "effect/Schema"

const { Literals, Natural, NullOr, Number, String, Struct, TaggedStruct } = Schema

/** How long something took, in milliseconds. */
const millis = Number

export const Report = Schema.Union([
  /** The operation is journalled and holds the app: from here on it can be resumed. */
  TaggedStruct("Started", { id: String, verb: String, app: String, effects: Schema.Array(String) }),
  TaggedStruct("Step", { index: Natural, of: Natural, what: String }),
  /** What holds a replica up now; null: nothing any more. */
  TaggedStruct("Waiting", { replica: String, for: NullOr(String) }),
  /** How many replicas wait until it is their turn. */
  TaggedStruct("Queued", { count: Natural }),
  /**
   * One stage of a replica is over: `claim` (its claims are bound), `scheduled a`, `started`, `ready`,
   * `removed`, `afterAdd` … `millis` since the stage before it, or since its turn came.
   */
  TaggedStruct("Replica", { replica: String, stage: String, millis }),
  /** Something that people should know, and that stops nothing. */
  TaggedStruct("Note", { message: String }),
  TaggedStruct("Ended", { id: String, outcome: String, millis })
])
export type Report = typeof Report.Type

/** How long each stage of one replica took, and all of them together. */
export const ReplicaTimes = Struct({
  replica: String,
  millis,
  stages: Schema.Array(Struct({ stage: String, millis }))
})

export const Outcome = Literals(["Unchanged", "Succeeded", "Aborted"])

/** What an operation did. */
export const OperationResult = Struct({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("OperationResult"),
  /** Null: nothing was to do, so there was no operation. */
  id: NullOr(String),
  verb: String,
  app: Struct({ namespace: String, kind: Schema.Literal("StatefulSet"), name: String }),
  outcome: Outcome,
  millis,
  replicas: Schema.Array(ReplicaTimes),
  notes: Schema.Array(String)
})
export type OperationResult = typeof OperationResult.Type

/** Gathers stages by replica, in the order in which they came. */
export const timesOf = (reports: ReadonlyArray<Report>): (typeof OperationResult.Type)["replicas"] => {
  const stages = reports.flatMap((report) => (report._tag === "Replica" ? [report] : []))
  return [...Map.groupBy(stages, (stage) => stage.replica)].map(([replica, mine]) => ({
    replica,
    millis: Math.round(mine.reduce((sum, stage) => sum + stage.millis, 0)),
    stages: mine.map(({ stage, millis }) => ({ stage, millis: Math.round(millis) }))
  }))
}
