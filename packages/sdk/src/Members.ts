/**
 * Members: the ordinals that keys can be routed to, and which of them take new keys.
 */
import * as Schema from "effect/Schema"

const { Array, Literals, Natural, Struct } = Schema

/**
 * - `Ready`: accepts new keys.
 * - `NotReady`: within the number of replicas, but not ready, or terminating to be replaced: currently
 *   accepts none.
 * - `Leaving`: annotated as draining, or beyond the number of replicas: accepts no new keys.
 * - `Missing`: within the number of replicas, but without a pod.
 */
export const Availability = Literals(["Ready", "NotReady", "Leaving", "Missing"])
export type Availability = typeof Availability.Type

/** One ordinal. A `Discovery.Peer` has these fields. */
export const Member = Struct({ ordinal: Natural, availability: Availability })
export type Member = typeof Member.Type

export const Members = Struct({
  /** The application's name, for messages. */
  name: Schema.String,
  /** `spec.ordinals.start`. */
  start: Natural,
  members: Array(Member),
  /** Reason that there is no member, if it is not the members' own state. */
  why: Schema.optionalKey(Schema.String)
})
export type Members = typeof Members.Type

/** This number of ready ordinals, from `start`. */
export const allReady = (count: number, start = 0, name = "the StatefulSet"): Members => ({
  name,
  start,
  members: globalThis.Array.from({ length: count }, (_, index) => ({
    ordinal: start + index,
    availability: "Ready" as const
  }))
})

/** The number of ordinals from `start` to the last one that passes. */
export const spanOf = ({ start, members }: Members, passes: (member: Member) => boolean): number => {
  let end = start
  for (const member of members) if (passes(member) && member.ordinal >= end) end = member.ordinal + 1
  return end - start
}
