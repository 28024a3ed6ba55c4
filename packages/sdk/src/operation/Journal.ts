/**
 * The journal of an operation: a ConfigMap in its home namespace with the plan and what was begun.
 *
 * Intents are written before effects. It contains no Secret's value and no command: hooks are in it by name
 * and digest, so that permission to edit ConfigMaps does not grant exec. Each write tests the owner (`run`),
 * so a process that was replaced cannot write to it any more.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { nameOf as appName } from "../App.ts"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { digest } from "../Digest.ts"
import { ensure } from "./Ensure.ts"
import { because, OperationError } from "./OperationError.ts"
import { lastWay, operationsCommand, replacedWay } from "./OperationId.ts"
import {
  annotationPath,
  appLabel,
  guardsOf,
  operationLabel,
  phaseAnnotation,
  managedWith
} from "../Labels.ts"
import { type AnyPlan, type Guard, keyOf } from "./Plan.ts"
import { kinds } from "../Kind.ts"
import * as Resource from "../Resource.ts"
import { accept, body, type Entry, isOpen, nameOf, type Phase, seen, target } from "./journalForm.ts"
import { labelValue } from "../ObjectName.ts"

export {
  type Entry,
  isOpen,
  isTooLarge,
  Mark,
  markOf,
  MarkState,
  MarkSubject,
  nameOf,
  Phase,
  Status,
  StepTime
} from "./journalForm.ts"

const { Record, String, Struct } = Schema

/** One operation's journal; `null` if there is none. */
export const read = (home: string, id: string): Effect.Effect<Entry | null, ClusterError, Cluster> =>
  Effect.flatMap(Resource.findObject(target(home, nameOf(id))), (object) =>
    object === null ? Effect.succeed(null) : accept(object)
  )

const journals = (namespace: string | undefined, metadataOnly: boolean) =>
  Resource.listObjects(kinds.configmaps, {
    ...(namespace === undefined ? {} : { namespace }),
    ...(metadataOnly ? { metadataOnly } : {}),
    labelSelector: managedWith(operationLabel)
  })

/** A journal that this version cannot parse: the progress of its operation is unknown. */
export interface Unreadable {
  readonly name: string
  readonly namespace: string | null
  /** The operation's id, as its label says. */
  readonly id: string | null
  readonly resourceVersion: string | null
  /** True if it is finished, as its annotation says. */
  readonly isOver: boolean
  /** The error, and what to do. */
  readonly error: ClusterError
  /** As it came. */
  readonly object: Resource.KubeObject
}

/** Journals, and those that this version cannot read. */
export interface Journals {
  readonly entries: ReadonlyArray<Entry>
  readonly unreadable: ReadonlyArray<Unreadable>
}

const Marks = Struct({
  metadata: Struct({
    labels: Schema.optional(Record(String, String)),
    annotations: Schema.optional(Record(String, String))
  })
})

/** The facts in its labels and annotations, without its data. */
const marksOf = (item: Resource.KubeObject) => {
  const decoded = Schema.decodeUnknownResult(Marks)(item)
  const { labels = {}, annotations = {} } = Result.isSuccess(decoded) ? decoded.success.metadata : {}
  return { labels, annotations }
}

const phaseOf = (item: Resource.KubeObject): string => marksOf(item).annotations[phaseAnnotation] ?? "unknown"

const unreadableOf = (item: Resource.KubeObject, error: ClusterError): Unreadable => ({
  name: item.metadata.name,
  namespace: item.metadata.namespace ?? null,
  id: marksOf(item).labels[operationLabel] ?? null,
  resourceVersion: item.metadata.resourceVersion ?? null,
  isOver: !isOpen({ phase: phaseOf(item) }),
  error,
  object: item
})

/** Those that can be read, and the others. */
const sorted = (items: ReadonlyArray<Resource.KubeObject>): Effect.Effect<Journals> =>
  Effect.map(
    Effect.forEach(items, (item) => Effect.map(Effect.result(accept(item)), (entry) => ({ item, entry }))),
    (all) => ({
      entries: all.flatMap(({ entry }) => (Result.isSuccess(entry) ? [entry.success] : [])),
      unreadable: all.flatMap(({ item, entry }) =>
        Result.isFailure(entry) ? [unreadableOf(item, entry.failure)] : []
      )
    })
  )

/** True if it may be about this app: a journal without this label is. */
const mayBeOf = (app: string, { object }: Unreadable): boolean => {
  const { labels, annotations } = marksOf(object)
  const guards = guardsOf(annotations)
  return (
    guards === null || labels[appLabel] === labelValue(app) || guards.some((key) => key.endsWith(`/${app}`))
  )
}

/**
 * The journals of a namespace that this version can read, or those of one app in it, newest first; and the
 * others, which may be about whatever they do not say.
 */
export const listReadable = (
  namespace: string | undefined,
  app?: string
): Effect.Effect<Journals, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const { items } = yield* journals(namespace, false)
    const { entries, unreadable } = yield* sorted(items)
    return {
      entries: entries
        .filter(
          ({ plan }) =>
            app === undefined || appName(plan.app) === app || plan.guards.some(({ name }) => name === app)
        )
        .toSorted((left, right) => (left.status.started < right.status.started ? 1 : -1)),
      unreadable: unreadable.filter((one) => app === undefined || mayBeOf(app, one))
    }
  })

/**
 * Every journal of a namespace, or of one app in it, newest first.
 *
 * **Errors**: those of the server, and `Unreadable` with the name of a journal that this version cannot
 * parse.
 */
export const list = (
  namespace: string | undefined,
  app?: string
): Effect.Effect<ReadonlyArray<Entry>, ClusterError, Cluster> =>
  Effect.flatMap(listReadable(namespace, app), ({ entries, unreadable: [first] }) =>
    first === undefined ? Effect.succeed(entries) : Effect.fail(first.error)
  )

/** True if it may be about one of these guards: a journal without this label is read. */
const isAbout = (guards: ReadonlyArray<Pick<Guard, "kind" | "namespace" | "name">>) => {
  const keys = new Set(guards.map(keyOf))
  return (item: Resource.KubeObject): boolean => {
    const said = guardsOf(marksOf(item).annotations)
    return said === null || said.some((key) => keys.has(key))
  }
}

/** The journals of a namespace whose operations guard one of these objects and are not over. */
export const survey = (
  namespace: string,
  guards: ReadonlyArray<Pick<Guard, "kind" | "namespace" | "name">>
): Effect.Effect<Journals, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const keys = new Set(guards.map(keyOf))
    const { items } = yield* journals(namespace, true)
    const open = items.filter((item) => isOpen({ phase: phaseOf(item) })).filter(isAbout(guards))
    const found = yield* Effect.forEach(
      open,
      ({ metadata: { name } }) => Resource.findObject(target(namespace, name)),
      { concurrency: 8 }
    )
    const { entries, unreadable } = yield* sorted(found.flatMap((object) => object ?? []))
    return {
      entries: entries.filter(({ plan }) => plan.guards.some((guard) => keys.has(keyOf(guard)))),
      unreadable
    }
  })

/** Marks a journal that cannot be read as over. Its data stays, to be looked at. */
export const closeUnreadable = (
  namespace: string,
  journal: Unreadable
): Effect.Effect<void, ClusterError | OperationError, Cluster> => {
  const at = target(namespace, journal.name)
  const annotations = { [phaseAnnotation]: "Aborted" satisfies Phase }
  return Effect.asVoid(
    ensure<Resource.KubeObject>({
      look: Resource.getObject(at),
      done: (found) => phaseOf(found) === annotations[phaseAnnotation],
      write: () => Resource.patch(at, { _tag: "Merge", value: { metadata: { annotations } } })
    })
  )
}

/** The number of journals of finished operations that are kept for each app. */
export const kept = 20

/** Deletes the oldest journals of operations that are over, beyond those that are kept. */
export const prune = (
  namespace: string,
  guard: Pick<Guard, "kind" | "namespace" | "name">
): Effect.Effect<void, ClusterError, Cluster> =>
  Effect.gen(function* () {
    const { items } = yield* journals(namespace, true)
    const over = items
      .filter((item) => !isOpen({ phase: phaseOf(item) }))
      .filter((item) => guardsOf(marksOf(item).annotations)?.includes(keyOf(guard)) === true)
      .toSorted((left, right) => (startOf(left) < startOf(right) ? 1 : -1))
    yield* Effect.forEach(
      over.slice(kept),
      ({ metadata: { name } }) =>
        Effect.gen(function* () {
          const object = yield* Resource.findObject(target(namespace, name))
          if (object === null) return
          // By its data, since an edited annotation ends no operation.
          const entry = yield* Effect.result(accept(object))
          if (Result.isFailure(entry) || isOpen(entry.success.status)) return
          yield* Resource.remove(target(namespace, name), Resource.asRead(object.metadata))
        }),
      { discard: true }
    )
  })

const startOf = ({ metadata }: Resource.KubeObject): string => {
  const created = metadata["creationTimestamp"]
  return typeof created === "string" ? created : ""
}

/** Writes the journal of a new operation; the one there is, if this operation has one already. */
export const create = (
  entry: Entry,
  options: Resource.WriteOptions = {}
): Effect.Effect<Entry, ClusterError | OperationError, Cluster> =>
  Effect.gen(function* () {
    const namespace = entry.plan.home
    const made = yield* ensure<Entry | null>({
      look: read(namespace, entry.plan.id),
      done: (found) => found !== null,
      write: () =>
        Effect.flatMap(Resource.create({ api: kinds.configmaps, namespace }, body(entry), options), accept)
    })
    return made ?? entry
  })

const replacedBy = ({ id, home }: AnyPlan) =>
  because("Fenced", `another process has taken over operation ${id}`, replacedWay(home))

const gone = (plan: AnyPlan) => {
  const last = lastWay(plan)
  return because(
    "NotFound",
    `the journal of operation ${plan.id} is gone`,
    `it cannot be resumed${last === null ? "" : `; ${last} reverts what it has set`}`
  )
}

interface Found {
  readonly entry: Entry
  /** Somebody has taken all its annotations off. */
  readonly isBare: boolean
}

const foundIn = (object: Resource.KubeObject): Effect.Effect<Found, ClusterError> =>
  Effect.map(accept(object), (entry) => ({ entry, isBare: object.metadata["annotations"] == null }))

/** Replaces its content, as the run `from`; `entry.run` may be another one: this is how a run takes over. */
export const write = (
  entry: Entry,
  from: string
): Effect.Effect<void, ClusterError | OperationError, Cluster> => {
  const { id, home } = entry.plan
  const status = JSON.stringify(entry.status)
  const wanted = digest(entry.status)
  return Effect.asVoid(
    ensure<Found | null>({
      look: Effect.flatMap(Resource.findObject(target(home, nameOf(id))), (object) =>
        object === null ? Effect.succeed(null) : foundIn(object)
      ),
      done: (found) =>
        found !== null && found.entry.run === entry.run && digest(found.entry.status) === wanted,
      stop: (found) => {
        if (found === null) return gone(entry.plan)
        return found.entry.run === from || found.entry.run === entry.run ? null : replacedBy(entry.plan)
      },
      write: (found) =>
        Effect.flatMap(
          Resource.patch(target(home, nameOf(id)), {
            _tag: "Json",
            operations: [
              { op: "test", path: "/data/run", value: found?.entry.run ?? from },
              { op: "replace", path: "/data/run", value: entry.run },
              { op: "replace", path: "/data/status.json", value: status },
              ...(found?.isBare === true
                ? [{ op: "add" as const, path: "/metadata/annotations", value: {} }]
                : []),
              ...Object.entries(seen(entry)).map(([name, value]) => ({
                op: "add" as const,
                path: annotationPath(name),
                value
              }))
            ]
          }),
          foundIn
        )
    })
  )
}

/** Reason that this run no longer owns the operation; `null` if it does. */
export const notMine = (
  plan: AnyPlan,
  run: string
): Effect.Effect<OperationError | null, ClusterError, Cluster> =>
  Effect.map(read(plan.home, plan.id), (found) =>
    found === null ? gone(plan) : found.run === run ? null : replacedBy(plan)
  )

/** One that must be there, waited for while the cluster does not answer. */
export const find = (
  home: string,
  id: string
): Effect.Effect<Entry, ClusterError | OperationError, Cluster> =>
  Effect.flatMap(read(home, id), (entry) =>
    entry === null
      ? Effect.fail(
          new OperationError({
            reason: { _tag: "NotFound" },
            message: `no operation ${id} in namespace ${home}`,
            action: `${operationsCommand(home)} lists them`
          })
        )
      : Effect.succeed(entry)
  )
