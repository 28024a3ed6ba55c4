import { assert, describe, it } from "vitest"
import { code, files } from "./sources.ts"

const sdk = "packages/sdk/src/"
const pure = files(sdk).filter((path) => path.endsWith(".ts") && !path.startsWith(`${sdk}kubernetes/`))

/** What would escape virtual time, the seed or the port. */
const forbidden: ReadonlyArray<readonly [string, RegExp]> = [
  ["the wall clock", /\bDate\.now\b|new Date\(\s*\)|\bperformance\.now\b|process\.hrtime/],
  ["a timer", /\b(setTimeout|setInterval|setImmediate|queueMicrotask)\s*\(/],
  ["randomness", /\bMath\.random\b|\brandomUUID\b|getRandomValues/],
  ["the network", /\bfetch\s*\(|from "(node:)?(net|http|https|tls|dgram|undici|ws)"/],
  [
    "the process",
    /\bprocess\.(env|argv|exit|on|stdout|stderr|pid|cwd)\b|from "(node:)?(process|child_process|os)"/
  ],
  ["the file system", /from "(node:)?fs(\/promises)?"/]
]

describe("the SDK outside kubernetes/ never reaches for", () => {
  for (const [what, pattern] of forbidden) {
    it(what, () => {
      // The sandbox is served over HTTP by one file, which is the network by definition.
      const looked = pure.filter((path) => !path.startsWith(`${sdk}sandbox/serve/`))
      assert.isAbove(looked.length, 10)
      assert.deepEqual(
        looked.filter((path) => pattern.test(code(path))),
        []
      )
    })
  }
})
