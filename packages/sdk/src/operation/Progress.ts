/** What a running operation tells, event by event, and what it says at its end. */
import * as Schema from "effect/Schema"
import { AppRef } from "../App.ts"
import { documented } from "../Documented.ts"

const { Literals, Natural, NullOr, Number, String, Struct, TaggedStruct } = Schema

/** How long something took, in milliseconds. */
const millis = Number

/** What progress is about: a pod, a claim, a volume, a StatefulSet, a namespace. */
export interface Subject {
  readonly kind: string
  readonly name: string
}
export const Subject = documented<Subject>({ kind: String, name: String })

/** The operation is journalled and holds the app: from here on it can be resumed. */
export interface Started {
  readonly _tag: "Started"
  readonly id: string
  /** The namespace of its journal, in which it is taken up. */
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

/** What holds a subject up now. */
export interface Waiting {
  readonly _tag: "Waiting"
  readonly subject: Subject
  /** Null: nothing any more. */
  readonly for: string | null
}

/** How many subjects wait until it is their turn. */
export interface Queued {
  readonly _tag: "Queued"
  readonly count: number
}

/**
 * One stage of a subject is over. Of a pod: `claim` (its claims are bound), `scheduled a`, `started`,
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

/** The operation is over. */
export interface Ended {
  readonly _tag: "Ended"
  readonly id: string
  readonly outcome: string
  readonly millis: number
}

/** What a running operation tells. */
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

/** How long each stage of one subject took, and all of them together. */
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

/** `Incomplete`: it is over, but something that it promised is not so; `unmet` says what. */
export const Outcome = Literals(["Unchanged", "Succeeded", "Aborted", "Incomplete"])
export type Outcome = typeof Outcome.Type

/** What an operation did. */
export interface OperationResult {
  readonly apiVersion: "kubectl-stateful.dev/v1"
  readonly kind: "OperationResult"
  /** Null: nothing was to do, so there was no operation. */
  readonly id: string | null
  readonly verb: string
  readonly app: AppRef
  readonly outcome: Outcome
  /** Whether it was taken back: tells which way an Incomplete one went. */
  readonly aborted: boolean
  /** What was promised and is not so, though every step is done: by an act of somebody else. */
  readonly unmet: ReadonlyArray<string>
  readonly millis: number
  /** By subject, in the order in which they came. */
  readonly stages: ReadonlyArray<SubjectTimes>
  readonly notes: ReadonlyArray<string>
  /** What the verb has to say of its end; null: it has nothing, or did not come so far. */
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
