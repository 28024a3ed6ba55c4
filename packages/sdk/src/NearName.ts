/**
 * Names that a mistyped one may have meant.
 */

/** Insertions, deletions, replacements and swaps of neighbours that lead from one name to the other. */
export const distance = (from: string, to: string): number => {
  let before: ReadonlyArray<number> = []
  let above: ReadonlyArray<number> = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const row: Array<number> = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1)
      let least = Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (swapped) least = Math.min(least, (before[j - 2] ?? 0) + 1)
      row.push(least)
    }
    before = above
    above = row
  }
  return above[to.length] ?? 0
}

/** At most three, nearest first: within a third of the name's length in edits, or one containing the other. */
export const nearNames = (name: string, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const allowed = Math.max(1, Math.floor(name.length / 3))
  return names
    .map((other) => ({
      other,
      edits: other.includes(name) || name.includes(other) ? 0.5 : distance(name, other)
    }))
    .filter(({ edits }) => edits <= allowed)
    .toSorted((a, b) => a.edits - b.edits || (a.other < b.other ? -1 : 1))
    .slice(0, 3)
    .map(({ other }) => other)
}
