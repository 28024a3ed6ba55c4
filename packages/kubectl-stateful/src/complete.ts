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
  readonly args: ReadonlyArray<string>
  readonly flags: ReadonlyArray<Flag>
}

/** The names that a cluster has; with the flags that were typed so far. */
export type Names = (
  what: "statefulsets" | "namespaces",
  flags: ReadonlyMap<string, string>
) => Promise<ReadonlyArray<string>>

const commands: ReadonlyArray<Entry> = snapshot.commands

const answer = (lines: ReadonlyArray<string>, word: string, directive: string): string =>
  `${[...lines.filter((each) => each.startsWith(word)), directive].join("\n")}\n`

const flagOf = (entry: Entry, word: string): Flag | undefined =>
  entry.flags.find(
    (flag) => word === `--${flag.name}` || (flag.char !== undefined && word === `-${flag.char}`)
  )

/** The flags with a value among these words, and how many words are no flags. */
const readWords = (entry: Entry, words: ReadonlyArray<string>) => {
  const flags = new Map<string, string>()
  let args = 0
  for (let index = 0; index < words.length; index++) {
    const [name = "", value] = (words[index] ?? "").split("=", 2)
    const flag = flagOf(entry, name)
    if (flag?.takesValue === true) flags.set(flag.name, value ?? words[++index] ?? "")
    else if (flag === undefined) args += 1
  }
  return { flags, args }
}

/** What may follow these words; the last one is being typed. */
export const complete = async (words: ReadonlyArray<string>, names: Names): Promise<string> => {
  const current = words.at(-1) ?? ""
  const entry = commands.find((each) => each.name === words[0])
  if (entry === undefined || words.length < 2) {
    return answer(
      commands.map((each) => `${each.name}\t${each.summary}`),
      current,
      noFiles
    )
  }
  const { flags, args } = readWords(entry, words.slice(1, -1))
  const valuesOf = async (flag: Flag) =>
    flag.name === "namespace" ? names("namespaces", flags) : (flag.values ?? [])
  const before = words.length > 2 ? flagOf(entry, words.at(-2) ?? "") : undefined
  if (before?.takesValue === true) {
    return before.name === "kubeconfig"
      ? answer([], current, files)
      : answer(await valuesOf(before), current, noFiles)
  }
  const [name = "", typed] = current.split("=", 2)
  const flag = typed === undefined ? undefined : flagOf(entry, name)
  if (flag !== undefined) {
    const values = await valuesOf(flag)
    return answer(
      values.map((value) => `${name}=${value}`),
      current,
      noFiles
    )
  }
  if (current.startsWith("-")) {
    return answer(
      entry.flags.map((each) => `--${each.name}\t${each.summary}`),
      current,
      noFiles
    )
  }
  const isName = args === 0 && entry.args.length > 0
  return answer(isName ? await names("statefulsets", flags) : [], current, noFiles)
}
