import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { exitOf, stdinFrames } from "../../../packages/sdk/src/kubernetes/execFrames.ts"
import { access } from "../../../packages/sdk/src/kubernetes/index.ts"
import { lines } from "../../../packages/sdk/src/kubernetes/liveWatch.ts"
import { folder, write } from "./server.ts"

const request = { method: "GET", path: "/api/v1/pods" } as const
const encode = (text: string) => new TextEncoder().encode(text)
const Cuts = Schema.Array(Schema.Int)

/** The same bytes in other pieces. */
const pieces = (bytes: Uint8Array, cuts: ReadonlyArray<number>) => {
  const marks = [...cuts.map((cut) => Math.abs(cut) % (bytes.length + 1)), 0, bytes.length].toSorted(
    (a, b) => a - b
  )
  return marks.slice(1).map((mark, index) => bytes.subarray(marks[index], mark))
}

describe("whatever the bytes are", () => {
  it.effect.prop(
    "lines are the same however the network cuts them",
    [Schema.Array(Schema.String), Cuts],
    ([texts, cuts]) =>
      Effect.gen(function* () {
        // A lone surrogate has no bytes of its own.
        const whole = texts.map((text) => text.toWellFormed().replaceAll("\n", " "))
        const bytes = encode(whole.map((text) => `${text}\n`).join(""))
        const read = yield* Stream.runCollect(lines(Stream.fromIterable(pieces(bytes, cuts)), request))
        // The decoder drops a mark of byte order at the very start, as it should.
        const first = whole[0]?.replace(/^\uFEFF/, "")
        assert.deepEqual(read, first === undefined ? [] : [first, ...whole.slice(1)])
      })
  )

  it.effect.prop(
    "a rest without its newline is an error, never a line",
    [Schema.String, Cuts],
    ([text, cuts]) =>
      Effect.gen(function* () {
        const bytes = encode(`whole\n${text.replaceAll("\n", "")}x`)
        const seen: Array<string> = []
        const error = yield* lines(Stream.fromIterable(pieces(bytes, cuts)), request).pipe(
          Stream.runForEach((line) => Effect.sync(() => seen.push(line))),
          Effect.flip
        )
        assert.deepEqual(seen, ["whole"])
        assert.strictEqual(error.reason._tag, "Unavailable")
      })
  )

  it.effect("a rest that is the beginning of a character is an error too", () =>
    Effect.gen(function* () {
      const bytes = Uint8Array.of(...encode("whole\n"), 0xe6)
      const error = yield* Effect.flip(Stream.runDrain(lines(Stream.succeed(bytes), request)))
      assert.strictEqual(error.reason._tag, "Unavailable")
    })
  )

  it.effect.prop("only a Status that says Success is code 0", [Schema.Json], ([json]) =>
    Effect.sync(() => {
      const exit = exitOf(encode(JSON.stringify(json)))
      assert.isFalse(exit._tag === "Exited" && exit.code === 0)
      assert.strictEqual(exitOf(encode(`${JSON.stringify(json)}}`))._tag, "Unknown")
    })
  )

  it.effect.prop("standard input is the frames put together", [Schema.Int], ([size]) =>
    Effect.sync(() => {
      const chunk = Uint8Array.from({ length: Math.abs(size) % 200_000 }, (_, index) => index % 251)
      const frames = stdinFrames(chunk)
      assert.isTrue(frames.every((frame) => frame[0] === 0 && frame.length > 1))
      assert.deepEqual(Buffer.concat(frames.map((frame) => frame.subarray(1))), Buffer.from(chunk))
    })
  )

  it.effect.prop("a kubeconfig is read or refused in one line, and never crashes", [Schema.Json], ([json]) =>
    Effect.scoped(
      Effect.gen(function* () {
        const dir = yield* folder
        const faults = [{ "current-context": json }, { contexts: json }, { clusters: json }, { users: json }]
        for (const fault of [...faults, { users: [{ name: "u", user: json }] }]) {
          const file = write(dir, "f", {
            "current-context": "x",
            contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
            clusters: [{ name: "c", cluster: { server: "https://x" } }],
            ...fault
          })
          const result = yield* Effect.result(access({ kubeconfig: file, environment: {} }))
          if (result._tag === "Failure") {
            assert.strictEqual(result.failure.reason._tag, "Config")
            assert.notInclude(result.failure.message, "\n")
          }
        }
      })
    )
  )
})
