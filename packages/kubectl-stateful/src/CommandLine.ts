/**
 * kubectl's ways of writing flags, turned into those that oclif's parser reads.
 */

/** The part of a flag's definition that decides how it is written. */
export interface FlagShape {
  readonly type: "boolean" | "option"
  readonly char?: string | undefined
}

const falsy = new Set(["false", "f", "0"])
const truthy = new Set(["true", "t", "1"])

/**
 * `--all-namespaces=true` becomes `--all-namespaces`, `=false` leaves it out, and a bare `-v`
 * becomes `-v=1`. What follows `--` is left alone.
 */
export const normalise = (
  argv: ReadonlyArray<string>,
  flags: Readonly<Record<string, FlagShape>>
): ReadonlyArray<string> => {
  const booleans = new Set(
    Object.entries(flags).flatMap(([name, flag]) =>
      flag.type === "boolean" ? [`--${name}`, ...(flag.char === undefined ? [] : [`-${flag.char}`])] : []
    )
  )
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length
  const before = argv.slice(0, end).flatMap((word, index) => {
    const [name = "", value] = word.split("=", 2)
    if (value !== undefined && booleans.has(name)) {
      if (truthy.has(value.toLowerCase())) return [name]
      if (falsy.has(value.toLowerCase())) return []
    }
    if (word === "-v" && !/^\d+$/.test(argv[index + 1] ?? "")) return ["-v=1"]
    return [word]
  })
  return [...before, ...argv.slice(end)]
}
