/**
 * Objects as their kind has them: one that cannot be read is named with what is wrong with it.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { ClusterError } from "../Cluster.ts"
import type { Kind } from "../Kind.ts"

/** An object of any kind: only its name is checked here. */
interface Named {
  readonly metadata: { readonly name: string }
}

/** As many faults of one object as a message of one line carries. */
const mostFaults = 3

/** Those of a list that are as their kind has them, and what is wrong with each of the others. */
export interface Accepted<A> {
  readonly items: ReadonlyArray<A>
  /** One line for each object that could not be read: `pod "db-0": spec.containers: expected array`. */
  readonly unreadable: ReadonlyArray<string>
}

const unreadable = ({ kind }: Kind<unknown>, object: Named, faults: ReadonlyArray<string>): string =>
  `${kind.toLowerCase()} "${object.metadata.name}": ${faults.slice(0, mostFaults).join("; ")}`

/**
 * An object that came, as its kind has it: what a write answered with, or what was read for a copy.
 *
 * **Errors:** `Unreadable`, with the object's name and the path of each field.
 */
export const accept = <A>(kind: Kind<A>, object: Named): Effect.Effect<A, ClusterError> => {
  const accepted = kind.accept(object)
  return Result.isSuccess(accepted)
    ? Effect.succeed(accepted.success)
    : Effect.fail(
        new ClusterError({
          reason: { _tag: "Unreadable" },
          message: unreadable(kind, object, accepted.failure)
        })
      )
}

/** Objects that came, as their kind has them. What is known of one already costs nothing. */
export const acceptAll = <A>(kind: Kind<A>, objects: Iterable<Named>): Accepted<A> => {
  const items: Array<A> = []
  const faulty: Array<string> = []
  for (const object of objects) {
    const accepted = kind.accept(object)
    if (Result.isSuccess(accepted)) items.push(accepted.success)
    else faulty.push(unreadable(kind, object, accepted.failure))
  }
  return { items, unreadable: faulty }
}
