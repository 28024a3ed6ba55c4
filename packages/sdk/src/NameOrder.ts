/** The order of names: by UTF-16 code units, whatever the machine's language. */
/** Plain order of code units: the same on every machine, whatever its locale. */
export const compareNames = (a: string, b: string): -1 | 0 | 1 => (a < b ? -1 : a > b ? 1 : 0)
