/** The form of a journal: its plan and its status, and the ConfigMap that holds them. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ClusterError } from "../Cluster.ts"
import { isOperationId } from "./OperationId.ts"
import {
  appLabel,
  guardsAnnotation,
  holderAnnotation,
  operationLabel,
  phaseAnnotation,
  verbAnnotation,
  managedBy
} from "../Labels.ts"
import { isOver } from "./Phase.ts"
import { AnyPlan, keyOf } from "./Plan.ts"
import { Subject } from "./Progress.ts"
import { kinds } from "../Kind.ts"
import type * as Resource from "../Resource.ts"
import { labelValue } from "../ObjectName.ts"

const { NullOr, String, Struct } = Schema

/**
 * The progress of an effect with an intent. `Begun` without an outcome: its process crashed, or the outcome
 * is written with the next intent.
 */
export const MarkState = Schema.Literals(["Begun", "Succeeded", "Failed", "Unknown"])
export type MarkState = typeof MarkState.Type

/** The subject of an effect, by uid: an object that was created since under the same name is another one. */
export const MarkSubject = Struct({ ...Subject.fields, uid: NullOr(String) })
export type MarkSubject = typeof MarkSubject.Type

/** The journal's entry for one step: an outcome for each subject that it had an intent for. */
export const Mark = Schema.NonEmptyArray(Struct({ ...MarkSubject.fields, state: MarkState }))
export type Mark = typeof Mark.Type

/** The entry of one subject; `null` if there was no intent for it. */
export const markOf = (mark: Mark | null, { kind, name }: Subject): Mark[number] | null =>
  mark?.find((one) => one.kind === kind && one.name === name) ?? null

/**
 * `Running` and `Aborting`: a process is working on it, or crashed. `Stopped`: it ended early and can be
 * resumed. `Succeeded`, `Aborted` and `Incomplete` are finished; for the last one a part of the plan did not
 * come true, and its message says which.
 */
export const Phase = Schema.Literals(["Running", "Aborting", "Stopped", "Succeeded", "Aborted", "Incomplete"])
export type Phase = typeof Phase.Type

/** By the processes' clocks, as `started`; a resumed step keeps its first start. */
export const StepTime = Struct({ started: String, ended: NullOr(String) })
export type StepTime = typeof StepTime.Type

export const Status = Struct({
  phase: Phase,
  /** True once an abort was started: a resume continues it. */
  aborting: Schema.Boolean,
  holder: String,
  /** By the processes' clocks: for display, nothing is decided by them. */
  started: String,
  ended: NullOr(String),
  /** By step: `3`, or `undo 3`. */
  marks: Schema.Record(String, Mark),
  /** By step: the time from start to end, as far as a process recorded it. Absent in older journals. */
  times: Schema.optionalKey(Schema.Record(String, StepTime)),
  /** The values that an abort captured when it began, in the verb's own terms. */
  captured: Schema.Record(String, Schema.Number),
  message: NullOr(String)
})
export type Status = typeof Status.Type

export interface Entry {
  readonly plan: AnyPlan
  readonly status: Status
  /** The owner: the run's token. */
  readonly run: string
}

/** A ConfigMap can contain 1 MiB. Some of it is reserved for the rest of the journal. */
const largest = 1_000_000

/** The size of one subject's mark: its kind, its name, its uid and its state. */
const markSize = 150

/** The size of one step's times, with its key. */
const timeSize = 90

/** The ConfigMap's name. */
export const nameOf = (id: string): string => `kubectl-stateful-${id}`

export const target = (namespace: string, name: string): Resource.Target => ({
  api: kinds.configmaps,
  namespace,
  name
})

const Data = Struct({
  data: Struct({
    "plan.json": Schema.fromJsonString(AnyPlan),
    "status.json": Schema.fromJsonString(Status),
    run: String
  })
})

const notReadable = (name: string, why: string, action: string) =>
  new ClusterError({ reason: { _tag: "Unreadable" }, message: `configmap "${name}" ${why}`, action })

/**
 * True if the journal's content agrees with its location: its author may write only in this namespace, and
 * the id must not be another operation's.
 */
const isAtHome = ({ metadata }: Resource.KubeObject, { plan }: Entry): boolean =>
  isOperationId(plan.id) &&
  metadata.name === nameOf(plan.id) &&
  (metadata.namespace === undefined || metadata.namespace === plan.home) &&
  plan.app.namespace === plan.home

/** The entry in a ConfigMap. */
export const accept = (object: Resource.KubeObject): Effect.Effect<Entry, ClusterError> =>
  Schema.decodeUnknownEffect(Data)(object).pipe(
    Effect.map(({ data }) => ({
      plan: data["plan.json"],
      status: data["status.json"],
      run: data.run
    })),
    Effect.mapError(() =>
      notReadable(
        object.metadata.name,
        "is not a journal that this version can read",
        "use the version of kubectl-stateful that wrote it"
      )
    ),
    Effect.flatMap((entry) =>
      isAtHome(object, entry)
        ? Effect.succeed(entry)
        : Effect.fail(
            notReadable(
              object.metadata.name,
              "is a journal of another namespace or operation",
              "find out what wrote it; it is not executed"
            )
          )
    )
  )

/** The labels and annotations that show its content. */
export const seen = (entry: Entry) => ({
  [verbAnnotation]: entry.plan.verb,
  [phaseAnnotation]: entry.status.phase,
  [holderAnnotation]: entry.status.holder
})

/** The ConfigMap of an entry. */
export const body = (entry: Entry) => ({
  metadata: {
    name: nameOf(entry.plan.id),
    labels: {
      ...managedBy,
      [operationLabel]: entry.plan.id,
      ...(entry.plan.app._tag === "StatefulSet" ? { [appLabel]: labelValue(entry.plan.app.name) } : {})
    },
    annotations: { ...seen(entry), [guardsAnnotation]: entry.plan.guards.map(keyOf).join(" ") }
  },
  data: {
    "plan.json": JSON.stringify(entry.plan),
    "status.json": JSON.stringify(entry.status),
    run: entry.run
  }
})

/**
 * True if a plan is too large for one journal, with all the marks and times of its steps in both directions:
 * what is admitted can be finished.
 */
export const isTooLarge = (plan: AnyPlan, marks: number): boolean =>
  Buffer.byteLength(JSON.stringify(plan)) + 2 * (marks * markSize + plan.steps.length * timeSize) > largest

/** True if it is unfinished: it runs, or can be resumed. */
export const isOpen = (status: { readonly phase: string }): boolean => !isOver(status.phase)
