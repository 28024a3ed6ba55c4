/**
 * Checks a plan's guarded objects before anything is changed: whether they exist, whether another operation
 * has to be finished first, and which of them are missing for an abort.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import { find, type Guarded, type Place, titleOf } from "./Guarded.ts"
import * as Journal from "./Journal.ts"
import { because, type OperationError } from "./OperationError.ts"
import { type AnyPlan, type Guard, inKeyOrder, keyOf } from "./Plan.ts"
import type { Failure } from "./StepContext.ts"
import { homeOf, isEndedBy, isMadeBy, isTokenOf, operationOf, tokenOf } from "./Token.ts"
import * as Run from "./Run.ts"
import type { Objects } from "./Verb.ts"
import { recordedSet } from "../RecordName.ts"
import { shellWord } from "../ShellWord.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** The guards as they are now; one of another uid than the planned one is not there. */
const readGuards = ({ guards }: AnyPlan): Effect.Effect<Objects, ClusterError, Cluster> =>
  Effect.map(
    Effect.forEach(guards, (guard) => Effect.map(find(guard), (object) => ({ guard, object })), {
      concurrency: 8
    }),
    (found) =>
      new Map(
        found.flatMap(({ guard, object }) =>
          object !== null && (guard.uid === null || object.metadata.uid === guard.uid)
            ? [[keyOf(guard), object] as const]
            : []
        )
      )
  )

/**
 * True if nothing of an operation that was begun is left here: neither its journal nor an object that it owned.
 * Another of the same name may be there, as after a namespace was deleted and recreated.
 */
export const isSwept = (plan: AnyPlan): Effect.Effect<boolean, ClusterError, Cluster> =>
  Effect.gen(function* () {
    if ((yield* Journal.read(plan.home, plan.id)) !== null) return false
    const objects = yield* readGuards(plan)
    return plan.guards.every((guard) => guard.uid === null || !objects.has(keyOf(guard)))
  })

/** A record is the only copy of a snapshot's configuration: no message advises to remove it. */
const alreadyExists = (guard: Guard, home: string): OperationError => {
  const set = guard.kind === "Secret" ? recordedSet(guard.name) : null
  return set === null
    ? because("Changed", `${titleOf(guard, home)} already exists`, "choose another name, or remove it")
    : because("Changed", `snapshot ${set} already exists`, "choose another name, or prune it first")
}

/** The guarded objects of a plan that is about to start: all that it does not create itself must exist. */
export const readPlanned = (plan: AnyPlan): Work<Objects> =>
  Effect.flatMap(readGuards(plan), (objects) => {
    const missing = plan.guards.find((guard) => guard.uid !== null && !objects.has(keyOf(guard)))
    if (missing !== undefined) {
      return Effect.fail(
        because("Changed", `${titleOf(missing, plan.home)} was deleted, or deleted and recreated, since`)
      )
    }
    const taken = plan.guards.find((guard) => {
      const object = objects.get(keyOf(guard))
      // What carries another operation's mark is refused with that operation's name, where it is looked for.
      return (
        guard.uid === null && object !== undefined && tokenOf(object) === null && !isMadeBy(plan.id, object)
      )
    })
    return taken === undefined ? Effect.succeed(objects) : Effect.fail(alreadyExists(taken, plan.home))
  })

/** True if two operations would own the same object: by uid, or by name if one has yet to create it. */
const intersects = (left: AnyPlan, right: AnyPlan): boolean =>
  left.guards.some((one) =>
    right.guards.some(
      (other) =>
        keyOf(one) === keyOf(other) && (one.uid === null || other.uid === null || one.uid === other.uid)
    )
  )

/** The journal of the operation of a token; `null` if there is none that includes this guard. */
export const journalBehind = (
  token: string,
  guard: Place
): Effect.Effect<{ readonly entry: Journal.Entry; readonly own: Guard } | null, Failure, Cluster> =>
  // It may lie in another namespace, or have lost its labels: it is found by its name. Where it may not
  // be read, or the server does not answer, nobody knows that it is lost.
  Journal.read(homeOf(token, guard.namespace), operationOf(token)).pipe(
    Effect.map((entry) => {
      const own = entry?.plan.guards.find((one) => keyOf(one) === keyOf(guard))
      return entry === null || own === undefined ? null : { entry, own }
    }),
    Effect.catchReason("ClusterError", "Unreadable", () => Effect.succeed(null))
  )

/** The operation whose mark a guard carries, if that has to be ended before this plan may begin. */
const markedBy = (plan: AnyPlan, guard: Guard, object: Guarded): Work<OperationError | null> =>
  Effect.gen(function* () {
    const token = tokenOf(object)
    if (token === null || isTokenOf(plan, token, guard.namespace)) return null
    const found = yield* journalBehind(token, guard)
    if (found === null) return Run.journalLost(guard)
    const { entry, own } = found
    // A mark that came with a manifest, on another object of the name, says nothing of this one.
    const isAnother = own.uid !== null && own.uid !== object.metadata.uid
    return isAnother && !Journal.isOpen(entry.status) ? null : Run.unfinished(entry)
  })

/**
 * The other operation that owns a guard now, and that this one must not take it from. A token without a
 * journal does not stop an operation that has one: otherwise neither could be finished.
 */
export const ownedBy = (plan: AnyPlan, guard: Guard, object: Guarded): Work<OperationError | null> =>
  Effect.gen(function* () {
    const token = tokenOf(object)
    if (token === null || isTokenOf(plan, token, guard.namespace)) return null
    const found = yield* journalBehind(token, guard)
    if (found === null || !Journal.isOpen(found.entry.status)) return null
    const { entry, own } = found
    return own.uid !== null && own.uid !== object.metadata.uid ? null : Run.unfinished(entry)
  })

/** The operation that has to be finished before this plan can start; `null` if there is none. */
export const inTheWay = (plan: AnyPlan): Work<OperationError | null> =>
  Effect.gen(function* () {
    const namespaces = [...new Set([plan.home, ...plan.guards.map(({ namespace }) => namespace)])]
    const [surveys, objects] = yield* Effect.all(
      [
        Effect.forEach(namespaces, (namespace) => Journal.survey(namespace, plan.guards), { concurrency: 4 }),
        readPlanned(plan)
      ],
      { concurrency: 2 }
    )
    const open = surveys
      .flatMap(({ entries }) => entries)
      .find((entry) => intersects(entry.plan, plan) && Journal.isOpen(entry.status))
    if (open !== undefined) return Run.unfinished(open)
    const [damaged] = surveys.flatMap(({ unreadable }) => unreadable)
    if (damaged !== undefined) return Run.unreadable(damaged, plan.app)
    for (const guard of inKeyOrder(plan.guards)) {
      const object = objects.get(keyOf(guard))
      const other = object === undefined ? null : yield* markedBy(plan, guard, object)
      if (other !== null) return other
    }
    return null
  })

/** The guarded objects that a resumed operation does not reach. */
export interface Reach {
  /** Keys of objects that are not its own: deleted, never created, or beyond its reach. */
  readonly absent: ReadonlySet<string>
  /**
   * Keys of objects in other namespaces without its token, so that only its journal says they are its own.
   * The user may name their namespaces; otherwise they are not changed.
   */
  readonly beyond: ReadonlySet<string>
  /** In words, those that exist and are not changed. */
  readonly left: ReadonlyArray<string>
}

export const reachOf = (
  plan: AnyPlan,
  named: ReadonlyArray<string>
): Effect.Effect<Reach, ClusterError, Cluster> =>
  Effect.map(readGuards(plan), (objects) => {
    const isBeyond = (guard: Guard): boolean => {
      const object = objects.get(keyOf(guard))
      if (guard.namespace === plan.home || named.includes(guard.namespace)) return false
      return object === undefined || !isTokenOf(plan, tokenOf(object), guard.namespace)
    }
    const isAbsent = (guard: Guard): boolean => {
      const object = objects.get(keyOf(guard))
      // One that was not made yet may still be: by a request that was on its way when its caller died.
      if (object === undefined) return guard.uid !== null && guard.goes !== true
      return guard.uid === null && !isMadeBy(plan.id, object)
    }
    const beyond = plan.guards.filter(isBeyond)
    return {
      absent: new Set([...plan.guards.filter(isAbsent), ...beyond].map(keyOf)),
      beyond: new Set(beyond.map(keyOf)),
      left: beyond.flatMap((guard) =>
        guard.uid === null && isAbsent(guard) ? [] : [titleOf(guard, plan.home)]
      )
    }
  })

/** The traces of an operation on its guarded objects. */
export interface Traces {
  /** True if any of them still has its token: then it is not finished, whatever its journal says. */
  readonly marked: boolean
  /** True if none of the objects is there that it would have left in place. */
  readonly gone: boolean
}

export const tracesOf = (plan: AnyPlan): Effect.Effect<Traces, ClusterError, Cluster> =>
  Effect.map(readGuards(plan), (objects) => {
    const lasting = plan.guards.filter(({ uid, goes }) => uid !== null && goes !== true)
    return {
      marked: plan.guards.some((guard) => {
        const object = objects.get(keyOf(guard))
        return object !== undefined && isTokenOf(plan, tokenOf(object), guard.namespace)
      }),
      gone: lasting.length > 0 && !lasting.some((guard) => objects.has(keyOf(guard)))
    }
  })

/** The error for a journal that was reopened after its operation had finished. */
export const isOverAlready = ({ id, home }: Pick<AnyPlan, "id" | "home">, title: string): OperationError =>
  because(
    "Mismatch",
    `operation ${id} has finished, according to ${title}: its journal was changed since`,
    `find out who did; then \`kubectl delete configmap ${Journal.nameOf(id)} -n ${shellWord(home)}\``
  )

/**
 * Reason that an open journal must not be resumed: the objects that it created say that it has finished.
 * `null` if none does.
 */
export const reopened = (plan: AnyPlan): Effect.Effect<OperationError | null, ClusterError, Cluster> =>
  Effect.map(readGuards(plan), (objects) => {
    const guard = plan.guards.find((one) => {
      const object = objects.get(keyOf(one))
      return object !== undefined && isEndedBy(plan.id, object)
    })
    return guard === undefined ? null : isOverAlready(plan, titleOf(guard, plan.home))
  })
