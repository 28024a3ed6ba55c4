/** Objects that match their kind: an invalid one is reported with its error. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { ClusterError } from "../Cluster.ts"
import type { Kind } from "../Kind.ts"
import { type ObjectMeta, PartialObjectMetadata } from "../kind/Meta.ts"

/** An object of any kind: only its name is checked here. */
interface Named {
  readonly metadata: { readonly name: string }
}

/** An accepted object of any kind. */
export interface Typed {
  readonly metadata: ObjectMeta
}

/** Selects the required objects by their metadata: the others need not be valid. Default: all. */
export type Which = (metadata: ObjectMeta) => boolean

/** As many faults of one object as a message of one line carries. */
const mostFaults = 3

/** The valid objects, and the error of each of the others. */
export interface Accepted<A> {
  readonly items: ReadonlyArray<A>
  readonly unreadable: ReadonlyArray<Unreadable>
}

/** An object that could not be read. */
export interface Unreadable {
  readonly name: string
  /** One line, with its kind and name: `pod "db-0": spec.containers: expected array`. */
  readonly message: string
}

const faultOf = ({ kind }: Kind<unknown>, object: Named, faults: ReadonlyArray<string>): string =>
  `${kind.toLowerCase()} "${object.metadata.name}": ${faults.slice(0, mostFaults).join("; ")}`

const refused = (message: string): ClusterError =>
  new ClusterError({
    reason: { _tag: "Unreadable" },
    message,
    action: "correct that field, or use a version of kubectl-stateful that knows it"
  })

/**
 * A received object, parsed by its kind: the response to a write, or a source to copy.
 *
 * **Errors**: `Unreadable`, with the object's name and the path of each field.
 */
export const accept = <A>(kind: Kind<A>, object: Named): Effect.Effect<A, ClusterError> => {
  const accepted = kind.accept(object)
  return Result.isSuccess(accepted)
    ? Effect.succeed(accepted.success)
    : Effect.fail(refused(faultOf(kind, object, accepted.failure)))
}

const metadataOf = Schema.decodeUnknownResult(PartialObjectMetadata)

/** One whose metadata cannot be read either may be one of them. */
const mayBe = (object: Named, which: Which): boolean => {
  const found = metadataOf(object)
  return Result.isFailure(found) || which(found.success.metadata)
}

/** Received objects: the valid ones, and the errors of the others. */
export const readable = <A extends Typed>(
  kind: Kind<A>,
  objects: Iterable<Named>,
  which: Which = () => true
): Accepted<A> => {
  const items: Array<A> = []
  const unreadable: Array<Unreadable> = []
  // What is known of one already costs nothing.
  for (const object of objects) {
    const accepted = kind.accept(object)
    if (Result.isFailure(accepted)) {
      if (!mayBe(object, which)) continue
      unreadable.push({ name: object.metadata.name, message: faultOf(kind, object, accepted.failure) })
    } else if (which(accepted.success.metadata)) items.push(accepted.success)
  }
  return { items, unreadable }
}

/**
 * Objects that came, as their kind has them, each of those that are asked for.
 *
 * **Errors**: `Unreadable` if one cannot be parsed, with its name: nothing is concluded from the others.
 */
export const acceptAll = <A extends Typed>(
  kind: Kind<A>,
  objects: Iterable<Named>,
  which?: Which
): Effect.Effect<ReadonlyArray<A>, ClusterError> => {
  const { items, unreadable } = readable(kind, objects, which)
  const [first, ...more] = unreadable
  if (first === undefined) return Effect.succeed(items)
  const others = more.length === 0 ? "" : `; ${more.length} more cannot be read`
  return Effect.fail(refused(`${first.message}${others}`))
}
