/**
 * Shell completion, as kubectl asks for it: `value<TAB>description` lines, then a directive.
 */
import snapshot from "../command-snapshot.json" with { type: "json" }

/** Cobra's ShellCompDirectiveNoFileComp: no file names. */
const noFiles = ":4"
/** Cobra's ShellCompDirectiveDefault: file names. */
const files = ":0"

interface Flag {
  readonly name: string
  readonly char?: string
  readonly summary: string
  readonly takesValue: boolean
  readonly values?: ReadonlyArray<string>
}

interface Entry {
  readonly name: string
  readonly summary: string
  readonly flags: ReadonlyArray<Flag>
}

const commands: ReadonlyArray<Entry> = snapshot.commands

const answer = (lines: ReadonlyArray<string>, word: string, directive: string): string =>
  `${[...lines.filter((each) => each.startsWith(word)), directive].join("\n")}\n`

const flagOf = (entry: Entry, word: string): Flag | undefined =>
  entry.flags.find(
    (flag) => word === `--${flag.name}` || (flag.char !== undefined && word === `-${flag.char}`)
  )

/** What may follow these words; the last one is being typed. */
export const complete = (words: ReadonlyArray<string>): string => {
  const current = words.at(-1) ?? ""
  const entry = commands.find((each) => each.name === words[0])
  if (entry === undefined || words.length < 2) {
    return answer(
      commands.map((each) => `${each.name}\t${each.summary}`),
      current,
      noFiles
    )
  }
  const before = flagOf(entry, words.at(-2) ?? "")
  if (before?.takesValue === true && words.length > 2) {
    return before.name === "kubeconfig"
      ? answer([], current, files)
      : answer(before.values ?? [], current, noFiles)
  }
  const [flag = "", typed] = current.split("=", 2)
  if (typed !== undefined) {
    return answer(
      (flagOf(entry, flag)?.values ?? []).map((value) => `${flag}=${value}`),
      current,
      noFiles
    )
  }
  return answer(
    current.startsWith("-") ? entry.flags.map((each) => `--${each.name}\t${each.summary}`) : [],
    current,
    noFiles
  )
}
