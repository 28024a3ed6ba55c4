/** The contract suite on the real cluster and on the sandbox, side by side. */
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { Cluster, type ClusterError } from "../../packages/sdk/src/Cluster.ts"
import { layer } from "../../packages/sdk/src/kubernetes/index.ts"
import { isCutShort, onReal, onSandbox, sweep, type Transcript } from "../contract/Bed.ts"
import { accepted, compare, covers, sentence } from "../contract/Comparison.ts"
import { record, recorded } from "../contract/Recording.ts"
import { all } from "../contract/scenarios/index.ts"

const letters = "bcdfghjklmnpqrstvwxz2456789"
const run = `r${Array.from({ length: 6 }, () => letters[Math.floor(Math.random() * letters.length)]).join("")}`
const recording = process.env["CONTRACT_RECORD"] === "1"
const chosen = all.filter(({ area }) => (process.env["CONTRACT_AREA"] ?? area) === area)

let runtime: ManagedRuntime.ManagedRuntime<Cluster, ClusterError>
const real = new Map<string, ReadonlyArray<Transcript>>()
const started = performance.now()

const areas = [...new Set(chosen.map(({ area }) => area))]

beforeAll(async () => {
  runtime = ManagedRuntime.make(layer())
  const transcripts = await runtime.runPromise(
    Effect.gen(function* () {
      const cluster = yield* Cluster
      return yield* Effect.forEach(
        chosen,
        (scenario) => onReal(cluster, scenario, all.indexOf(scenario), run),
        { concurrency: 4 }
      )
    })
  )
  for (const area of areas)
    real.set(
      area,
      transcripts.filter(({ scenario }) => scenario.area === area)
    )
}, 900_000)

afterAll(async () => {
  await runtime.runPromise(Effect.flatMap(Effect.service(Cluster), sweep))
  await runtime.dispose()
  const lines = areas.map((area) => {
    const count = (real.get(area) ?? []).reduce((sum, { exchanges }) => sum + exchanges.length, 0)
    return [count, area] as const
  })
  const sum = lines.reduce((total, [count]) => total + count, 0)
  console.log(
    [
      `exchanges compared, in ${Math.round((performance.now() - started) / 1000)} s`,
      ...lines.map(([count, area]) => `${String(count).padStart(5)}  ${area}`),
      `${String(sum).padStart(5)}  in all`
    ].join("\n")
  )
})

describe.each(areas)("the real cluster and the sandbox agree on %s", (area) => {
  for (const scenario of chosen.filter((each) => each.area === area)) {
    it(scenario.title, async () => {
      const transcript = real.get(area)?.find((each) => each.scenario === scenario)
      assert.isDefined(transcript)
      assert.isFalse(isCutShort(transcript.exchanges), JSON.stringify(transcript.exchanges.at(-1)))
      if (recording) record(area, real.get(area) ?? [])
      else
        assert.deepEqual(
          transcript.exchanges,
          recorded(scenario),
          "the cluster answers otherwise than it was recorded"
        )
      const sandbox = await Effect.runPromise(onSandbox(scenario, all.indexOf(scenario)))
      const open = compare(scenario, transcript.exchanges, sandbox.exchanges).filter(
        (difference) => !accepted.some((row) => covers(row, difference))
      )
      assert.lengthOf(open, 0, `\n${open.map(sentence).join("\n")}`)
    })
  }
})
