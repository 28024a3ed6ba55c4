/**
 * `-n shop describe db` as `describe -n shop db`: kubectl's users write flags before the command too, and oclif
 * takes the first word for the command.
 */
import snapshot from "../../command-snapshot.json" with { type: "json" }

interface Flag {
  readonly name: string
  readonly char?: string
  readonly takesValue: boolean
}

/** The flags of every command: which one it is comes after them. */
const commands: ReadonlyArray<{ readonly flags: ReadonlyArray<Flag> }> = snapshot.commands
const flags = commands.flatMap((command) => command.flags)

/** True if the next word is this one's value. */
const takesNext = (word: string, next: string | undefined): boolean => {
  if (word.includes("=")) return false
  // A bare -v is level 1.
  if (word === "-v") return /^\d+$/.test(next ?? "")
  return flags.some(
    ({ name, char, takesValue }) => takesValue && (word === `--${name}` || word === `-${char}`)
  )
}

/** The same words with the command first; unchanged if no word is one. */
export const commandFirst = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  let at = 0
  while (words[at]?.startsWith("-") === true && words[at] !== "--")
    at += takesNext(words[at] ?? "", words[at + 1]) ? 2 : 1
  const command = words[at]
  return at === 0 || command === undefined || command === "--"
    ? words
    : [command, ...words.slice(0, at), ...words.slice(at + 1)]
}
