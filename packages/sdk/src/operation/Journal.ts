/**
 * The journal of an operation: a ConfigMap in the app's namespace with the plan and what was begun.
 *
 * Intents are written before effects. It holds no Secret's value and no command: hooks stand in it
 * by name and digest, so that whoever may edit ConfigMaps gains no exec. Each write tests whose turn
 * it is (`run`), so a caller that was replaced cannot write into it any more.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { ClusterError } from "../Cluster.ts"
import { digest } from "./Digest.ts"
import { ensure } from "./Ensure.ts"
import { because, OperationError } from "./OperationError.ts"
import { annotationPath } from "./Fence.ts"
import {
  appLabel,
  holderAnnotation,
  operationLabel,
  phaseAnnotation,
  verbAnnotation
} from "./OperationMark.ts"
import { AnyPlan } from "./Plan.ts"
import * as Resource from "../Resource.ts"

const { NullOr, String, Struct } = Schema

/**
 * How far one step with an intent has come. `Begun` without an outcome: its caller died, or the
 * outcome waits to be written with the next intent.
 */
export const Mark = Struct({
  state: Schema.Literals(["Begun", "Succeeded", "Failed", "Unknown"]),
  /** The pod it concerns, by uid: a namesake made since is another one. */
  pod: NullOr(String)
})
export type Mark = typeof Mark.Type

/**
 * `Running` and `Aborting`: somebody is at it, or died. `Stopped`: it ended early and can be taken up
 * again. `Succeeded` and `Aborted`: it is over.
 */
export const Phase = Schema.Literals(["Running", "Aborting", "Stopped", "Succeeded", "Aborted"])
export type Phase = typeof Phase.Type

export const Progress = Struct({
  phase: Phase,
  /** True once an abort was begun: a resume goes on with it. */
  aborting: Schema.Boolean,
  holder: String,
  /** By the callers' clocks: labels for people, nothing is decided by them. */
  started: String,
  ended: NullOr(String),
  /** By step: `3`, or `undo 3`. */
  marks: Schema.Record(String, Mark),
  /** What an abort found when it began, in the verb's own terms. */
  found: Schema.Record(String, Schema.Number),
  message: NullOr(String)
})
export type Progress = typeof Progress.Type

export interface Entry {
  readonly plan: typeof AnyPlan.Type
  readonly progress: Progress
  /** Whose turn it is: `<operation>.<run>`. */
  readonly run: string
}

const managedBy = { "app.kubernetes.io/managed-by": "kubectl-stateful" }

/** The plan's size is capped well under the 1 MiB of a ConfigMap. */
const largest = 700_000

/** The ConfigMap's name. */
export const nameOf = (id: string): string => `kubectl-stateful-${id}`

/** A label's value has at most 63 characters; longer names are found by the plan. */
const labelOf = (app: string): string => app.slice(0, 63).replace(/[^a-z0-9]+$/, "")

const target = (namespace: string, id: string): Resource.Target => ({
  api: Resource.configMaps,
  namespace,
  name: nameOf(id)
})

const Data = Struct({
  data: Struct({
    "plan.json": Schema.fromJsonString(AnyPlan),
    "progress.json": Schema.fromJsonString(Progress),
    run: String
  })
})

const accept = (object: Resource.KubeObject): Effect.Effect<Entry, ClusterError> =>
  Schema.decodeUnknownEffect(Data)(object).pipe(
    Effect.map(({ data }) => ({
      plan: data["plan.json"],
      progress: data["progress.json"],
      run: data.run
    })),
    Effect.mapError(
      () =>
        new ClusterError({
          reason: { _tag: "Unreadable" },
          message: `configmap "${object.metadata.name}" is no journal that this version reads`,
          action: "use the version of kubectl-stateful that wrote it"
        })
    )
  )

/** What can be seen of it without reading its data. */
const seen = (entry: Entry) => ({
  [verbAnnotation]: entry.plan.verb,
  [phaseAnnotation]: entry.progress.phase,
  [holderAnnotation]: entry.progress.holder
})

const body = (entry: Entry) => ({
  metadata: {
    name: nameOf(entry.plan.id),
    labels: {
      ...managedBy,
      [operationLabel]: entry.plan.id,
      [appLabel]: labelOf(entry.plan.app.name)
    },
    annotations: seen(entry)
  },
  data: {
    "plan.json": JSON.stringify(entry.plan),
    "progress.json": JSON.stringify(entry.progress),
    run: entry.run
  }
})

/** One operation's journal; null: there is none. */
export const read = (namespace: string, id: string): Effect.Effect<Entry | null, ClusterError, Cluster> =>
  Resource.get(target(namespace, id)).pipe(
    Effect.flatMap(accept),
    Effect.catchIf(
      (error) => error.reason._tag === "NotFound",
      () => Effect.succeed(null)
    )
  )

/** Every journal of a namespace, or of one app in it, newest first; those that this version cannot read are left out. */
export const list = (
  namespace: string | undefined,
  app?: string
): Effect.Effect<ReadonlyArray<Entry>, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const { items } = yield* Resource.list(Resource.configMaps, {
      ...(namespace === undefined ? {} : { namespace }),
      labelSelector: [
        "app.kubernetes.io/managed-by=kubectl-stateful",
        operationLabel,
        ...(app === undefined ? [] : [`${appLabel}=${labelOf(app)}`])
      ].join(",")
    })
    const entries = yield* Effect.forEach(items, (item) => Effect.result(accept(item)))
    return entries
      .flatMap((entry) => (Result.isSuccess(entry) ? [entry.success] : []))
      .filter((entry) => app === undefined || entry.plan.app.name === app)
      .toSorted((left, right) => (left.progress.started < right.progress.started ? 1 : -1))
  })

/** How many journals of operations that are over are kept for each app. */
export const kept = 20

/** Deletes the oldest journals of operations that are over, beyond those that are kept. */
export const prune = (namespace: string, app: string): Effect.Effect<void, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const { items } = yield* Resource.list(Resource.configMaps, {
      namespace,
      labelSelector: `app.kubernetes.io/managed-by=kubectl-stateful,${operationLabel},${appLabel}=${labelOf(app)}`
    })
    const entries = yield* Effect.forEach(items, (item) =>
      Effect.map(Effect.result(accept(item)), (entry) => ({ item, entry }))
    )
    const over = entries
      .flatMap(({ item, entry }) =>
        Result.isSuccess(entry) && entry.success.plan.app.name === app && !isOpen(entry.success.progress)
          ? [{ item, started: entry.success.progress.started }]
          : []
      )
      .toSorted((left, right) => (left.started < right.started ? 1 : -1))
    yield* Effect.forEach(
      over.slice(kept),
      ({ item: { metadata } }) =>
        Resource.remove(
          { api: Resource.configMaps, namespace, name: metadata.name },
          {
            ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
            ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion })
          }
        ),
      { discard: true }
    )
  })

/** Whether nobody has ended it: it runs, or it waits to be taken up. */
export const isOpen = (progress: Progress): boolean =>
  progress.phase !== "Succeeded" && progress.phase !== "Aborted"

/** Too many steps for one journal; null: it fits. */
export const tooLarge = (plan: unknown): number | null => {
  const size = JSON.stringify(plan).length
  return size > largest ? size : null
}

/** Writes the journal of a new operation; the one there is, if this operation has one already. */
export const create = (
  entry: Entry,
  options: Resource.WriteOptions = {}
): Effect.Effect<Entry, ClusterError | OperationError, Cluster> =>
  Effect.gen(function* () {
    const { namespace } = entry.plan.app
    const made = yield* ensure<Entry | null>({
      look: read(namespace, entry.plan.id),
      done: (found) => found !== null,
      write: () =>
        Effect.flatMap(Resource.create({ api: Resource.configMaps, namespace }, body(entry), options), accept)
    })
    return made ?? entry
  })

const replacedBy = (id: string) =>
  because(
    "Fenced",
    `another caller has taken over operation ${id}`,
    "this caller changes nothing more; `kubectl stateful operations` shows what goes on"
  )

const gone = (id: string) =>
  because("NotFound", `the journal of operation ${id} is gone`, "look at the application, and start again")

/** Replaces what it says, as the run `from`; `entry.run` may be another: that is how a run takes over. */
export const write = (
  entry: Entry,
  from: string
): Effect.Effect<void, ClusterError | OperationError, Cluster> => {
  const { id, app } = entry.plan
  const progress = JSON.stringify(entry.progress)
  const wanted = digest(entry.progress)
  return Effect.asVoid(
    ensure<Entry | null>({
      look: read(app.namespace, id),
      done: (found) => found !== null && found.run === entry.run && digest(found.progress) === wanted,
      stop: (found) => {
        if (found === null) return gone(id)
        return found.run === from || found.run === entry.run ? null : replacedBy(id)
      },
      write: (found) =>
        Effect.flatMap(
          Resource.patch(target(app.namespace, id), {
            _tag: "Json",
            operations: [
              { op: "test", path: "/data/run", value: found?.run ?? from },
              { op: "replace", path: "/data/run", value: entry.run },
              { op: "replace", path: "/data/progress.json", value: progress },
              ...Object.entries(seen(entry)).map(([name, value]) => ({
                op: "replace" as const,
                path: annotationPath(name),
                value
              }))
            ]
          }),
          accept
        )
    })
  )
}

/** Why it is not this run's turn any more; null: it is. */
export const notMine = (
  namespace: string,
  id: string,
  run: string
): Effect.Effect<OperationError | null, ClusterError, Cluster> =>
  Effect.map(read(namespace, id), (found) =>
    found === null ? gone(id) : found.run === run ? null : replacedBy(id)
  )

/** One that must be there, waited for while the cluster does not answer. */
export const find = (
  namespace: string,
  id: string
): Effect.Effect<Entry, ClusterError | OperationError, Cluster> =>
  Effect.flatMap(read(namespace, id), (entry) =>
    entry === null
      ? Effect.fail(
          new OperationError({
            reason: { _tag: "NotFound" },
            message: `no operation ${id} in namespace ${namespace}`,
            action: "`kubectl stateful operations` lists them"
          })
        )
      : Effect.succeed(entry)
  )
