import { assert, describe, it } from "vitest"
import { code, files } from "./sources.ts"

const sdk = "packages/sdk/src/"
const sandbox = "packages/sandbox/src/"
// The network is by definition in what reaches a live cluster, and in what serves a sandbox.
const pure = files(sdk, sandbox).filter(
  (path) =>
    path.endsWith(".ts") && !path.startsWith(`${sdk}kubernetes/`) && !path.startsWith(`${sandbox}serve/`)
)

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

describe("the SDK outside kubernetes/, and the sandbox outside serve/, never reach for", () => {
  for (const [what, pattern] of forbidden) {
    it(what, () => {
      assert.isAbove(pure.length, 10)
      assert.deepEqual(
        pure.filter((path) => pattern.test(code(path))),
        []
      )
    })
  }
})
