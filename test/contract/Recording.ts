/**
 * What the real cluster answered, one line an exchange, one file an area. `npm test`
 * compares the sandbox with it; `CONTRACT_RECORD=1 npm run test:cluster` writes it anew.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import type { Transcript } from "./Bed.ts"
import type { Exchange } from "./Conversation.ts"

interface Line extends Exchange {
  readonly title: string
}

const fileOf = (area: string): URL => new URL(`recorded/${area.replaceAll(" ", "-")}.jsonl`, import.meta.url)

const read = (area: string): ReadonlyArray<Line> => {
  const file = fileOf(area)
  if (!existsSync(file)) return []
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Line => JSON.parse(line))
}

export const recorded = (scenario: {
  readonly area: string
  readonly title: string
}): ReadonlyArray<Exchange> =>
  read(scenario.area)
    .filter(({ title }) => title === scenario.title)
    .map(({ ask, answer }) => ({ ask, answer }))

export const record = (area: string, transcripts: ReadonlyArray<Transcript>): void => {
  const lines = transcripts.flatMap(({ scenario, exchanges }) =>
    exchanges.map(({ ask, answer }) => JSON.stringify({ title: scenario.title, ask, answer }))
  )
  writeFileSync(fileOf(area), `${lines.join("\n")}\n`)
}
