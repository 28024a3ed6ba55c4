/** Commands of kubectl in what is printed: as the sources write them, and as a reader would copy them. */
import { code, files } from "../house/sources.ts"

/** What the checklist advises has a table of its own; what a sandbox prints is no advice. */
const elsewhere =
  /^packages\/(sandbox\/|sdk\/src\/checklist\/|kubectl-stateful\/src\/(commands|print)\/sandbox\.ts$)/

const sources = files("packages").filter(
  (path) => /^packages\/[\w-]+\/src\/.*\.ts$/.test(path) && !elsewhere.test(path)
)

export interface Printed {
  /** From `packages/` on, without it. */
  readonly from: string
  /** The verb and what it is done to, as far as the source says them: `stateful resume`, `delete pod`, `delete`. */
  readonly start: string
}

/** Each command that a source writes. */
export const printed: ReadonlyArray<Printed> = sources.flatMap((path) =>
  [...code(path).matchAll(/\bkubectl ([a-z-]+(?: [a-z][a-z,-]*)?)/g)].map(([, start = ""]) => ({
    from: path.slice("packages/".length),
    start
  }))
)

const command = /\bkubectl (?:'[^']*'|"[^"]*"|\\\n\s*|[^\s;`'"(),]|[,;](?=\S)| (?=\S))+/g

/** The commands in a printed text, each as it would be copied: up to the end of a quotation, a clause or a line. */
export const commandsIn = (text: string): ReadonlyArray<string> =>
  (text.match(command) ?? []).map((one) => one.replaceAll(/\\\n\s*/g, "").trim())
