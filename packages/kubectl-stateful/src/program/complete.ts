/**
 * Shell completion, as kubectl asks for it: `value<TAB>description` lines, then a directive.
 *
 * bash expands completions (`compgen -W`), so a server's `$( )` would run in the shell: names from the
 * cluster are offered only if they consist of characters that are valid in Kubernetes' names.
 */
import { isOperationId } from "@kubectl-stateful/sdk/operation/OperationId"
import snapshot from "../../command-snapshot.json" with { type: "json" }
import { ended, type Printable, printed, visible } from "../print/terminal.ts"
import { commandFirst } from "./commandFirst.ts"
import { setTypes } from "../command/target.ts"
import { isObjectName } from "@kubectl-stateful/sdk/ObjectName"

/** Cobra's ShellCompDirectiveNoFileComp: no file names. */
const noFiles = ":4"
/** Cobra's ShellCompDirectiveDefault: file names. */
const files = ":0"

interface Flag {
  readonly name: string
  readonly char?: string
  readonly summary: string
  readonly takesValue: boolean
  /** The name of its value in the help. */
  readonly value?: string
  readonly values?: ReadonlyArray<string>
}

interface Entry {
  readonly name: string
  readonly summary: string
  readonly args: ReadonlyArray<string>
  /** True if more words than its arguments may follow. */
  readonly many: boolean
  readonly flags: ReadonlyArray<Flag>
}

/** Names that are read from the cluster, or from the kubeconfig. */
export type Named =
  | "statefulsets"
  | "namespaces"
  | "operations"
  | "snapshots"
  | "restores"
  | "copies"
  | "contexts"
  | "clusters"
  | "users"

/** The names that there are; with the flags that were typed so far. */
export type Names = (what: Named, flags: ReadonlyMap<string, string>) => Promise<ReadonlyArray<string>>

const commands: ReadonlyArray<Entry> = snapshot.commands

/** What may be typed before the command: any command's flags. */
const noCommand: Entry = {
  name: "",
  summary: "",
  args: [],
  many: false,
  flags: commands.flatMap(({ flags }) => flags)
}

const reaching = commands.filter(({ flags }) => flags.some(({ name }) => name === "context"))

/** The flags of each command that reaches a cluster: what is offered before the command. */
const common: ReadonlyArray<Flag> = (reaching[0]?.flags ?? []).filter(({ name }) =>
  reaching.every(({ flags }) => flags.some((flag) => flag.name === name))
)

/** A kubeconfig's names are its owner's, and still no shell may find syntax in one. */
const isPlain = (text: string): boolean => /^[A-Za-z0-9@_][-A-Za-z0-9@:._/+]*$/.test(text)

const isOffered: Readonly<Record<Named, (name: string) => boolean>> = {
  statefulsets: isObjectName,
  namespaces: isObjectName,
  operations: isOperationId,
  snapshots: isObjectName,
  restores: isOperationId,
  copies: isOperationId,
  contexts: isPlain,
  clusters: isPlain,
  users: isPlain
}

/** Flags whose values the cluster has names for. */
const namedBy: Readonly<Record<string, Named>> = {
  namespace: "namespaces",
  "to-namespace": "namespaces",
  "allow-namespace": "namespaces",
  context: "contexts",
  cluster: "clusters",
  user: "users",
  "from-volume-snapshots": "statefulsets",
  undo: "restores",
  release: "copies"
}

/** Flags whose value is a file or a folder, or may be one. */
const isFile = ({ value = "" }: Flag): boolean => /\b(FILE|FOLDER)\b/.test(value)

/** The type of the first word after a command, if it is not an application. */
const firstNamed: Readonly<Record<string, Named>> = { id: "operations", snapshot: "snapshots" }

/** The actions of `snapshots`, each with how many snapshots it takes. */
const setActions: Readonly<Record<string, number>> = {
  list: 0,
  describe: 1,
  diff: 2,
  prune: Number.POSITIVE_INFINITY,
  export: 1,
  import: 0
}

/** A value, and its description. */
interface Offer {
  readonly value: string
  readonly summary?: string
}

/** The built-in profiles; any file is possible too. */
const profiles = async (): Promise<ReadonlyArray<Offer>> => {
  const { all } = await import("@kubectl-stateful/sdk/Profile")
  return all().map(({ name, file }) => ({ value: name, summary: file.description ?? "" }))
}

const answer = (offers: ReadonlyArray<Offer>, word: string, directive: string): Printable =>
  ended([
    ...offers
      .filter(({ value }) => value.startsWith(word))
      .map(({ value, summary }) =>
        summary === undefined ? visible(value) : printed`${visible(value)}\t${visible(summary)}`
      ),
    visible(directive)
  ])

const flagOf = (entry: Entry, word: string): Flag | undefined =>
  entry.flags.find(
    (flag) => word === `--${flag.name}` || (flag.char !== undefined && word === `-${flag.char}`)
  )

/** `--as=uid=ann` is `--as` and `uid=ann`. */
const nameAndValue = (word: string): readonly [string, string | undefined] => {
  const at = word.indexOf("=")
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

/** The same, and `-nshop`, which is `-n` and `shop`. */
const flagAndValue = (entry: Entry, word: string): readonly [Flag | undefined, string | undefined] => {
  const short = /^-[^-=]/.test(word) && word.length > 2 && word[2] !== "=" ? word.slice(0, 2) : ""
  const attached = flagOf(entry, short)
  if (attached?.takesValue === true) return [attached, word.slice(2)]
  const [name, value] = nameAndValue(word)
  return [flagOf(entry, name), value]
}

/** The flag whose value is being typed, and what there is of it. */
const valueTyped = (entry: Entry, before: string, current: string): readonly [Flag, string] | null => {
  const flag = flagOf(entry, before)
  if (flag?.takesValue === true) return [flag, current]
  const [name, value] = nameAndValue(current)
  const own = flagOf(entry, name)
  // kubectl's scripts put the flag before what is offered here.
  return own === undefined || value === undefined ? null : [own, value]
}

/** The flags among these words, and the words that are not flags. */
const readWords = (entry: Entry, words: ReadonlyArray<string>) => {
  const flags = new Map<string, string>()
  const args: Array<string> = []
  for (let index = 0; index < words.length; index++) {
    const [flag, value] = flagAndValue(entry, words[index] ?? "")
    if (flag?.takesValue === true) flags.set(flag.name, value ?? words[++index] ?? "")
    else if (flag !== undefined) flags.set(flag.name, value ?? "true")
    else if (words[index]?.startsWith("-") !== true) args.push(words[index] ?? "")
  }
  return { flags, args }
}

/** Completions after `snapshots`: an action, then its snapshots. */
const actionWords = async (
  [action, ...names]: ReadonlyArray<string>,
  current: string,
  sets: () => Promise<ReadonlyArray<Offer>>
): Promise<Printable> => {
  if (action === undefined) {
    return answer(
      Object.keys(setActions).map((value) => ({ value })),
      current,
      noFiles
    )
  }
  if (action === "import" && names.length === 0) return answer([], current, files)
  if (names.length >= (setActions[action] ?? 0)) return answer([], current, noFiles)
  const live = action === "diff" && names.length === 1 ? [{ value: "live" }] : []
  const offers = (await sets()).filter(({ value }) => !names.includes(value))
  return answer([...offers, ...live], current, noFiles)
}

/** Names of applications, with the type before them if it was typed. */
const appWords = async (
  { many }: Entry,
  args: ReadonlyArray<string>,
  current: string,
  sets: () => Promise<ReadonlyArray<Offer>>
): Promise<Printable> => {
  const [type = ""] = current.split("/", 1)
  const prefix = current.includes("/") && setTypes.test(type) ? `${type}/` : ""
  const names = setTypes.test(args[0] ?? "") ? args.slice(1) : args
  if (names.length > 0 && !many) return answer([], current, noFiles)
  const given = new Set(names.map((name) => name.replace(/^.*\//, "")))
  const offers = (await sets()).filter(({ value }) => !given.has(value))
  return answer(
    offers.map(({ value }) => ({ value: `${prefix}${value}` })),
    current,
    noFiles
  )
}

/** Completions for these words; the last one is being typed. */
export const complete = async (typed: ReadonlyArray<string>, names: Names): Promise<Printable> => {
  const last = typed.at(-1) ?? ""
  // PowerShell cannot pass an empty word, and passes its quotes.
  const current = last === '""' ? "" : last
  const words = [...commandFirst(typed.slice(0, -1)), current]
  const command = words.length < 2 ? undefined : commands.find((each) => each.name === words[0])
  const entry = command ?? noCommand
  const { flags, args } = readWords(entry, words.slice(command === undefined ? 0 : 1, -1))
  const named = async (what: Named) =>
    (await names(what, flags)).filter(isOffered[what]).map((value) => ({ value }))
  const value = valueTyped(entry, words.at(-2) ?? "", current)
  if (value !== null) {
    const [flag, text] = value
    if (flag.name === "profile") return answer(await profiles(), text, files)
    const what = namedBy[flag.name]
    const offers = what === undefined ? (flag.values ?? []).map((value) => ({ value })) : await named(what)
    return answer(offers, text, isFile(flag) ? files : noFiles)
  }
  const flagNames = (offered: ReadonlyArray<Flag>) =>
    answer(
      offered.map(({ name, summary }) => ({ value: `--${name}`, summary })),
      current,
      noFiles
    )
  if (command === undefined) {
    if (current.startsWith("-") && args.length === 0) return flagNames(common)
    return answer(
      commands.map(({ name, summary }) => ({ value: name, summary })),
      current,
      noFiles
    )
  }
  if (current.startsWith("-")) return flagNames(entry.flags)
  const [first] = entry.args
  const sets = () => named("statefulsets")
  if (first === "action") return actionWords(args, current, () => named("snapshots"))
  if (first === "app" && entry.name !== "operations") return appWords(entry, args, current, sets)
  if (first === "verb" && args[0] === "peers") return appWords(entry, args.slice(1), current, sets)
  if (first === "verb") {
    const { verbs } = await import("@kubectl-stateful/sdk/Access")
    const others = verbs.filter((verb) => !args.includes(verb))
    return answer(
      others.map((value) => ({ value })),
      current,
      noFiles
    )
  }
  if (first === "shell" && args.length === 0) {
    const { completionScripts } = await import("./completionScripts.ts")
    return answer(
      Object.keys(completionScripts).map((value) => ({ value })),
      current,
      noFiles
    )
  }
  if (first === undefined || args.length > 0) return answer([], current, noFiles)
  if (first === "profile") return answer(await profiles(), current, files)
  if (first === "app") return answer([...(await sets()), ...(await named("operations"))], current, noFiles)
  return answer(await named(firstNamed[first] ?? "statefulsets"), current, noFiles)
}
