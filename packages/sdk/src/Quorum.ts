/**
 * Quorum: how many members must be healthy, and how far one step may go without crossing that.
 *
 * A PodDisruptionBudget does not protect quorum here: it limits evictions only, not a change of replicas.
 */

/** `majority` of the members there are, a fixed number, or no guard at all. */
export type Quorum = "majority" | "none" | number

/** `null` if it is not `majority`, `none` or a whole number from 1. */
export const parse = (text: string): Quorum | null => {
  if (text === "majority" || text === "none") return text
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : null
}

/** The number of `members` that must be healthy; 0 for `none`. */
export const needed = (quorum: Quorum, members: number): number => {
  if (quorum === "none" || members <= 0) return 0
  return quorum === "majority" ? Math.floor(members / 2) + 1 : quorum
}

/**
 * The next count on the way from one to another that keeps quorum while the change is under way.
 *
 * Down: as many leave at once as keep a majority of the previous members. Up, and only if the controller adds
 * all at once (Parallel): as many join at once as leave the previous members a majority of the new number. A
 * single member may always join or leave; otherwise scaling from 2 to 1 would be impossible.
 */
export const barrier = (
  quorum: Quorum,
  from: number,
  to: number,
  options: { readonly parallel: boolean; readonly step: number | null }
): number => {
  const distance = Math.abs(to - from)
  const limit = (): number => {
    if (quorum === "none" || from === 0) return distance
    if (to > from) return options.parallel ? Math.max(1, from - 1) : distance
    const floor = quorum === "majority" ? needed(quorum, from) : Math.max(quorum, to)
    return Math.max(1, from - floor)
  }
  const size = Math.min(distance, limit(), options.step ?? distance)
  return to > from ? from + size : from - size
}

/** `2 of 3`: how many are needed of how many; `none` without a guard. */
export const describe = (quorum: Quorum, members: number): string =>
  quorum === "none" ? "none" : `${needed(quorum, members)} of ${members}`
