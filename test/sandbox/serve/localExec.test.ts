import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Cluster } from "../../../packages/sdk/src/Cluster.ts"
import { script } from "../../../packages/sdk/src/Hook.ts"
import { type Answered, answeredHere, localAnswer } from "../../../packages/sandbox/src/serve/LocalExec.ts"
import { make } from "../../../packages/sandbox/src/Sandbox.ts"

/** A sandbox with a pod `db-0` whose commands are answered so, and what was told of them. */
const answering = (...texts: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const told: Array<Answered> = []
    const answers = texts.flatMap((text) => localAnswer(text) ?? [])
    const programs = answeredHere(
      answers,
      () => undefined,
      (each) => told.push(each)
    )
    const { cluster, create } = yield* make({ startMillis: 0, programs })
    create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "db-0", namespace: "default" },
      spec: { containers: [{ name: "db", image: "db" }] }
    })
    yield* Effect.sleep("100 millis")
    return { cluster, told }
  })

const run = ({ exec }: Cluster["Service"], command: ReadonlyArray<string>, input?: string) =>
  Effect.gen(function* () {
    const session = yield* exec({ namespace: "default", pod: "db-0", command, stdin: input !== undefined })
    if (input !== undefined) yield* session.write(Buffer.from(input))
    yield* session.closeStdin
    const [out, err, exit] = yield* Effect.all(
      [
        Stream.mkString(Stream.decodeText(session.stdout)),
        Stream.mkString(Stream.decodeText(session.stderr)),
        session.exit
      ],
      { concurrency: "unbounded" }
    )
    return { out, err, code: exit._tag === "Exited" ? exit.code : exit.message }
  }).pipe(Effect.scoped)

const hook = (limit: string, ...argv: ReadonlyArray<string>) => [
  "sh",
  "-c",
  script,
  "x",
  "token",
  limit,
  ...argv
]

describe("commands in pods, answered on this machine", () => {
  it("an answer names a pod and a command", () => {
    assert.deepEqual(localAnswer("db-*/c=a=b\nc"), { pod: "db-*", container: "c", shell: "a=b\nc" })
    for (const text of ["db-0", "db-0=", "db-0= ", "=exit 0", "Db_0=exit 0", "a/b/c=exit 0"])
      assert.isUndefined(localAnswer(text))
  })

  it.live("the first answer that fits gets the command, its input, and where it runs", () =>
    Effect.gen(function* () {
      const { cluster, told } = yield* answering(
        "db-1=exit 9",
        'db-*=cat; echo "$NAMESPACE/$POD/$CONTAINER: $*"; echo error >&2; exit 3',
        "*=exit 8"
      )
      assert.deepEqual(yield* run(cluster, ["a", "b c"], "input\n"), {
        out: "input\ndefault/db-0/db: a b c\n",
        err: "error\n",
        code: 3
      })
      assert.deepEqual(told, [{ pod: "db-0", container: "db", argv: ["a", "b c"], code: 3 }])
    }).pipe(Effect.scoped)
  )

  it.live("a pod that no answer fits is as it was", () =>
    Effect.gen(function* () {
      const { cluster, told } = yield* answering("db=exit 9", "db-0/other=exit 9")
      assert.strictEqual((yield* run(cluster, ["echo", "hello"])).out, "hello\n")
      assert.isEmpty(told)
    }).pipe(Effect.scoped)
  )

  it.live("a hook has its proof, begins at the word, and is not run to ask for a shell", () =>
    Effect.gen(function* () {
      const { cluster, told } = yield* answering("db-0=exit 4")
      assert.deepInclude(yield* run(cluster, hook("5", ":")), { out: "\ntoken 0\n", code: 0 })
      assert.deepInclude(yield* run(cluster, hook("5+", "a"), "other\n"), { out: "\ntoken -\n", code: 1 })
      assert.isEmpty(told)
      assert.deepInclude(yield* run(cluster, hook("5+", "a"), "token\n"), { out: "\ntoken 4\n", code: 4 })
      assert.lengthOf(told, 1)
    }).pipe(Effect.scoped)
  )

  it.live("a hook that takes too long is ended, and all that it started", () =>
    Effect.gen(function* () {
      const folder = mkdtempSync(join(tmpdir(), "local-exec-"))
      const late = join(folder, "late")
      const { cluster } = yield* answering(`db-0=(sleep 2; touch ${late}) & wait`)
      assert.deepInclude(yield* run(cluster, hook("1", "a")), { out: "\ntoken 143\n", code: 143 })
      yield* Effect.sleep("1500 millis")
      assert.isFalse(existsSync(late))
      rmSync(folder, { recursive: true })
    }).pipe(Effect.scoped)
  )

  for (const [what, command] of [
    [
      "that will not end when it is asked to",
      (late: string) => `trap "" TERM; sleep 2; sleep 1; touch ${late}`
    ],
    ["whose shell has ended before what it started", (late: string) => `(sleep 3; touch ${late}) & exit 0`]
  ] as const) {
    it.live(`a hook ${what} leaves nothing behind`, () =>
      Effect.gen(function* () {
        const folder = mkdtempSync(join(tmpdir(), "local-exec-"))
        const late = join(folder, "late")
        const { cluster } = yield* answering(`db-0=${command(late)}`)
        assert.deepInclude(yield* run(cluster, hook("1", "a")), { code: 143 })
        yield* Effect.sleep("2500 millis")
        assert.isFalse(existsSync(late))
        rmSync(folder, { recursive: true })
      }).pipe(Effect.scoped)
    )
  }

  it.live("all of a long output comes, a piece at a time", () =>
    Effect.gen(function* () {
      const { cluster } = yield* answering("db-0=head -c 300000 /dev/zero | tr '\\0' x")
      assert.lengthOf((yield* run(cluster, ["a"])).out, 300_000)
    }).pipe(Effect.scoped)
  )
})
