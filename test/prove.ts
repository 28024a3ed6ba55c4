/**
 * The full counts, in pieces: `npm run prove -- scale [--seeds N] [--from SEED] [--minutes M]`, and one
 * run again: `npm run prove -- scale --scenario NAME --replay "7 LoseReply, 9 Kill after"`.
 */
import { parseArgs } from "node:util"
import { proveScale } from "./simulation/prove.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    minutes: { type: "string", default: "60" },
    scenario: { type: "string" },
    replay: { type: "string" }
  }
})

const levels = { scale: proveScale }
const [level = ""] = positionals
if (level !== "scale") {
  process.stderr.write(`error: unknown level "${level}"; use one of ${Object.keys(levels).join(", ")}\n`)
  process.exitCode = 1
} else {
  const failures = await levels[level]({
    seeds: Number(values.seeds),
    from: Number(values.from),
    minutes: Number(values.minutes),
    scenario: values.scenario ?? null,
    replay: values.replay ?? null
  })
  if (failures > 0) process.exitCode = 1
}
