/** Measurements in pairs, in alternation, so that a machine that is busy for a while is so for both. */

export interface Pair {
  /** Milliseconds. */
  readonly ours: number
  readonly theirs: number
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

export const elapsed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** ABAB…, and who goes first changes with each pair: BA follows AB. */
export const alternate = async (
  count: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>
): Promise<ReadonlyArray<Pair>> => {
  const pairs: Array<Pair> = []
  for (let index = 0; index < count; index++) {
    if (index % 2 === 0) {
      const first = await theirs()
      pairs.push({ theirs: first, ours: await ours() })
    } else {
      const first = await ours()
      pairs.push({ ours: first, theirs: await theirs() })
    }
  }
  return pairs
}

export interface Compared {
  readonly ours: number
  readonly theirs: number
  /** Of the medians. */
  readonly ratio: number
  /** The least and the greatest ratio of one pair. */
  readonly spread: readonly [number, number]
}

export const compare = (pairs: ReadonlyArray<Pair>): Compared => {
  const ours = median(pairs.map((pair) => pair.ours))
  const theirs = median(pairs.map((pair) => pair.theirs))
  const ratios = pairs.map((pair) => pair.ours / pair.theirs)
  return { ours, theirs, ratio: ours / theirs, spread: [Math.min(...ratios), Math.max(...ratios)] }
}
