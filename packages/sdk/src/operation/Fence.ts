/**
 * The fence: a token on every object that an operation owns, which every write of the operation tests.
 *
 * A Lease shows who is active but stops no one: a process that was suspended beyond its lease resumes and
 * writes. A process that takes over an operation first writes its own token, and each write has a JSON patch
 * `test` on it, so that the API server itself refuses the previous process.
 *
 * An object that the operation creates has the token from the start.
 */
import * as Effect from "effect/Effect"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { Kind } from "../Kind.ts"
import { type Assumption, broken, testsOf } from "./Assumption.ts"
import { ensure } from "./Ensure.ts"
import { find, type Guarded, patch, patchAs, raisedBy, read, readAs, targetOf, titleOf } from "./Guarded.ts"
import { because, type OperationError } from "./OperationError.ts"
import { abortCommand, operationTitle, replacedWay, wayOn } from "./OperationId.ts"
import { type AnyPlan, type Guard, inKeyOrder } from "./Plan.ts"
import * as Resource from "../Resource.ts"
import { homeOf, isEndedBy, isMadeBy, markCounted, operationOf, planMark, tokenOf } from "./Token.ts"
import {
  operationAnnotation,
  annotationPath,
  endedAnnotation,
  madeByAnnotation,
  planAnnotation
} from "../Labels.ts"

/** An object that the operation owns, and as whom. */
export interface Fence extends Omit<Guard, "generation"> {
  readonly token: string
  /** The annotation of the plan that it is started with; absent if it was started before. */
  readonly plan?: string
}

type Changed<A> = Effect.Effect<A, ClusterError | OperationError, Cluster>

/** The fences of a plan, in the order in which they are acquired. */
export const fencesOf = (plan: AnyPlan, token: string, isNew = false): ReadonlyArray<Fence> =>
  inKeyOrder(plan.guards).map((guard) => ({ ...guard, token, ...(isNew ? { plan: planMark(plan) } : {}) }))

const replaced = (fence: Fence) =>
  because(
    "NotFound",
    `${titleOf(fence)} was deleted while the operation ran`,
    `${abortCommand({ id: operationOf(fence.token), home: homeOf(fence.token, fence.namespace) })} reverts what does not require the ${fence.kind}, and lists the rest`
  )

const fencedOff = (fence: Fence, token: string | null) => {
  const at = { id: operationOf(fence.token), home: homeOf(fence.token, fence.namespace) }
  const title = titleOf(fence)
  const why =
    token === null
      ? `${title} no longer has the annotation of ${operationTitle(at.id)}: it has finished in another process, or somebody has removed the annotation`
      : `another process has taken over ${title} (${operationTitle(operationOf(token))})`
  const way = token === null ? `; if it is unfinished, ${wayOn(at)}` : ""
  return because("Fenced", why, `${replacedWay(at.home)}${way}`)
}

const taken = (fence: Fence) =>
  because(
    "Changed",
    `${titleOf(fence)} already exists and does not belong to this operation`,
    "choose another name, or check it and remove it"
  )

/**
 * True if an object is the guarded one, and not another one of its name: by uid, or by the operation that
 * created it.
 */
const isGuarded = (fence: Fence, object: Guarded): boolean =>
  fence.uid === null ? isMadeBy(operationOf(fence.token), object) : object.metadata.uid === fence.uid

/** Not created yet, or deleted by the operation itself, as its plan says. */
const mayBeAbsent = ({ uid, goes }: Fence): boolean => uid === null || goes === true

/** Reason that this process must not write any more; `null` if it may. */
export const lostBecause = (fence: Fence, object: Guarded | null): OperationError | null => {
  if (object === null) return mayBeAbsent(fence) ? null : replaced(fence)
  if (!isGuarded(fence, object)) return fence.uid === null ? taken(fence) : replaced(fence)
  return tokenOf(object) === fence.token ? null : fencedOff(fence, tokenOf(object))
}

/**
 * Writes the token, over any previous one, for the process that owns the operation. `mine` returns the reason
 * if it does not; it is called after the object was read, so that a process that was suspended since then is
 * refused by the patch's test. `null` if the operation has yet to create the object, or has deleted it.
 */
export const acquire = <R>(
  fence: Fence,
  mine: (object: Guarded) => Effect.Effect<OperationError | null, ClusterError | OperationError, R>
): Effect.Effect<Guarded | null, ClusterError | OperationError, Cluster | R> =>
  Effect.map(
    ensure<{ readonly object: Guarded | null; readonly why: OperationError | null }, Cluster | R>({
      look: Effect.flatMap(mayBeAbsent(fence) ? find(fence) : read(fence), (object) =>
        Effect.map(object === null ? Effect.succeed(null) : mine(object), (why) => ({ object, why }))
      ),
      done: ({ object }) => object === null || (isGuarded(fence, object) && tokenOf(object) === fence.token),
      stop: ({ object, why }) =>
        object === null || isGuarded(fence, object) ? why : lostBecause(fence, object),
      write: ({ object }) => {
        const metadata = object?.metadata
        const token = object === null ? null : tokenOf(object)
        const mark =
          object !== null && raisedBy(fence) > 0
            ? markCounted(operationOf(fence.token), fence.plan ?? null, object)
            : (fence.plan ?? null)
        return Effect.map(
          patch(fence, [
            { op: "test", path: "/metadata/uid", value: metadata?.uid },
            // The absence of a key cannot be tested, so the version stands for it.
            token === null
              ? { op: "test", path: "/metadata/resourceVersion", value: metadata?.resourceVersion }
              : { op: "test", path: annotationPath(operationAnnotation), value: token },
            ...(metadata?.annotations == null
              ? [{ op: "add" as const, path: "/metadata/annotations", value: {} }]
              : []),
            { op: "add", path: annotationPath(operationAnnotation), value: fence.token },
            ...(mark === null
              ? []
              : [{ op: "add" as const, path: annotationPath(planAnnotation), value: mark }])
          ]),
          (changed) => ({ object: changed, why: null })
        )
      }
    }),
    ({ object }) => object
  )

/** A change of a guarded object. */
export interface Change<A> {
  readonly done: (object: A) => boolean
  readonly operations: (object: A) => ReadonlyArray<Resource.JsonPatchOperation>
  /** Reason that it is not created; `null` if it may be. */
  readonly stop?: (object: A) => OperationError | null
  /** The fields that it relies on: checked before, and tested by the write itself. */
  readonly assumes?: ReadonlyArray<Assumption>
  /** The object as it was a moment ago. */
  readonly known?: A
}

/** As it is now. Deleted, it was deleted while the operation ran, whether or not another has its name yet. */
const readHeld = <A extends Guarded>(kind: Kind<A>, fence: Fence): Changed<A> =>
  Effect.catchIf(
    readAs(kind, fence),
    ({ reason }) => reason._tag === "NotFound" && fence.uid !== null,
    () => Effect.fail(replaced(fence))
  )

/** Changes the object until `done`, as long as the token is there. */
export const change = <A extends Guarded>(fence: Fence, kind: Kind<A>, spec: Change<A>): Changed<A> => {
  const assumes = spec.assumes ?? []
  return ensure({
    look: readHeld(kind, fence),
    ...(spec.known === undefined ? {} : { known: spec.known }),
    done: spec.done,
    stop: (object) =>
      lostBecause(fence, object) ?? broken(assumes, fence, object) ?? spec.stop?.(object) ?? null,
    write: (object) =>
      patchAs(kind, fence, [
        { op: "test", path: "/metadata/uid", value: object.metadata.uid },
        { op: "test", path: annotationPath(operationAnnotation), value: fence.token },
        ...testsOf(assumes, object),
        ...spec.operations(object)
      ])
  })
}

/** An object to create; its name, its token and its creator are added. */
export interface Manifest {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> }
  readonly [field: string]: unknown
}

const born = (fence: Fence, value: Manifest): Effect.Effect<Guarded, ClusterError, Cluster> =>
  Resource.create(
    { api: targetOf(fence).api, namespace: fence.namespace },
    {
      ...value,
      metadata: {
        ...value.metadata,
        name: fence.name,
        annotations: {
          ...value.metadata?.annotations,
          [operationAnnotation]: fence.token,
          [madeByAnnotation]: operationOf(fence.token)
        }
      }
    }
  )

/** Deletes exactly this object, in the version that was read. */
const removeSeen = (fence: Fence, object: Guarded | null) =>
  Resource.remove(targetOf(fence), Resource.asRead(object?.metadata))

/** Deletes an object that this process created after another one took over, which has not seen it. */
const takeBackMade = (fence: Fence): Changed<void> =>
  Effect.asVoid(
    ensure<Guarded | null>({
      look: find(fence),
      done: (object) => object === null || tokenOf(object) !== fence.token,
      write: (object) => Effect.as(removeSeen(fence, object), null)
    })
  )

/**
 * Creates an object that the operation owns, with the token from the start. Its creator stays on it for good:
 * a process that crashes while the tokens are removed could not recognize it otherwise.
 *
 * A creation has no token to test: `standing`, which reads the journal as long as there is no object, is
 * called again afterwards, and an object that a replaced process has created is deleted again.
 */
export const create = (
  fence: Fence,
  standing: Effect.Effect<Pick<Standing, "why">, ClusterError, Cluster>,
  value: Manifest
): Changed<Guarded> =>
  beside<Guarded | null>(standing, {
    look: find(fence),
    done: (object) => object !== null,
    stop: (object) => lostBecause(fence, object),
    write: () =>
      Effect.flatMap(born(fence, value), (made) =>
        lostBecause(fence, made) === null
          ? Effect.succeed(made)
          : // A webhook took the token away: nobody would know it again.
            Effect.as(
              Resource.remove(targetOf(fence), made.metadata.uid == null ? {} : { uid: made.metadata.uid }),
              null
            )
      )
  }).pipe(
    Effect.tapError((error) =>
      error.reason._tag === "Fenced" ? Effect.ignore(takeBackMade(fence)) : Effect.void
    ),
    Effect.flatMap((object) => (object === null ? Effect.fail(replaced(fence)) : Effect.succeed(object)))
  )

/** Deletes the guarded object, while this process owns it; succeeds if it is already deleted. */
export const remove = (fence: Fence): Changed<void> =>
  Effect.asVoid(
    ensure<Guarded | null>({
      look: find(fence),
      done: (object) =>
        object === null || !isGuarded(fence, object) || Boolean(object.metadata.deletionTimestamp),
      // A namesake of somebody else is left: it holds up no abort.
      stop: (object) => (object !== null && isGuarded(fence, object) ? lostBecause(fence, object) : null),
      write: (object) => Effect.as(removeSeen(fence, object), null)
    })
  )

/** A change that the server only tries: with the token that each of them carries. */
export const tryOut = (
  fence: Fence,
  object: Guarded,
  operations: ReadonlyArray<Resource.JsonPatchOperation>
): Effect.Effect<void, ClusterError, Cluster> =>
  Effect.asVoid(
    patch(
      fence,
      [
        { op: "test", path: "/metadata/uid", value: object.metadata.uid },
        ...(object.metadata.annotations == null
          ? [{ op: "add" as const, path: "/metadata/annotations", value: {} }]
          : []),
        { op: "add", path: annotationPath(operationAnnotation), value: fence.token },
        ...operations
      ],
      { dryRun: true }
    )
  )

/** Removes the token; succeeds if there is none. */
export const release = (fence: Fence): Changed<void> =>
  Effect.asVoid(
    ensure<Guarded | null>({
      look: find(fence),
      done: (object) => object === null || !isGuarded(fence, object) || tokenOf(object) !== fence.token,
      write: (object) =>
        patch(fence, [
          { op: "test", path: "/metadata/uid", value: object?.metadata.uid },
          { op: "test", path: annotationPath(operationAnnotation), value: fence.token },
          { op: "remove", path: annotationPath(operationAnnotation) },
          ...(object?.metadata.annotations?.[planAnnotation] === undefined
            ? []
            : [{ op: "remove" as const, path: annotationPath(planAnnotation) }])
        ])
    })
  )

/** Takes every token away, the last acquired first. */
export const releaseAll = (fences: ReadonlyArray<Fence>): Changed<void> =>
  Effect.forEach(fences.toReversed(), release, { discard: true })

/**
 * Annotates each object that the operation created as finished, once its journal says so: anyone who can
 * write ConfigMaps could reopen the journal, and have it undone.
 */
export const sealAll = (fences: ReadonlyArray<Fence>): Changed<void> =>
  Effect.forEach(
    fences.filter(({ uid }) => uid === null),
    (fence) => {
      const operation = operationOf(fence.token)
      return ensure<Guarded | null>({
        look: find(fence),
        done: (object) => object === null || !isGuarded(fence, object) || isEndedBy(operation, object),
        write: (object) =>
          patch(fence, [
            { op: "test", path: "/metadata/uid", value: object?.metadata.uid },
            { op: "test", path: "/metadata/resourceVersion", value: object?.metadata.resourceVersion },
            ...(object?.metadata.annotations == null
              ? [{ op: "add" as const, path: "/metadata/annotations", value: {} }]
              : []),
            { op: "add", path: annotationPath(endedAnnotation), value: operation }
          ])
      })
    },
    { discard: true }
  )

/** The ownership of this process at this moment. */
export interface Standing {
  /** Reason that it must not write any more; `null` if it may. */
  readonly why: OperationError | null
  /** The object; `null` if it was deleted or replaced. */
  readonly object: Guarded | null
}

export const standing = (fence: Fence): Effect.Effect<Standing, ClusterError, Cluster> =>
  Effect.map(find(fence), (object) => ({
    why: lostBecause(fence, object),
    object: object !== null && isGuarded(fence, object) ? object : null
  }))

/** Fails unless this process may still write: called before a write that cannot carry the token. */
export const assertHeld = <A extends Guarded>(fence: Fence, kind: Kind<A>): Changed<A> =>
  Effect.gen(function* () {
    const object = yield* readHeld(kind, fence)
    const why = lostBecause(fence, object)
    return why === null ? object : yield* why
  })

/** An object that cannot carry the token, with the ownership after it was read. */
interface Beside<A> {
  readonly seen: A
  readonly why: OperationError | null
}

export interface BesideWrite<A> {
  /** The current state. Everything the write relies on is read here, or tested by the write itself. */
  readonly look: Effect.Effect<A, ClusterError, Cluster>
  /** The recent state, if ownership was checked after that was read. */
  readonly known?: A
  readonly done: (seen: A) => boolean
  /** Reason that it must not be done; `null` if it may be. */
  readonly stop?: (seen: A) => OperationError | null
  /** Tests the version that was read, if there is one; returns the result of the write. */
  readonly write: (seen: A) => Effect.Effect<A, ClusterError, Cluster>
  /** A check after the write, together with the ownership check. */
  readonly behind?: (written: A) => Effect.Effect<A, ClusterError, Cluster>
  /**
   * Reverts a write of a process that was replaced in the meantime, or a write that turned out to be wrong.
   */
  readonly takeBack?: (
    written: A,
    why: OperationError | null
  ) => Effect.Effect<A | null, ClusterError, Cluster>
}

/**
 * Writes to an object that cannot carry the token: claims, volumes, pods, snapshots.
 *
 * Ownership is checked after the object was read and before it is written: a process that was replaced since
 * then was suspended, and the version that its write tests is old, unless the object has not been changed. So
 * ownership is checked again after the write, and a write of a replaced process is reverted. A creation has
 * no version to test: there only the second check applies.
 *
 * **Errors**: `Fenced` if another process has taken over, with nothing of ours left.
 */
export const beside = <A>(
  standing: Effect.Effect<Pick<Standing, "why">, ClusterError, Cluster>,
  spec: BesideWrite<A>
): Changed<A> =>
  Effect.flatMap(
    ensure<Beside<A>>({
      look: Effect.flatMap(spec.look, (seen) => Effect.map(standing, ({ why }) => ({ seen, why }))),
      ...(spec.known === undefined ? {} : { known: { seen: spec.known, why: null } }),
      done: ({ seen }) => spec.done(seen),
      stop: ({ seen, why }) => why ?? spec.stop?.(seen) ?? null,
      write: ({ seen }) =>
        Effect.gen(function* () {
          const made = yield* spec.write(seen)
          const [written, { why }] = yield* Effect.all(
            [spec.behind?.(made) ?? Effect.succeed(made), standing],
            { concurrency: 2 }
          )
          const undone = (yield* spec.takeBack?.(written, why) ?? Effect.succeed(null)) ?? written
          return { seen: undone, why }
        })
    }),
    ({ seen, why }) => (why === null ? Effect.succeed(seen) : Effect.fail(why))
  )
