import { execFileSync, spawnSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Cluster, ClusterError, type ExecExit, type ExecRequest } from "../../packages/sdk/src/Cluster.ts"
import * as Hook from "../../packages/sdk/src/Hook.ts"
import { Patience } from "../../packages/sdk/src/resource/Patience.ts"

const member: Hook.Member = { namespace: "shop", pod: "db-2", ordinal: 2, fqdn: "db-2.db.shop.svc" }
const hook: Hook.Command = {
  _tag: "Command",
  argv: ["leave", "{pod}", "{ordinal}", "{fqdn}"],
  container: null,
  timeout: 2000
}
const encoder = new TextEncoder()

/** A cluster whose exec answers with what the token makes of it. */
const answering = (
  answer: (token: string) => { readonly out: string; readonly err?: string; readonly exit: ExecExit },
  asked: Array<ExecRequest> = []
): Cluster["Service"] => ({
  request: () => Effect.die("no request is expected"),
  watch: () => Stream.die("no watch is expected"),
  origin: { context: null, server: "", namespace: "shop", user: null },
  exec: (request) =>
    Effect.sync(() => {
      asked.push(request)
      const { out, err = "", exit } = answer(request.command[4] ?? "")
      return {
        stdout: Stream.succeed(encoder.encode(out)),
        stderr: Stream.succeed(encoder.encode(err)),
        write: () => Effect.void,
        closeStdin: Effect.void,
        exit: Effect.succeed(exit)
      }
    })
})

const outcome = (cluster: Cluster["Service"]) =>
  Effect.provideService(Hook.run(hook, member), Cluster, cluster)

describe("a hook", () => {
  it.effect("is an argv with the member's identity filled in, behind a constant script", () =>
    Effect.gen(function* () {
      const asked: Array<ExecRequest> = []
      yield* outcome(
        answering((token) => ({ out: `\n${token} 0\n`, exit: { _tag: "Exited", code: 0 } }), asked)
      )
      const command = asked[0]?.command ?? []
      assert.deepEqual(command.slice(0, 4), ["sh", "-c", Hook.script, "kubectl-stateful"])
      assert.deepEqual(command.slice(5), ["2", "leave", "db-2", "2", "db-2.db.shop.svc"])
    })
  )

  it.effect("has succeeded only when its token says so", () =>
    Effect.gen(function* () {
      const proven = yield* outcome(
        answering((token) => ({ out: `ok\n${token} 0\n`, exit: { _tag: "Exited", code: 0 } }))
      )
      assert.strictEqual(proven._tag, "Succeeded")
      const bare = yield* outcome(answering(() => ({ out: "ok\n", exit: { _tag: "Exited", code: 0 } })))
      assert.strictEqual(bare._tag, "Unknown")
      const forged = yield* outcome(
        answering(() => ({ out: "\nkubectl-stateful-00000000 0\n", exit: { _tag: "Exited", code: 0 } }))
      )
      assert.strictEqual(forged._tag, "Unknown")
    })
  )

  it.effect("that proved its end before the connection was cut has ended", () =>
    Effect.gen(function* () {
      const cut = yield* outcome(
        answering((token) => ({ out: `\n${token} 0\n`, exit: { _tag: "Unknown", message: "cut" } }))
      )
      assert.strictEqual(cut._tag, "Succeeded")
    })
  )

  it.effect("that fails says its code and its last words, without what a terminal would obey", () =>
    Effect.gen(function* () {
      const failed = yield* outcome(
        answering((token) => ({
          out: `\n${token} 3\n`,
          err: "a\nno \u001b[31mquorum\n",
          exit: { _tag: "Exited", code: 3 }
        }))
      )
      assert.deepEqual(failed, { _tag: "Failed", message: "exit code 3: no  [31mquorum", code: 3 })
    })
  )

  it.effect("that fails with a stack trace says the line above it", () =>
    Effect.gen(function* () {
      const node = `file:///app.mjs:1
await fetch("http://db-1.db:7000/")
^

TypeError: fetch failed
    at node:internal/deps/undici/undici:1:1
    at async file:///app.mjs:1:1 {
  [cause]: Error: getaddrinfo ENOTFOUND db-1.db
      at GetAddrInfoReqWrap.onlookup [as oncomplete] (node:dns:1:1) {
    code: 'ENOTFOUND',
    hostname: 'db-1.db'
  }
}

Node.js v26.10.0
`
      const java = `Exception in thread "main" java.lang.RuntimeException: cannot leave
\tat Leave.main(Leave.java:5)
Caused by: java.io.IOException: no quorum
\tat Leave.ask(Leave.java:9)
\t... 1 more
`
      for (const [err, why] of [
        [node, "[cause]: Error: getaddrinfo ENOTFOUND db-1.db"],
        [java, "Caused by: java.io.IOException: no quorum"],
        ["warned\n    at here\nno quorum\n", "no quorum"],
        ["Uncaught:\n'no quorum'\n\nNode.js v26.10.0\n", "'no quorum'"],
        ["    at here\n", ""]
      ] as const) {
        const failed = yield* outcome(
          answering((token) => ({ out: `\n${token} 1\n`, err, exit: { _tag: "Exited", code: 1 } }))
        )
        const message = `exit code 1${why === "" ? "" : `: ${why}`}`
        assert.deepEqual(failed, { _tag: "Failed", message, code: 1 })
      }
    })
  )

  it.effect("that prints megabytes still proves its end", () =>
    Effect.gen(function* () {
      const loud = yield* outcome(
        answering((token) => ({
          out: `${"x".repeat(3_000_000)}\n${token} 0\n`,
          exit: { _tag: "Exited", code: 0 }
        }))
      )
      assert.strictEqual(loud._tag, "Succeeded")
      assert.isBelow(loud._tag === "Succeeded" ? loud.output.length : Infinity, 5000)
    })
  )

  it.effect("that hangs with its connection is unknown after its time and some grace", () =>
    Effect.gen(function* () {
      const hanging: Cluster["Service"] = {
        ...answering(() => ({ out: "", exit: { _tag: "Exited", code: 0 } })),
        exec: () => Effect.never
      }
      const fiber = yield* Effect.forkChild(outcome(hanging))
      yield* TestClock.adjust("13 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Unknown")
    })
  )

  it.effect("is not begun by a caller that may not any more, and says so", () =>
    Effect.gen(function* () {
      const words: Array<string> = []
      const cluster: Cluster["Service"] = {
        ...answering(() => ({ out: "", exit: { _tag: "Exited", code: 1 } })),
        exec: (request) =>
          Effect.succeed({
            stdout: Stream.succeed(encoder.encode(`\n${request.command[4] ?? ""} -\n`)),
            stderr: Stream.empty,
            write: (chunk) => Effect.sync(() => void words.push(new TextDecoder().decode(chunk))),
            closeStdin: Effect.void,
            exit: Effect.succeed({ _tag: "Exited", code: 1 })
          })
      }
      const asked = (permit: Effect.Effect<void, string>) =>
        Effect.provideService(Hook.run(hook, member, permit), Cluster, cluster)
      assert.strictEqual(yield* Effect.flip(asked(Effect.fail("fenced"))), "fenced")
      assert.deepEqual(words, [])
      assert.strictEqual((yield* asked(Effect.void))._tag, "Failed")
      assert.match(words.join(""), /^kubectl-stateful-[0-9a-f]{8}\n$/)
    })
  )

  it.effect("that the server refused, or that never reached it, has not run; what else failed may have", () =>
    Effect.gen(function* () {
      const failing = (tag: "NotFound" | "Unavailable" | "OutcomeUnknown", status?: number) => ({
        ...answering(() => ({ out: "", exit: { _tag: "Exited", code: 0 } })),
        exec: () =>
          Effect.fail(
            new ClusterError({
              reason: { _tag: tag },
              message: "no",
              ...(status === undefined ? {} : { status })
            })
          )
      })
      assert.strictEqual((yield* outcome(failing("NotFound")))._tag, "Failed")
      assert.strictEqual((yield* outcome(failing("Unavailable")))._tag, "Failed")
      assert.strictEqual((yield* outcome(failing("Unavailable", 503)))._tag, "Unknown")
      assert.strictEqual((yield* outcome(failing("OutcomeUnknown")))._tag, "Unknown")
    })
  )

  it.effect("has not run where the server says that nothing could be started", () =>
    Effect.gen(function* () {
      const message =
        'Internal error occurred: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: exec: "sh": executable file not found in $PATH'
      const said = yield* outcome(answering(() => ({ out: "", exit: { _tag: "Unknown", message } })))
      assert.strictEqual(said._tag, "Failed")
      assert.match(said._tag === "Failed" ? said.message : "", /^the image has no sh to run it/)
      // The same words from the command itself prove nothing.
      const forged = yield* outcome(
        answering(() => ({ out: message, err: message, exit: { _tag: "Unknown", message: "cut" } }))
      )
      assert.strictEqual(forged._tag, "Unknown")
    })
  )

  /** Sessions that prove their end once they heard the word; `fails` answers what an attempt fails with. */
  const speaking = (fails: (attempt: number) => ClusterError | null, words: Array<string>) => {
    let attempts = 0
    const cluster: Cluster["Service"] = {
      ...answering(() => ({ out: "", exit: { _tag: "Exited", code: 0 } })),
      exec: (request) =>
        Effect.suspend(() => {
          attempts += 1
          const failure = fails(attempts)
          if (failure !== null) return Effect.fail(failure)
          return Effect.succeed({
            stdout: Stream.succeed(encoder.encode(`\n${request.command[4] ?? ""} 0\n`)),
            stderr: Stream.empty,
            write: (chunk) => Effect.sync(() => void words.push(new TextDecoder().decode(chunk))),
            closeStdin: Effect.void,
            exit: Effect.succeed<ExecExit>({ _tag: "Exited", code: 0 })
          })
        })
    }
    return cluster
  }

  const waiting = { millis: 60_000, failed: () => Effect.void, answered: Effect.void }
  const underWay = <A, E>(cluster: Cluster["Service"], effect: Effect.Effect<A, E, Cluster>) =>
    effect.pipe(Effect.provideService(Patience, waiting), Effect.provideService(Cluster, cluster))
  const lost = new ClusterError({ reason: { _tag: "OutcomeUnknown" }, message: "the connection closed" })

  it.effect("is tried again before the word to begin, whatever its connection failed with", () =>
    Effect.gen(function* () {
      const words: Array<string> = []
      const cluster = speaking((attempt) => (attempt < 3 ? lost : null), words)
      const fiber = yield* Effect.forkChild(underWay(cluster, Hook.run(hook, member, Effect.void)))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Succeeded")
      assert.lengthOf(words, 1)
    })
  )

  it.effect("is not begun behind a permit that took longer than the script waits, but tried again", () =>
    Effect.gen(function* () {
      const words: Array<string> = []
      let asked = 0
      const permit = Effect.suspend(() => Effect.sleep(asked++ === 0 ? "30 seconds" : "10 millis"))
      // Its connection ended long ago; had the word been sent, nobody could tell what became of it.
      const cluster = speaking(() => null, words)
      const fiber = yield* Effect.forkChild(
        underWay(cluster, Hook.run({ ...hook, timeout: 60_000 }, member, permit))
      )
      yield* TestClock.adjust("29 seconds")
      assert.deepEqual(words, [])
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "Succeeded")
      assert.deepEqual([asked, words.length], [2, 1])
    })
  )

  it.effect("has failed, and was not begun, once patience is over", () =>
    Effect.gen(function* () {
      const cluster = speaking(() => lost, [])
      const fiber = yield* Effect.forkChild(underWay(cluster, Hook.run(hook, member, Effect.void)))
      yield* TestClock.adjust("2 minutes")
      const ended = yield* Fiber.join(fiber)
      assert.deepEqual(ended, {
        _tag: "Failed",
        message: "it was not started: the connection closed",
        code: null
      })
    })
  )
})

describe("the script, by a real sh,", () => {
  const run = (seconds: string, ...argv: ReadonlyArray<string>) =>
    spawnSync("sh", ["-c", Hook.script, "kubectl-stateful", "T", seconds, ...argv], { encoding: "utf8" })

  it("gives the argv to the command as it is, and proves its exit code", () => {
    const odd = `a b;$(id)"'`
    const done = run("5", "printf", "%s|", odd, "")
    assert.strictEqual(done.stdout, `${odd}||\nT 0\n`)
    const failed = run("5", "false")
    assert.deepEqual([failed.status, failed.stdout], [1, "\nT 1\n"])
    assert.strictEqual(run("5", "/no/such/program").stdout, "\nT 127\n")
  })

  it("ends a command that takes too long, and proves that too", () => {
    const late = run("1", "sleep", "60")
    assert.strictEqual(late.stdout, "\nT 143\n")
  })

  it.each(["sh", "bash"])("begins only on the word to begin, by %s", (shell) => {
    const told = (input: string) =>
      spawnSync(shell, ["-c", Hook.script, "kubectl-stateful", "T", "5+", "echo", "begun"], {
        encoding: "utf8",
        input
      }).stdout
    assert.strictEqual(told("T\n"), "begun\n\nT 0\n")
    assert.strictEqual(told("another\n"), "\nT -\n")
    assert.strictEqual(told(""), "\nT -\n")
  })

  it.each(["sh", "bash"])("begins no more when the word comes after a second, by %s", (shell) => {
    const late = spawnSync(
      "sh",
      ["-c", '(sleep 2; echo T) | "$0" -c "$1" kubectl-stateful T 5+ echo begun', shell, Hook.script],
      { encoding: "utf8" }
    )
    assert.strictEqual(late.stdout, "\nT -\n")
  })

  it("leaves no process behind that holds the output", () => {
    const out = execFileSync("sh", ["-c", Hook.script, "kubectl-stateful", "T", "30", "true"], {
      encoding: "utf8",
      timeout: 5000
    })
    assert.strictEqual(out, "\nT 0\n")
  })

  it("leaves no orphan, which PostgreSQL as a container's first process takes for a crash of its own", () => {
    run("31757", "true")
    const processes = execFileSync("ps", ["-A", "-o", "args"], { encoding: "utf8" })
    assert.notInclude(processes, "sleep 31757")
  })
})

describe("a fingerprint", () => {
  it("tells two commands apart, and names none", () => {
    const other = { ...hook, argv: ["leave", "all"] }
    assert.notStrictEqual(Hook.fingerprint(hook), Hook.fingerprint(other))
    assert.match(Hook.fingerprint(hook), /^[0-9a-f]{16}$/)
  })
})
