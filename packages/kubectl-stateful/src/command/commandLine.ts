/**
 * kubectl's ways of writing flags, turned into those that oclif's parser reads.
 */

/** The part of a flag's definition that decides how it is written. */
export interface FlagShape {
  readonly type: "boolean" | "option"
  readonly char?: string | undefined
  /** Every occurrence counts, not only the last. */
  readonly multiple?: boolean | undefined
}

type Flags = Readonly<Record<string, FlagShape>>

/** One flag with its value, or a word that is not a flag. */
interface Part {
  /** `null` if it is not a flag of this command. */
  readonly flag: string | null
  /** The words as oclif reads them; empty if a boolean flag is turned off. */
  readonly words: ReadonlyArray<string>
}

const falsy = new Set(["false", "f", "0"])
const truthy = new Set(["true", "t", "1"])

/** The flag that a word names, and whether its value is part of the same word. */
const named = (word: string, flags: Flags): { readonly flag: string; readonly inline: boolean } | null => {
  if (word.startsWith("--")) {
    const [flag = ""] = word.slice(2).split("=", 1)
    return Object.hasOwn(flags, flag) ? { flag, inline: word.includes("=") } : null
  }
  if (!/^-[A-Za-z]/.test(word)) return null
  const flag = Object.keys(flags).find((name) => flags[name]?.char === word[1])
  return flag === undefined ? null : { flag, inline: word.length > 2 }
}

const boolean = (flag: string, word: string): Part => {
  const [name = "", value] = word.split("=", 2)
  // Several in one word, as in `-Aw`, are oclif's to take apart.
  if (!name.startsWith("--") && name.length > 2) return { flag: null, words: [word] }
  if (value === undefined || truthy.has(value.toLowerCase())) return { flag, words: [name] }
  return falsy.has(value.toLowerCase()) ? { flag, words: [] } : { flag: null, words: [word] }
}

const partsOf = (words: ReadonlyArray<string>, flags: Flags): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ""
    const next = words[at + 1]
    const found = named(word, flags)
    if (found === null) parts.push({ flag: null, words: [word] })
    else if (flags[found.flag]?.type === "boolean") parts.push(boolean(found.flag, word))
    else if (found.inline || next === undefined) {
      parts.push({ flag: found.flag, words: [word === "-v" ? "-v=1" : word] })
    } else if (word === "-v" && !/^\d+$/.test(next)) parts.push({ flag: found.flag, words: ["-v=1"] })
    else {
      parts.push({ flag: found.flag, words: [word, next] })
      at += 1
    }
  }
  return parts
}

/**
 * `--all-namespaces=true` becomes `--all-namespaces`, `=false` leaves it out, a bare `-v` becomes `-v=1`, and
 * of a repeated flag the last one counts. Words after `--` are unchanged.
 */
export const normalise = (argv: ReadonlyArray<string>, flags: Flags): ReadonlyArray<string> => {
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length
  const parts = partsOf(argv.slice(0, end), flags)
  const last = new Map(parts.map(({ flag }, index) => [flag, index]))
  const kept = parts.filter(
    ({ flag }, index) => flag === null || flags[flag]?.multiple === true || last.get(flag) === index
  )
  return [...kept.flatMap(({ words }) => words), ...argv.slice(end)]
}
