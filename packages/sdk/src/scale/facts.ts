/** The facts that a plan to scale rests on: the same from a state and from the objects themselves. */
import { digest } from "../Digest.ts"
import { parse } from "../Ordinal.ts"
import { names, type Profile } from "../Profile.ts"

/**
 * The claims that a plan relies on: those of the previous and the requested ordinals, by name as the
 * controller finds them, and by uid. One that is being deleted is a different fact.
 */
export const claimFacts = (
  claims: Iterable<{ readonly name: string; readonly uid: string; readonly deleted: string | null }>,
  firstOrdinal: number,
  upTo: number
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...claims].flatMap(({ name, uid, deleted }) => {
      const ordinal = parse(name.slice(name.lastIndexOf("-") + 1))
      return ordinal === null || ordinal < firstOrdinal || ordinal >= firstOrdinal + upTo
        ? []
        : [[name, deleted === null ? uid : `${uid} deleted`]]
    })
  )

/** The facts a plan rests on; the same from a state and from the objects themselves. */
export const basisOf = (facts: {
  readonly replicas: number
  readonly firstOrdinal: number
  readonly policy: string
  readonly retention: { readonly whenScaled: string; readonly whenDeleted: string }
  readonly minReadySeconds: number
  readonly claims: ReturnType<typeof claimFacts>
  readonly profile: Profile
}): string => {
  const { profile, ...rest } = facts
  return digest({ ...rest, hooks: names(profile) })
}
