import { assert, describe, it } from "vitest"
import { slowdown } from "../sdk/growth.ts"
import { code, files } from "./sources.ts"

interface Pattern {
  readonly path: string
  readonly source: string
  readonly expression: RegExp
}

/** What never sees a long text, and why. */
const short: ReadonlySet<string> = new Set([
  // A label's value, cut to 63 characters before.
  "packages/sdk/src/ObjectName.ts /[^a-z0-9]+$/",
  // Kubernetes' own words for a message; nothing is matched with it.
  "packages/sandbox/src/apiserver/Decode.ts /^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/",
  // Durations that another expression has taken as a whole before.
  "packages/sdk/src/GoDuration.ts /(\\d+(?:\\.\\d+)?)(ms|h|m|s)/"
])

/** A regular expression as it stands in a source; what only looks like one does not compile, or matches nothing. */
const literal =
  /(?<=[(,=:?&|![{}>\n]\s*|return )\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+)\/([dgimsuv]*)(?![\w$])/g

const patterns: ReadonlyArray<Pattern> = files("packages")
  .filter((path) => /\/src\/.*\.ts$/.test(path))
  .flatMap((path) =>
    [...code(path).matchAll(literal)].flatMap(([, source = "", flags = ""]) => {
      try {
        return [{ path, source, expression: new RegExp(source, flags) }]
      } catch {
        return []
      }
    })
  )

/** Letters of every class, and what this expression itself spells. */
const units = (source: string): ReadonlyArray<string> => [
  ...new Set([
    ...Array.from("a0 -.,:/=\"'\\\n<A_({"),
    ...Array.from(source.replaceAll(/\\./g, "").replaceAll(/[[\]^$|?*+{}]/g, "")),
    "a.",
    "0.",
    "a-",
    "-0",
    ", ",
    "a=a,",
    "1s"
  ])
]

// What follows the run must not let it match at its end; and what precedes it must let it begin.
const endings = ["", "!", "\n!", "/", " a", ")"]
const beginnings = ["", "a", "/"]

/** Quadratic time shows at this length, and linear time does not. */
const length = 8000

const slow = (pattern: Pattern): string | null => {
  for (const unit of units(pattern.source)) {
    for (const beginning of beginnings) {
      for (const ending of endings) {
        const attack = (size: number) => `${beginning}${unit.repeat(size / unit.length)}${ending}`
        // At every place where it may begin, as `replaceAll` and `matchAll` would try.
        const search = (size: number) => attack(size).search(pattern.expression)
        const growth = slowdown(search, length)
        // Quadratic time stays so at every length; what only a busy machine slowed down does not.
        if (growth >= 3 && slowdown(search, 2 * length) >= 3) {
          const text = JSON.stringify(`${beginning}${unit}${unit}${ending}`)
          return `${pattern.path} /${pattern.source}/ at ${text}: ${growth.toFixed(1)}`
        }
      }
    }
  }
  return null
}

describe("regular expressions", () => {
  it("take twice the time for twice the text, whatever the text", () => {
    assert.isAbove(patterns.length, 80)
    assert.deepEqual(
      patterns
        .filter(({ path, source }) => !short.has(`${path} /${source}/`))
        .map(slow)
        .filter((fault) => fault !== null),
      []
    )
  })
})
