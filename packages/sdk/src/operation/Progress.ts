/** What a running operation tells, event by event, and what it says at its end. */
import * as Schema from "effect/Schema"
import { AppRef } from "../App.ts"

const { Literals, Natural, NullOr, Number, String, Struct, TaggedStruct } = Schema

/** How long something took, in milliseconds. */
const millis = Number

/** What progress is about: a pod, a claim, a volume, a StatefulSet, a namespace. */
export const Subject = Struct({ kind: String, name: String })
export type Subject = typeof Subject.Type

export const Progress = Schema.Union([
  /** The operation is journalled and holds the app: from here on it can be resumed. */
  TaggedStruct("Started", {
    id: String,
    /** The namespace of its journal, in which it is taken up. */
    home: String,
    verb: String,
    app: String,
    effects: Schema.Array(String)
  }),
  TaggedStruct("Step", { index: Natural, of: Natural, what: String }),
  /** What holds a subject up now; null: nothing any more. */
  TaggedStruct("Waiting", { subject: Subject, for: NullOr(String) }),
  /** How many subjects wait until it is their turn. */
  TaggedStruct("Queued", { count: Natural }),
  /**
   * One stage of a subject is over. Of a pod: `claim` (its claims are bound), `scheduled a`, `started`,
   * `ready`, `removed`, `afterAdd` … `millis` since the stage before it, or since its turn came.
   */
  TaggedStruct("Stage", { subject: Subject, stage: String, millis }),
  /** Something that people should know, and that stops nothing. */
  TaggedStruct("Note", { message: String }),
  TaggedStruct("Ended", { id: String, outcome: String, millis })
])
export type Progress = typeof Progress.Type

/** How long each stage of one subject took, and all of them together. */
export const SubjectTimes = Struct({
  subject: Subject,
  millis,
  stages: Schema.Array(Struct({ stage: String, millis }))
})

/** `Incomplete`: it is over, but something that it promised is not so; `unmet` says what. */
export const Outcome = Literals(["Unchanged", "Succeeded", "Aborted", "Incomplete"])

/** What an operation did. */
export const OperationResult = Struct({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("OperationResult"),
  /** Null: nothing was to do, so there was no operation. */
  id: NullOr(String),
  verb: String,
  app: AppRef,
  outcome: Outcome,
  /** Whether it was taken back: tells which way an Incomplete one went. */
  aborted: Schema.Boolean,
  /** What was promised and is not so, though every step is done: by an act of somebody else. */
  unmet: Schema.Array(String),
  millis,
  /** By subject, in the order in which they came. */
  stages: Schema.Array(SubjectTimes),
  notes: Schema.Array(String),
  /** What the verb has to say of its end; null: it has nothing, or did not come so far. */
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
