/**
 * Keeps what the documentation shows of a terminal equal to what the commands print.
 *
 * A block is announced by `<!-- session -->`; all of a page are run in order, on one sandbox. `<!-- session: page -->`
 * shows commands that are run for that page. A line `...` stands for any lines. `npm run docs` writes the output anew
 * where it is another; what was left out is then to be left out again.
 */
import { read } from "../house/sources.ts"
import { outputs } from "./session.ts"

const announced = /<!-- session(?:: (\S+))? -->\n+```console\n([\s\S]*?)```\n/g

interface Typed {
  readonly line: string
  readonly shown: string
}

/** The commands of a block, each with what is shown below it. */
const typedIn = (block: string): ReadonlyArray<Typed> =>
  block.split(/^\$ /m).flatMap((part) => {
    if (part.trim() === "") return []
    const [line = "", ...shown] = part.split("\n")
    return [{ line, shown: shown.join("\n") }]
  })

/** What is by chance, or by the moment: times, ids, and what the ledger has at that moment. */
const chance: ReadonlyArray<readonly [RegExp, string]> = [
  [/^ledger-\d -> ledger-\d .* in flight .*\n/gm, ""],
  [/\b\d+(\.\d+)?(ms|s)\b/g, "TIME"],
  [/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME"],
  [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "UID"],
  [/\b(?=[a-f]*\d)[0-9a-f]{8,}\b/g, "ID"],
  [/^(ledger-\d {3})\d+$/gm, "$1AMOUNT"],
  [/\btotal \d+ of\b/g, "total AMOUNT of"],
  [/\b(has|lacks) \d+ transfers?\b/g, "$1 COUNT transfers"]
]

const lasting = (text: string): string =>
  chance.reduce((left, [pattern, word]) => left.replaceAll(pattern, word), text).trimEnd()

const isElision = (line: string): boolean => line.trim() === "..."

/** Whether the shown text is the output, but for what is left out. */
export const shows = (shown: string, output: string): boolean => {
  const pattern = lasting(shown)
    .split("\n")
    .map((line) => (isElision(line) ? "(?:.*\\n)*" : `${line.replaceAll(/[^\w\s]/g, "\\$&")}\\n`))
    .join("")
  return new RegExp(`^${pattern}$`).test(`${lasting(output)}\n`)
}

const runs = new Map<string, Promise<ReadonlyMap<string, ReadonlyArray<string>>>>()

/** What each command of a page prints, the first time that it is typed, the second, and so on. */
const run = (page: string) => {
  const known = runs.get(page)
  if (known !== undefined) return known
  const lines = [...read(page).matchAll(announced)]
    .filter(([, from]) => from === undefined)
    .flatMap(([, , block = ""]) => typedIn(block).map(({ line }) => line))
  const fresh = outputs(lines)
    .then((all) =>
      Map.groupBy(
        lines.map((line, index) => ({ line, output: all[index] ?? "" })),
        ({ line }) => line
      )
    )
    .then((groups) => new Map([...groups].map(([line, each]) => [line, each.map(({ output }) => output)])))
  runs.set(page, fresh)
  return fresh
}

/** Each command of a page with what it shows and what is printed; null: no page runs it. */
export const compared = async (page: string) => {
  const seen = new Map<string, number>()
  const all: Array<Typed & { readonly output: string | null }> = []
  for (const [, from, block = ""] of read(page).matchAll(announced)) {
    const printed = await run(from ?? page)
    for (const { line, shown } of typedIn(block)) {
      const nth = seen.get(line) ?? 0
      seen.set(line, nth + 1)
      all.push({ line, shown, output: printed.get(line)?.[nth] ?? null })
    }
  }
  return all
}

/** The page as it should be. */
export const renderedTerminal = async (page: string): Promise<string> => {
  const fresh = await compared(page)
  let index = 0
  return read(page).replaceAll(announced, (whole: string, _: string | undefined, block: string) => {
    const parts = typedIn(block).map(({ line, shown }) => {
      const output = fresh[index++]?.output ?? null
      return output === null || shows(shown, output)
        ? `$ ${line}\n${shown}`
        : `$ ${line}\n${output.trimEnd()}\n\n`
    })
    return whole.replace(block, () => `${parts.join("").trimEnd()}\n`)
  })
}

/** Pages that show a terminal. */
export const isSession = (page: string): boolean => /<!-- session/.test(read(page))
