/** A number of things in words. */

/** `1 claim`, `6 claims`; `2 addresses` with the plural that is given. */
export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${count} ${count === 1 ? one : several}`
