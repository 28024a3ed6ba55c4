/**
 * Writes what each verb needs, from the requests that its scenarios record: `npm run roles`, or
 * `npm run roles -- scale` for some verbs. It takes minutes: what is optional is found by leaving it out.
 */
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { format } from "../../packages/sdk/src/access/need.ts"
import { root } from "../house/sources.ts"
import { virtualTime } from "../simulation/world.ts"
import { needsOf, type Used, usedBy } from "./needs.ts"
import { scenarios } from "./scenarios.ts"

const verbs = [...new Set(scenarios.map(({ verb }) => verb))]
const wanted = process.argv.length > 2 ? process.argv.slice(2) : verbs
const made: Record<string, ReadonlyArray<string>> = {}

for (const verb of wanted) {
  const used: Array<Used> = []
  for (const scenario of scenarios.filter((one) => one.verb === verb)) {
    const found = await Effect.runPromise(usedBy(scenario).pipe(Effect.provide(virtualTime)))
    console.log(`${verb}${scenario.when === null ? "" : ` ${scenario.when}`}: ${found.length} rules`)
    used.push(...found)
  }
  made[verb] = needsOf(used).map(format)
}
const path = join(root, "packages/sdk/src/access/recorded.ts")
// Others may have been written since this began.
const { recorded } = await import(`${path}?${process.pid}`)
const table: Readonly<Record<string, ReadonlyArray<string>>> = { ...recorded, ...made }

const sorted = verbs.filter((verb) => table[verb] !== undefined).map((verb) => [verb, table[verb]])
const text = JSON.stringify(Object.fromEntries(sorted))
writeFileSync(
  path,
  `/** What each verb asks for. Written by \`npm run roles\` from the requests that its tests record: do not edit. */
export const recorded = ${text}
`
)
execFileSync("npx", ["oxfmt", path], { cwd: root })
