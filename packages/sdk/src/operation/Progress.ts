/** The events of a running operation, and its result. */
import * as Schema from "effect/Schema"
import { AppRef } from "../App.ts"
import { documented } from "../Documented.ts"

const { Literals, Natural, NullOr, Number, String, Struct, TaggedStruct } = Schema

/** Duration in milliseconds. */
const millis = Number

/** The subject of progress: a pod, a claim, a volume, a StatefulSet, a namespace. */
export interface Subject {
  readonly kind: string
  readonly name: string
}
export const Subject = documented<Subject>({ kind: String, name: String })

/** The operation is journalled and owns the app: from here on it can be resumed. */
export interface Started {
  readonly _tag: "Started"
  readonly id: string
  /** The namespace of its journal. */
  readonly home: string
  readonly verb: string
  readonly app: string
  readonly effects: ReadonlyArray<string>
}

/** A step begins. */
export interface Step {
  readonly _tag: "Step"
  readonly index: number
  readonly of: number
  readonly what: string
}

/** The current reason that a subject waits. */
export interface Waiting {
  readonly _tag: "Waiting"
  readonly subject: Subject
  /** `null` if it no longer waits. */
  readonly for: string | null
}

/** The number of subjects whose turn has not come. */
export interface Queued {
  readonly _tag: "Queued"
  readonly count: number
}

/**
 * One stage of a subject has finished. For a pod: `claim` (its claims are bound), `scheduled a`, `started`,
 * `ready`, `removed`, `afterAdd` …
 */
export interface Stage {
  readonly _tag: "Stage"
  readonly subject: Subject
  readonly stage: string
  /** Since the stage before it, or since its turn came. */
  readonly millis: number
}

/** Something that people should know, and that stops nothing. */
export interface Note {
  readonly _tag: "Note"
  readonly message: string
}

/** The operation has finished. */
export interface Ended {
  readonly _tag: "Ended"
  readonly id: string
  readonly outcome: string
  readonly millis: number
}

/** An event of a running operation. */
export type Progress = Started | Step | Waiting | Queued | Stage | Note | Ended

export const Progress: Schema.Codec<Progress> = Schema.Union([
  TaggedStruct("Started", {
    id: String,
    home: String,
    verb: String,
    app: String,
    effects: Schema.Array(String)
  }),
  TaggedStruct("Step", { index: Natural, of: Natural, what: String }),
  TaggedStruct("Waiting", { subject: Subject, for: NullOr(String) }),
  TaggedStruct("Queued", { count: Natural }),
  TaggedStruct("Stage", { subject: Subject, stage: String, millis }),
  TaggedStruct("Note", { message: String }),
  TaggedStruct("Ended", { id: String, outcome: String, millis })
])

/** Duration of each stage of one subject, and of all of them together. */
export interface SubjectTimes {
  readonly subject: Subject
  readonly millis: number
  readonly stages: ReadonlyArray<{
    readonly stage: string
    readonly millis: number
  }>
}
export const SubjectTimes = documented<SubjectTimes>({
  subject: Subject,
  millis,
  stages: Schema.Array(Struct({ stage: String, millis }))
})

/** `Incomplete`: it has finished, but a part of the plan did not come true; `unmet` says which. */
export const Outcome = Literals(["Unchanged", "Succeeded", "Aborted", "Incomplete"])
export type Outcome = typeof Outcome.Type

/** The result of an operation. */
export interface OperationResult {
  readonly apiVersion: "kubectl-stateful.dev/v1"
  readonly kind: "OperationResult"
  /** `null` if there was nothing to do, so there was no operation. */
  readonly id: string | null
  readonly verb: string
  readonly app: AppRef
  readonly outcome: Outcome
  /** True if it was aborted: tells the direction of an Incomplete one. */
  readonly aborted: boolean
  /** The parts of the plan that did not come true although every step is done, because of another client. */
  readonly unmet: ReadonlyArray<string>
  readonly millis: number
  /** By subject, in the order in which they came. */
  readonly stages: ReadonlyArray<SubjectTimes>
  readonly notes: ReadonlyArray<string>
  /** The verb's own result; `null` if it has none, or did not get that far. */
  readonly result: unknown
}
export const OperationResult = documented<OperationResult>({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("OperationResult"),
  id: NullOr(String),
  verb: String,
  app: AppRef,
  outcome: Outcome,
  aborted: Schema.Boolean,
  unmet: Schema.Array(String),
  millis,
  stages: Schema.Array(SubjectTimes),
  notes: Schema.Array(String),
  result: Schema.Unknown
})

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
