/** Names in a line. */

/** `db-3`, `db-3 and db-4`, `db-3 to db-99`. */
export const span = (names: ReadonlyArray<string>): string => {
  if (names.length === 0) return "none"
  if (names.length === 1) return `${names[0]}`
  if (names.length === 2) return `${names[0]} and ${names[1]}`
  return `${names[0]} to ${names[names.length - 1]}`
}
