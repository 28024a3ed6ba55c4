/**
 * Hooks: commands of the application, run in its pods, whose outcome is proven.
 *
 * A command is an argv array and never passes through a shell: a constant script gets it as `"$@"`, runs it
 * under its own time limit, and prints a token of this run with the exit code. Without that line an exec
 * proves nothing: a broken connection can look like exit code 0 (kubectl#1208), and the command may continue
 * after the connection is gone (kubernetes#73056).
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Cluster, ClusterError, type ExecExit, type ExecRequest } from "./Cluster.ts"
import { digest } from "./Digest.ts"
import { lastLine, lastWords } from "./LastWords.ts"
import { PodUrl, proxyPath, queryOf } from "./PodUrl.ts"
import { isPassing, patiently } from "./resource/Patience.ts"
import { fromStatus, isStatus } from "./resource/Status.ts"
import { randomId } from "./RandomId.ts"
import { millisSince } from "./Elapsed.ts"

/** A command in a container of the pod. */
export const Command = Schema.TaggedStruct("Command", {
  argv: Schema.Array(Schema.String),
  /** `null` for the pod's default container. */
  container: Schema.NullOr(Schema.String),
  /** The time limit of the command, in milliseconds; it is then killed in the pod. */
  timeout: Schema.Natural
})
export type Command = typeof Command.Type

/** The default timeout of a hook: one minute. */
export const defaultTimeout = 60_000

/**
 * A command by its argv. `timeout`: as `"30 seconds"`; a number is milliseconds, from 1; default 1 minute.
 * `container`: default the pod's default.
 *
 * **Example**: `Hook.command(["app", "leave", "{pod}"], { timeout: "30 seconds" })`
 */
export const command = (
  argv: ReadonlyArray<string>,
  options: { readonly container?: string | null; readonly timeout?: Duration.Input } = {}
): Command => {
  const { container = null, timeout = defaultTimeout } = options
  const millis = Math.round(Duration.toMillis(Duration.fromInputUnsafe(timeout)))
  return Command.make({ argv, container, timeout: millis })
}

/** The member whose hook runs, resolved before anything is done. */
export interface Member {
  readonly namespace: string
  readonly pod: string
  readonly ordinal: number
  /** `<pod>.<service>.<namespace>.svc`; the pod's name without a governing Service. */
  readonly fqdn: string
}

/**
 * A custom function, for images without a shell. Its failure is a proven failure; with an `exitCode` it
 * counts like that of a command: a probe that fails with 1 says that the member has left.
 */
export interface Run {
  readonly _tag: "Run"
  /** Changes when the function's meaning does: compared when an operation is resumed. */
  readonly version: string
  readonly run: (
    member: Member
  ) => Effect.Effect<void, { readonly message: string; readonly exitCode?: number }>
}

/**
 * A request to the member's own server through the API server's pod proxy, for images without a shell; an
 * answer of 2xx is a success. It is sent once: nothing is tried again that may have been done.
 */
export const HttpCall = Schema.TaggedStruct("HttpCall", {
  method: Schema.Literals(["GET", "POST"]),
  url: PodUrl,
  /** The timeout of the response, in milliseconds. */
  timeout: Schema.Natural
})
export type HttpCall = typeof HttpCall.Type

export type Hook = Command | Run | HttpCall

/** The part of a hook that a plan and a journal may contain. */
export const fingerprint = (hook: Hook): string =>
  hook._tag === "Run" ? digest({ _tag: hook._tag, version: hook.version }) : digest(hook)

/**
 * The result of a hook. `Unknown`: it may have run, may still run, and never counts as a success. A message
 * contains output of the hook or the server: it is for a terminal, never for a journal.
 */
export type Outcome =
  | { readonly _tag: "Succeeded"; readonly output: string }
  /** `code` is the hook's own exit code; `null` if there is none, for example because it was not started. */
  | { readonly _tag: "Failed"; readonly message: string; readonly code: number | null }
  | { readonly _tag: "Unknown"; readonly message: string }

/**
 * The constant script. `$1` is the token, `$2` its time limit in seconds, the rest the argv. It writes no
 * file, since root file systems are read-only; without `sleep` in the image it has no limit of its own, and
 * only the caller's applies. It leaves behind a sleep of one second that ends by itself: an orphan is adopted
 * by the container's first process, and a PostgreSQL server as that process takes a killed one for a crash of
 * its own, and ends all sessions.
 *
 * With a `+` after the seconds it starts only if the token arrives on stdin within a second: a process that
 * was suspended, and replaced in the meantime, starts nothing in the pod when it resumes.
 */
export const script = `t=$1; s=$2; shift 2; g=
pause() { i=0; while [ "$i" -lt "$1" ] && kill -0 "$p"; do sleep 1 || exit 0; i=$((i+1)); done; kill -0 "$p"; }
limit() { ( pause "$1" && kill -TERM "$p" && pause 5 && kill -KILL "$p" ) >/dev/null 2>&1 & w=$!; }
free() { { kill -KILL "$w"; wait "$w"; } >/dev/null 2>&1; }
late() { [ "$g" = "$t" ] && return; free; printf '\\n%s -\\n' "$t"; exit 1; }
case $s in *+) s=\${s%+}; p=$$; trap late TERM; limit 1; read -r g; late; free; trap - TERM;; esac
"$@" & p=$!
limit "$s"
trap 'kill -TERM "$p"' TERM INT HUP
wait "$p"; c=$?
free
printf '\\n%s %s\\n' "$t" "$c"
exit "$c"`

/** The argv with this member's identity in the place of `{pod}`, `{ordinal}`, `{fqdn}`. */
export const resolve = (argv: ReadonlyArray<string>, member: Member): ReadonlyArray<string> =>
  argv.map((word) =>
    word.replace(/\{(pod|ordinal|fqdn)\}/g, (_, name: string) =>
      name === "pod" ? member.pod : name === "fqdn" ? member.fqdn : `${member.ordinal}`
    )
  )

/** The exec that runs a member's command under a constant script, which gets words of its own before the argv. */
export const underScript = (
  script: string,
  words: ReadonlyArray<string>,
  { argv, container }: Pick<Command, "argv" | "container">,
  member: Member
): ExecRequest => ({
  namespace: member.namespace,
  pod: member.pod,
  ...(container === null ? {} : { container }),
  command: ["sh", "-c", script, "kubectl-stateful", ...words, ...resolve(argv, member)]
})

/** The part of a hook's output that is kept, from its end, in characters. */
const kept = 4096
/** Time that the connection may stay open after the command's own limit, for the proof to arrive. */
const grace = 10_000

const tail = (stream: Stream.Stream<Uint8Array, ClusterError>, into: Ref.Ref<string>) =>
  stream.pipe(
    Stream.decodeText(),
    Stream.runForEach((text) => Ref.update(into, (before) => (before + text).slice(-kept))),
    Effect.ignore
  )

/** `code` is `null` if the command was not started. */
const proof = (
  token: string,
  output: string
): { readonly code: number | null; readonly output: string } | null => {
  const found = new RegExp(`(?:^|\\n)${token} (\\d{1,3}|-)\\n`).exec(output)
  if (found === null) return null
  return { code: found[1] === "-" ? null : Number(found[1]), output: output.slice(0, found.index) }
}

const failure = (code: number, stderr: string): string => {
  const said = lastWords(stderr)
  return `exit code ${code}${said === "" ? "" : `: ${said}`}`
}

const encoder = new TextEncoder()

/** The word goes out only while the script waits for it, with a margin for its way, in milliseconds. */
export const wordWithin = 800

/** The error for a command that was not started; it may be retried. */
const notBegun = (message: string) => new ClusterError({ reason: { _tag: "Timeout" }, message })

/** Answers that another try would get again. */
export const refusals: ReadonlyArray<ClusterError["reason"]["_tag"]> = [
  "NotFound",
  "Forbidden",
  "Unauthorized",
  "BadRequest",
  "Invalid",
  "Unsupported",
  "Config"
]

/** The end of a session, as far as it was received. */
type Ending =
  | ExecExit
  | { readonly _tag: "Late" }
  | { readonly _tag: "Refused"; readonly error: ClusterError }

/** The command's output so far. */
interface Printed {
  readonly token: string
  readonly stdout: string
  readonly stderr: string
}

/** Whether the command was permitted, and whether permission was required. */
interface Permission {
  readonly isAsked: boolean
  readonly isSaid: boolean
}

/** The outcome of a refused session; fails if nothing was started. */
const outcomeOfRefusal = (
  error: ClusterError,
  { isAsked, isSaid }: Permission
): Effect.Effect<Outcome, ClusterError> => {
  const { reason, status, message } = error
  if (refusals.includes(reason._tag)) return Effect.succeed({ _tag: "Failed", message, code: null })
  // Before the word nothing is begun; without a status the server was not reached at all.
  if (!isSaid) return Effect.fail(isPassing(error) ? error : notBegun(message))
  return !isAsked && reason._tag === "Unavailable" && status === undefined
    ? Effect.fail(error)
    : Effect.succeed({ _tag: "Unknown", message })
}

/** The outcome of a session that ended without the script's proof. */
const outcomeWithoutProof = (ending: ExecExit, stderr: string): Outcome => {
  const noShell = (why: string): Outcome => ({
    _tag: "Failed",
    message: `the image has no sh to run it (${why})`,
    code: null
  })
  if (ending._tag === "Unknown") {
    // The server's own word, in what no command can write to: nothing was started.
    return /unable to start container process/.test(ending.message)
      ? noShell(lastLine(ending.message))
      : { _tag: "Unknown", message: ending.message }
  }
  return ending.code === 126 || ending.code === 127 || ending.code === 128
    ? noShell(failure(ending.code, stderr))
    : { _tag: "Unknown", message: `exit code ${ending.code} came without the token that confirms it` }
}

/** The outcome of the command: by the script's proof, or else by how its session ended. */
const outcomeOf = (
  ending: Ending,
  { token, stdout, stderr }: Printed,
  permission: Permission
): Effect.Effect<Outcome, ClusterError> => {
  if (ending._tag === "Late") return Effect.fail(notBegun("the server was too slow to start it"))
  if (ending._tag === "Unknown" && !permission.isSaid) return Effect.fail(notBegun(ending.message))
  const proven = proof(token, stdout)
  if (proven === null) {
    return ending._tag === "Refused"
      ? outcomeOfRefusal(ending.error, permission)
      : Effect.succeed(outcomeWithoutProof(ending, stderr))
  }
  if (proven.code === null) return Effect.fail(notBegun("the go signal came too late"))
  return Effect.succeed(
    proven.code === 0
      ? { _tag: "Succeeded", output: proven.output }
      : { _tag: "Failed", message: failure(proven.code, stderr), code: proven.code }
  )
}

/** One attempt; fails only if nothing was started, so that it can be retried. */
const attempt = Effect.fnUntraced(function* <E, R>(
  command: Command,
  member: Member,
  permit: Effect.Effect<unknown, E, R> | null
) {
  const cluster = yield* Cluster
  const token = `kubectl-stateful-${yield* randomId}`
  const out = yield* Ref.make("")
  const err = yield* Ref.make("")
  const seconds = `${Math.max(1, Math.ceil(command.timeout / 1000))}${permit === null ? "" : "+"}`
  const session = cluster.exec({
    ...underScript(script, [token, seconds], command, member),
    ...(permit === null ? {} : { stdin: true })
  })
  let isSaid = permit === null
  const ending = yield* Effect.scoped(
    Effect.gen(function* () {
      const { stdout, stderr, exit, write } = yield* session
      if (permit !== null) {
        const asked = yield* Clock.monotonicTimeNanos
        const permitted = yield* Effect.result(permit)
        if (permitted._tag === "Failure") return { _tag: "Stopped" as const, error: permitted.failure }
        if ((yield* millisSince(asked)) > wordWithin) {
          return { _tag: "Late" as const }
        }
        isSaid = true
        yield* write(encoder.encode(`${token}\n`))
      }
      const [ended] = yield* Effect.all([exit, tail(stdout, out), tail(stderr, err)], {
        concurrency: "unbounded"
      })
      return ended
    })
  ).pipe(
    Effect.timeoutOrElse({
      duration: command.timeout + grace,
      orElse: () =>
        Effect.succeed({ _tag: "Unknown" as const, message: `no answer in ${command.timeout + grace} ms` })
    }),
    Effect.catchTag("ClusterError", (error) => Effect.succeed({ _tag: "Refused" as const, error }))
  )
  if (ending._tag === "Stopped") return ending
  const printed = { token, stdout: yield* Ref.get(out), stderr: yield* Ref.get(err) }
  return yield* outcomeOf(ending, printed, { isAsked: permit !== null, isSaid })
})

/** Retries while nothing is started, within the operation's patience. */
const runCommand = <E, R>(
  command: Command,
  member: Member,
  permit: Effect.Effect<unknown, E, R> | null
): Effect.Effect<Outcome, E, R | Cluster> =>
  patiently(attempt(command, member, permit)).pipe(
    Effect.catchTag("ClusterError", ({ message }) =>
      Effect.succeed<Outcome>({ _tag: "Failed", message: `it was not started: ${message}`, code: null })
    ),
    Effect.flatMap((outcome) =>
      outcome._tag === "Stopped" ? Effect.fail(outcome.error) : Effect.succeed(outcome)
    )
  )

/** As much of an answer as may have a word for a person in it, in bytes. */
const mostWords = 4096

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** One request and its response. Errors of the pod and of the proxy cannot be distinguished. */
const call = ({ method, url, timeout }: HttpCall, member: Member): Effect.Effect<Outcome, never, Cluster> => {
  const [path = ""] = resolve([url.path], member)
  const at = { ...url, path }
  const request = { method, path: proxyPath(at, member.namespace, member.pod), query: queryOf(at) }
  return Effect.gen(function* () {
    const cluster = yield* Cluster
    const { status, headers, body } = yield* cluster.request(request)
    const text = yield* Stream.limitBytes(body, mostWords, () => Stream.empty).pipe(
      Stream.decodeText(),
      Stream.mkString,
      Effect.orElseSucceed(() => "")
    )
    if (status >= 200 && status < 300) return { _tag: "Succeeded" as const, output: text }
    // The API server's own words, where they are: else the pod's last line.
    const said = parsed(text)
    const { message, reason } = fromStatus(request, status, headers, said)
    const words = isStatus(said) ? message : `${status}: ${lastLine(text)}`
    return reason._tag === "OutcomeUnknown"
      ? { _tag: "Unknown" as const, message: words }
      : { _tag: "Failed" as const, message: words, code: null }
  }).pipe(
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.succeed({ _tag: "Unknown" as const, message: `no answer in ${timeout} ms` })
    }),
    Effect.catchTag("ClusterError", ({ reason, message }) =>
      Effect.succeed<Outcome>(
        refusals.includes(reason._tag)
          ? { _tag: "Failed", message, code: null }
          : { _tag: "Unknown", message }
      )
    )
  )
}

const runFunction = ({ run }: Run, member: Member): Effect.Effect<Outcome> =>
  Effect.match(run(member), {
    onSuccess: (): Outcome => ({ _tag: "Succeeded", output: "" }),
    onFailure: ({ message, exitCode }): Outcome => ({ _tag: "Failed", message, code: exitCode ?? null })
  })

/**
 * Runs a hook in its member's pod. An unknown outcome is `Unknown`; it fails only as `permit` does, which is
 * called once the connection is open: nothing is started then.
 */
export const run = <E = never, R = never>(
  hook: Hook,
  member: Member,
  permit: Effect.Effect<unknown, E, R> | null = null
): Effect.Effect<Outcome, E, R | Cluster> =>
  hook._tag === "Command"
    ? runCommand(hook, member, permit)
    : Effect.andThen(
        permit ?? Effect.void,
        hook._tag === "HttpCall" ? call(hook, member) : runFunction(hook, member)
      )

/** Checks whether a pod's container has the `sh` that the script needs: before anything is changed. */
export const check = (hook: Hook, member: Member): Effect.Effect<Outcome, never, Cluster> =>
  hook._tag === "Command"
    ? runCommand({ ...hook, argv: [":"], timeout: 5000 }, member, null)
    : Effect.succeed<Outcome>({ _tag: "Succeeded", output: "" })
