/** The events of a running operation, and its result. */
import * as Schema from "effect/Schema"
import { AppRef } from "../App.ts"

const { Literals, Natural, NullOr, Number, String, Struct, TaggedStruct } = Schema

/** Duration in milliseconds. */
const millis = Number

/** The subject of progress: a pod, a claim, a volume, a StatefulSet, a namespace. */
export const Subject = Struct({ kind: String, name: String })
export type Subject = typeof Subject.Type

export const Progress = Schema.Union([
  /** The operation is journalled and owns the app: from here on it can be resumed. */
  TaggedStruct("Started", {
    id: String,
    /** The namespace of its journal. */
    home: String,
    verb: String,
    app: String,
    effects: Schema.Array(String)
  }),
  TaggedStruct("Step", { index: Natural, of: Natural, what: String }),
  /** The current reason that a subject waits; `null` if it no longer waits. */
  TaggedStruct("Waiting", { subject: Subject, for: NullOr(String) }),
  /** The number of subjects whose turn has not come. */
  TaggedStruct("Queued", { count: Natural }),
  /**
   * One stage of a subject has finished. For a pod: `claim` (its claims are bound), `scheduled a`, `started`,
   * `ready`, `removed`, `afterAdd` … `millis` since the previous stage, or since its turn came.
   */
  TaggedStruct("Stage", { subject: Subject, stage: String, millis }),
  /** Something that people should know, and that stops nothing. */
  TaggedStruct("Note", { message: String }),
  TaggedStruct("Ended", { id: String, outcome: String, millis })
])
export type Progress = typeof Progress.Type

/** Duration of each stage of one subject, and of all of them together. */
export const SubjectTimes = Struct({
  subject: Subject,
  millis,
  stages: Schema.Array(Struct({ stage: String, millis }))
})

/** `Incomplete`: it has finished, but a part of the plan did not come true; `unmet` says which. */
export const Outcome = Literals(["Unchanged", "Succeeded", "Aborted", "Incomplete"])

/** The result of an operation. */
export const OperationResult = Struct({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("OperationResult"),
  /** `null` if there was nothing to do, so there was no operation. */
  id: NullOr(String),
  verb: String,
  app: AppRef,
  outcome: Outcome,
  /** True if it was aborted: tells the direction of an Incomplete one. */
  aborted: Schema.Boolean,
  /** The parts of the plan that did not come true although every step is done, because of another client. */
  unmet: Schema.Array(String),
  millis,
  /** By subject, in the order in which they came. */
  stages: Schema.Array(SubjectTimes),
  notes: Schema.Array(String),
  /** The verb's own result; `null` if it has none, or did not get that far. */
  result: Schema.Unknown
})
export type OperationResult = typeof OperationResult.Type

/** Gathers stages by subject, in the order in which they came. */
export const timesOf = (events: ReadonlyArray<Progress>): OperationResult["stages"] => {
  const stages = events.flatMap((event) => (event._tag === "Stage" ? [event] : []))
  const bySubject = Map.groupBy(stages, ({ subject }) => `${subject.kind}/${subject.name}`)
  return [...bySubject.values()].flatMap(([first, ...rest]) =>
    first === undefined
      ? []
      : [
          {
            subject: first.subject,
            millis: Math.round([first, ...rest].reduce((sum, stage) => sum + stage.millis, 0)),
            stages: [first, ...rest].map(({ stage, millis }) => ({ stage, millis: Math.round(millis) }))
          }
        ]
  )
}
