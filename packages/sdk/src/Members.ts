/**
 * Members: the ordinals that keys can be routed to, and which of them take new keys.
 */
import * as Schema from "effect/Schema"

const { Array, Literals, Natural, Struct } = Schema

/**
 * - `Ready`: takes new keys.
 * - `NotReady`: asked for, and there, and not ready, or terminating to be replaced: takes none for now.
 * - `Leaving`: marked as draining, or beyond what is asked for: takes none any more.
 * - `Missing`: asked for, and there is no pod: nothing of it can be reached.
 */
export const Availability = Literals(["Ready", "NotReady", "Leaving", "Missing"])
export type Availability = typeof Availability.Type

/** One ordinal. What `Discovery.Peer` says of it is enough. */
export const Member = Struct({ ordinal: Natural, availability: Availability })
export type Member = typeof Member.Type

export const Members = Struct({
  /** The application's name, for messages. */
  name: Schema.String,
  /** `spec.ordinals.start`. */
  start: Natural,
  members: Array(Member),
  /** Why there is nobody to name, where that is not the members' own doing. */
  why: Schema.optionalKey(Schema.String)
})
export type Members = typeof Members.Type

/** As many ordinals as that, from `start` on, each ready. */
export const allReady = (count: number, start = 0, name = "the StatefulSet"): Members => ({
  name,
  start,
  members: globalThis.Array.from({ length: count }, (_, index) => ({
    ordinal: start + index,
    availability: "Ready" as const
  }))
})

/** How many ordinals from `start` on reach to the last one that passes. */
export const spanOf = ({ start, members }: Members, passes: (member: Member) => boolean): number => {
  let end = start
  for (const member of members) if (passes(member) && member.ordinal >= end) end = member.ordinal + 1
  return end - start
}
