import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Program } from "../../packages/sandbox/src/node/Program.ts"
import { pods } from "../../packages/sandbox/src/registry/kinds/core.ts"
import { make } from "../../packages/sandbox/src/Sandbox.ts"
import { pod } from "./asking.ts"

/** Answers `double` with its input twice, and takes its time over `slow`. */
const program: Program = {
  onExec: (_, { argv, stdin, stdout, stderr }) =>
    Effect.gen(function* () {
      if (argv[0] === "slow") yield* Effect.sleep("10 seconds")
      const input = yield* Stream.mkString(Stream.decodeText(stdin))
      yield* stdout(input + input)
      yield* stderr("done")
      return 3
    })
}

const running = Effect.gen(function* () {
  const sandbox = yield* make({ programs: () => program })
  sandbox.create(pod("db-0"))
  yield* TestClock.adjust("5 seconds")
  return sandbox
})

const target = { namespace: "default", pod: "db-0" }
const text = (stream: Stream.Stream<Uint8Array, unknown>) => Stream.mkString(Stream.decodeText(stream))

describe("an exec in the sandbox", () => {
  it.effect("carries stdin in, and stdout, stderr and the exit code out", () =>
    Effect.gen(function* () {
      const { cluster } = yield* running
      const session = yield* cluster.exec({ ...target, command: ["double"], stdin: true })
      yield* session.write(new TextEncoder().encode("ab"))
      yield* session.closeStdin
      assert.strictEqual(yield* text(session.stdout), "abab")
      assert.strictEqual(yield* text(session.stderr), "done")
      assert.deepStrictEqual(yield* session.exit, { _tag: "Exited", code: 3 })
    })
  )

  it.effect("whose node is lost meanwhile ends without an exit code", () =>
    Effect.gen(function* () {
      const sandbox = yield* running
      const session = yield* sandbox.cluster.exec({ ...target, command: ["slow"] })
      yield* session.closeStdin
      const exit = yield* Effect.forkChild(session.exit)
      sandbox.loseNode(sandbox.registry.find(pods, "default", "db-0").spec.nodeName ?? "")
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* Fiber.join(exit))._tag, "Unknown")
    })
  )

  it.effect("in a container that is killed ends with SIGKILL's code", () =>
    Effect.gen(function* () {
      const sandbox = yield* running
      const session = yield* sandbox.cluster.exec({ ...target, command: ["slow"] })
      sandbox.registry.remove(pods, "default", "db-0", { gracePeriodSeconds: 0 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* session.exit, { _tag: "Exited", code: 137 })
    })
  )

  it.effect("into what is not there is refused as the server does", () =>
    Effect.gen(function* () {
      const { cluster, create, as } = yield* running
      create({ ...pod("late"), spec: { ...pod("").spec, nodeSelector: { never: "here" } } })
      const refused = (request: Parameters<typeof cluster.exec>[0], by = cluster) =>
        Effect.map(Effect.flip(by.exec(request)), (error) => `${error.reason._tag}: ${error.message}`)
      const command = ["true"]
      assert.strictEqual(
        yield* refused({ ...target, pod: "none", command }),
        'NotFound: pods "none" not found'
      )
      assert.strictEqual(
        yield* refused({ ...target, container: "other", command }),
        "BadRequest: container other is not valid for pod db-0"
      )
      assert.strictEqual(
        yield* refused({ ...target, pod: "late", command }),
        "BadRequest: pod late does not have a host assigned"
      )
      const stranger = as({ name: "alice", allow: [] })
      assert.include(yield* refused({ ...target, command }, stranger), 'cannot create resource "pods/exec"')
    })
  )
})
