/**
 * Quiesce commands: a command of the application that stays open in its pod during a freeze, and whose freeze
 * is proven while it lasts.
 *
 * The command does its work, prints a line `held`, and keeps the member quiesced until its standard input
 * ends; then it undoes its work and exits with 0. A constant script runs it in the pod, since of all parts
 * only the pod itself surely exists at the deadline: whatever happens to this process, to the API server or
 * to the network, the command's input ends with the word `end`, with the connection, or with the deadline,
 * whichever comes first.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Cluster, type ClusterError, type ExecSession } from "./Cluster.ts"
import { Heard, lines, script } from "./QuiesceScript.ts"
import { type Member, refusals, wordWithin, underScript } from "./Hook.ts"
import { lastLine, lastWords } from "./LastWords.ts"
import { millisSince } from "./Elapsed.ts"
import { randomId } from "./RandomId.ts"

/**
 * A command that keeps its member quiesced until its standard input ends.
 *
 * **Caveats**: the command exits when its input ends, and its freeze must end with its process: a session's
 * lock, never a switch that survives it. A command that ignores the end of its input gets TERM after 5
 * seconds and KILL after 10; only the process itself gets them, not its children.
 *
 * **Example**: `{ _tag: "QuiesceCommand", argv: ["mariadb", "-N", "--unbuffered"], container: null, deadline:
 * 10_000, input: "BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT; SELECT 'held';" }`
 */
export const QuiesceCommand = Schema.TaggedStruct("QuiesceCommand", {
  /**
   * Never passed through a shell; `{pod}`, `{ordinal}` and `{fqdn}` are replaced with the member's own
   * values.
   */
  argv: Schema.Array(Schema.String),
  /** `null` for the pod's default container. */
  container: Schema.NullOr(Schema.String),
  /**
   * The maximum duration of the freeze, in milliseconds from its start; rounded down to whole seconds, at
   * least one.
   */
  deadline: Schema.Natural,
  /**
   * Its first lines of input, before it quiesces the member; `null` for none. It contains no NUL, and is in
   * no argv.
   */
  input: Schema.NullOr(Schema.String)
})
export type QuiesceCommand = typeof QuiesceCommand.Type

/** Reason that the member is not quiesced. */
export const NotHeldReason = Schema.Union([
  /** Nothing was started, and another attempt may succeed: the server was slow, or not reachable. */
  Schema.TaggedStruct("NotBegun", {}),
  /** Nothing was started, nor would it be: the server refused it. */
  Schema.TaggedStruct("Refused", {}),
  /** Nothing was started, nor would it be: the image has no `sh`, no `sleep`, or there is no `/proc`. */
  Schema.TaggedStruct("NoShell", {}),
  /** The command exited before it quiesced the member. */
  Schema.TaggedStruct("Ended", { code: Schema.Int }),
  /** The command did not hold when its deadline passed; its input was ended. */
  Schema.TaggedStruct("Lapsed", {}),
  /** It may have started, and may keep the member quiesced until its deadline. */
  Schema.TaggedStruct("Unknown", {})
])
export type NotHeldReason = typeof NotHeldReason.Type

/** The error of `hold`. A message has the command's or the server's words in it: it is for a terminal. */
export class NotHeld extends Schema.TaggedError<NotHeld>()("NotHeld", {
  reason: NotHeldReason,
  message: Schema.String
}) {}

/**
 * Whether a command keeps its member quiesced. `Lapsed`: its deadline passed, or it ended. `Unknown` is never
 * a success.
 */
export type Answer =
  | { readonly _tag: "Held" }
  | { readonly _tag: "Lapsed"; readonly message: string }
  | { readonly _tag: "Unknown"; readonly message: string }

/**
 * The end of a freeze. `millisHeld` is the time from the line `held`, as it was seen here, to this answer.
 *
 * - `Released`: the command's end is proven. `neverLapsed` is true only if a question that was sent with the
 *   release was answered by a quiesced command, no lapse was reported before, and the command exited with 0:
 *   with another code it reports that its freeze was lost.
 * - `Unknown`: the connection or the time was over first. It never counts as a success; `stillHeld` says that
 *   the question was answered, so that all before the release was under the hold.
 */
export type Release =
  | {
      readonly _tag: "Released"
      readonly neverLapsed: boolean
      readonly code: number
      readonly millisHeld: number
      readonly message: string
      /** The application's own output, only for a terminal. */
      readonly said?: string
    }
  | {
      readonly _tag: "Unknown"
      readonly stillHeld: boolean
      readonly millisHeld: number
      readonly message: string
    }

/** The output of a command between two stages: texts by their names, each with its lines. */
export interface Kept {
  readonly name: string
  readonly text: string
}

/** Whether a command completed its work between two stages. */
export type Next =
  | { readonly _tag: "Done"; readonly kept: ReadonlyArray<Kept> }
  | { readonly _tag: "Failed"; readonly message: string }

/** A command that keeps its member quiesced. */
export interface Held {
  /** Asks the pod whether it is still quiesced, with a nonce. Takes 2 seconds at most. */
  readonly ask: Effect.Effect<Answer>
  /** Runs the work between two stages, and returns once that is done, or cannot be. */
  readonly next: Effect.Effect<Next>
  /**
   * Ends the freeze, and reports how that went. It is sent once, however often it is called, and continues if
   * the caller is interrupted. Takes 15 seconds at most.
   */
  readonly release: Effect.Effect<Release>
  /** Time since the line `held` was seen, by the monotonic clock; it stops once the release is answered. */
  readonly millisHeld: Effect.Effect<number>
}

/** Time until the connection is open and the permit is given, in milliseconds. */
const openWithin = 10_000
/** The timeout of an answer, in addition to the time that the pod itself may take. */
const answerWithin = 2000
/** The command's own time to end, TERM and KILL included, and the answer's way. */
const releaseWithin = 15_000
/** The timeout for the last answer before the release. */
const lastAnswerWithin = 1000
/** A scope that closes waits no longer for a proper end: the connection's end is one too. */
const closeWithin = 3000

const encoder = new TextEncoder()

const random = Effect.map(Effect.all([randomId, randomId]), (words) => words.join(""))

const notHeld = (tag: Exclude<NotHeldReason["_tag"], "Ended">, message: string) =>
  new NotHeld({ reason: { _tag: tag }, message })

/** Before the go signal, no failure has started anything. */
const notBegun = ({ reason, message }: ClusterError): NotHeld =>
  notHeld(refusals.includes(reason._tag) ? "Refused" : "NotBegun", message)

/** Opens the connection, and gives the word while the script waits for it. */
const begin = Effect.fnUntraced(function* <E, R>(
  hook: QuiesceCommand,
  member: Member,
  permit: Effect.Effect<unknown, E, R> | null,
  token: string
) {
  const cluster = yield* Cluster
  const session = yield* Effect.mapError(
    cluster.exec({
      ...underScript(script, [token, `${Math.max(1, Math.floor(hook.deadline / 1000))}`], hook, member),
      stdin: true
    }),
    notBegun
  )
  const asked = yield* Clock.monotonicTimeNanos
  if (permit !== null) yield* permit
  if ((yield* millisSince(asked)) > wordWithin) {
    return yield* notHeld("NotBegun", "the server was too slow to start it")
  }
  return session
})

/** Reads all output of the pod while the connection is open; of stderr only the end. */
const listen = Effect.fnUntraced(function* (session: ExecSession, token: string) {
  const heard = new Heard()
  const said = { stderr: "" }
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const hear = lines((line) => heard.word(token, line, clock.monotonicTimeNanosUnsafe()))
  yield* session.stdout.pipe(
    Stream.decodeText(),
    Stream.runForEach((text) => Effect.sync(() => hear(text))),
    Effect.ignore,
    Effect.ensuring(Effect.sync(() => heard.lose())),
    Effect.forkIn(scope)
  )
  yield* session.stderr.pipe(
    Stream.decodeText(),
    Stream.runForEach((text) => Effect.sync(() => (said.stderr = (said.stderr + text).slice(-4096)))),
    Effect.ignore,
    Effect.forkIn(scope)
  )
  return { heard, said }
})

/** Reason that the member is not quiesced, once that is certain or the time has passed. */
const whyNot = Effect.fnUntraced(function* (session: ExecSession, heard: Heard, stderr: string) {
  const last = lastWords(stderr)
  if (heard.none === "late") return notHeld("NotBegun", "the go signal came too late")
  if (heard.none !== null) {
    return notHeld(
      "NoShell",
      `the pod has no ${heard.none === "proc" ? "/proc" : heard.none} to stop it in time`
    )
  }
  if (heard.hasLapsed) return notHeld("Lapsed", "it did not quiesce the member before its deadline")
  if (heard.code !== null) {
    const { code } = heard
    const message = `it exited before it quiesced the member: exit code ${code}${last === "" ? "" : `: ${last}`}`
    return new NotHeld({ reason: { _tag: "Ended", code }, message })
  }
  if (!heard.isLost) return notHeld("Unknown", "no answer came in time")
  const exit = yield* Effect.timeoutOption(session.exit, 1000)
  if (exit._tag === "None") return notHeld("Unknown", "the connection closed before it quiesced the member")
  const how = exit.value
  // The server's own words, and a shell's own codes where no token came: nothing was started.
  const none =
    how._tag === "Unknown"
      ? /unable to start container process/.test(how.message)
      : [126, 127, 128].includes(how.code)
  const message = how._tag === "Unknown" ? lastLine(how.message) : `exit code ${how.code}`
  return none
    ? notHeld("NoShell", `the image has no sh to run it (${message})`)
    : notHeld("Unknown", `the connection closed before it quiesced the member: ${message}`)
})

/** Sends something, and waits for the response; a server that does not accept it blocks nothing. */
const exchange = (session: ExecSession, text: string, arrival: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.interruptible(
    Effect.raceFirst(
      arrival,
      Effect.andThen(Effect.ignore(session.write(encoder.encode(text))), Effect.never)
    )
  )

/** The texts by their names, in the order of their lines. */
const textsOf = (lines: ReadonlyArray<string>): ReadonlyArray<Kept> => {
  const all = Map.groupBy(lines, (line) => line.split(" ", 1)[0] ?? "")
  return [...all].map(([name, own]) => ({
    name,
    text: own.map((line) => `${line.slice(name.length + 1)}\n`).join("")
  }))
}

/** The script gives the line on to the command, whose answer is another one. */
const nextOf = (session: ExecSession, heard: Heard, millis: number) =>
  Effect.gen(function* (): Effect.fn.Return<Next> {
    const before = heard.nexts
    const arrival = heard.until(() => heard.isOver || heard.nexts > before, millis)
    if (!heard.isOver) yield* exchange(session, "+next\n", arrival)
    const failed = (message: string): Next => ({ _tag: "Failed", message })
    if (heard.keepsTooMuch) return failed("it prints more than can be saved")
    if (heard.nexts > before) return { _tag: "Done", kept: textsOf(heard.kept.splice(0)) }
    if (heard.hasLapsed) return failed("its deadline passed")
    if (heard.code !== null) return failed(`it ended with exit code ${heard.code}`)
    return failed(heard.isLost ? "the connection closed" : "no answer came in time")
  })

const holding = Effect.fnUntraced(function* (
  session: ExecSession,
  heard: Heard,
  since: bigint,
  deadline: number
) {
  const answered = yield* Deferred.make<Release>()
  let isAsked = false
  let until: number | null = null
  const elapsed = millisSince(since)

  const ask = Effect.gen(function* (): Effect.fn.Return<Answer> {
    const nonce = yield* random
    const arrival = heard.until(() => heard.isOver || heard.still.has(nonce), answerWithin)
    if (!heard.isOver) yield* exchange(session, `ask ${nonce}\n`, arrival)
    if (heard.hasLapsed) return { _tag: "Lapsed", message: "its deadline passed" }
    if (heard.code !== null) return { _tag: "Lapsed", message: `it ended with exit code ${heard.code}` }
    if (heard.still.delete(nonce)) return { _tag: "Held" }
    return { _tag: "Unknown", message: heard.isLost ? "the connection closed" : "no answer came in time" }
  })

  const end = Effect.gen(function* (): Effect.fn.Return<Release> {
    const nonce = yield* random
    // The question first: a command that ends at once with its input may be gone before a busy pod has looked.
    if (!heard.isEnded) {
      const answer = heard.until(() => heard.isOver || heard.still.has(nonce), lastAnswerWithin)
      yield* exchange(session, `ask ${nonce}\n`, answer)
      yield* exchange(
        session,
        "end\n",
        heard.until(() => heard.isEnded, releaseWithin - lastAnswerWithin)
      )
    }
    const millisHeld = yield* elapsed
    until = millisHeld
    const stillHeld = heard.still.has(nonce)
    const { code } = heard
    if (code === null) {
      const message = heard.isLost
        ? "the connection closed before it reported its end"
        : "no answer came in time"
      return { _tag: "Unknown", stillHeld, millisHeld, message }
    }
    const message = heard.hasLapsed
      ? "its deadline passed before it was released"
      : stillHeld
        ? `it kept the member quiesced until it was released, and exited with code ${code}`
        : `it ended with exit code ${code} before it was released`
    return { _tag: "Released", neverLapsed: stillHeld && code === 0, code, millisHeld, message }
  })

  const release = Effect.suspend(() => {
    if (isAsked) return Deferred.await(answered)
    isAsked = true
    return Effect.andThen(
      Effect.forkDetach(Deferred.into(end, answered), { uninterruptible: false }),
      Deferred.await(answered)
    )
  })
  const millisHeld = Effect.suspend(() => (until === null ? elapsed : Effect.succeed(until)))
  return { ask, next: nextOf(session, heard, deadline), release, millisHeld } satisfies Held
})

/**
 * Starts a quiesce command in its member's pod, and returns once the member is quiesced.
 *
 * It starts only after `permit` succeeds (`null` if not needed), called when the connection is open, and not
 * more than a second later. Nothing is tried twice. The freeze ends with the scope; the scope waits at most 3
 * seconds for a proper release, and otherwise leaves it to the end of the connection.
 *
 * **Caveats**: if it fails with `Ended`, `Lapsed` or `Unknown` the command was or may have been started, and
 * may have done a part of its work. The end of a connection may not reach the pod, and then the deadline ends
 * the freeze. A stuck command takes up to 10 seconds longer.
 *
 * **Errors**: `NotHeld`, with the reason; and those of `permit`: nothing is started then.
 *
 * **Example**: `const held = yield* hold(freeze, member, fence)`, then the volume snapshots, then `const
 * released = yield* held.release`, and check `released._tag === "Released" && released.neverLapsed`.
 */
export const hold = <E = never, R = never>(
  hook: QuiesceCommand,
  member: Member,
  permit: Effect.Effect<unknown, E, R> | null
): Effect.Effect<Held, NotHeld | E, R | Cluster | Scope.Scope> =>
  Effect.gen(function* () {
    if (hook.input?.includes("\0") === true) {
      return yield* notHeld("Refused", "the input of a quiesce command must not contain NUL")
    }
    // A scope of its own: what failed to hold is let go at once, not when the caller's scope ends.
    const scope = yield* Scope.fork(yield* Effect.scope)
    const begun = Effect.gen(function* () {
      const token = `kubectl-stateful-${yield* random}`
      const session = yield* Effect.timeoutOrElse(begin(hook, member, permit, token), {
        duration: openWithin,
        orElse: () => Effect.fail(notHeld("NotBegun", `the server did not start it within ${openWithin} ms`))
      })
      const { heard, said } = yield* listen(session, token)
      const input = hook.input === null ? [] : hook.input.replace(/\n$/, "").split("\n")
      yield* exchange(
        session,
        [token, ...input.map((line) => `+${line}`), ""].join("\n"),
        heard.until(() => heard.heldAt !== null || heard.isOver, Math.max(1000, hook.deadline) + answerWithin)
      )
      if (heard.heldAt === null) return yield* yield* whyNot(session, heard, said.stderr)
      const held = yield* holding(session, heard, heard.heldAt, hook.deadline)
      yield* Effect.addFinalizer(() =>
        Effect.asVoid(Effect.timeoutOption(Effect.interruptible(held.release), closeWithin))
      )
      return held
    })
    return yield* begun.pipe(
      Scope.provide(scope),
      Effect.onExit((exit) => (exit._tag === "Failure" ? Scope.close(scope, exit) : Effect.void))
    )
  })
