/**
 * How an application is quiesced while its volume snapshots are taken: a profile's section `snapshot`, or
 * functions.
 *
 * A freeze by a command ends with its process, or by itself: whatever happens to the caller, to the API
 * server or to the network, no application stays frozen beyond its deadline. A freeze by calls ends only by a
 * call, so it must be allowed explicitly.
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { fingerprint as fingerprintOfCalls, type QuiesceCalls } from "./QuiesceCalls.ts"
import { QuiesceCommand } from "./QuiesceHook.ts"
import { Command, fingerprint as fingerprintOf, type Hook, HttpCall, type Run } from "./Hook.ts"
import { digest } from "./Digest.ts"
import * as Timeout from "./GoDuration.ts"
import { parse as parseUrl } from "./PodUrl.ts"

const { Literals, NonEmptyArray, NonEmptyString, optionalKey, String, Struct, Union } = Schema

/**
 * The guarantee of a snapshot that was taken while every member was quiesced:
 * - `blocks-writes`: nothing is written on any member during the freeze, so that all volume snapshots are of
 *   one moment.
 * - `recoverable-per-member`: each member recovers from its own volume snapshot; between them there is the
 *   skew.
 * - `one-member`: members that were snapshotted at different moments must not be combined, as with Raft.
 */
export const Guarantee = Literals(["blocks-writes", "recoverable-per-member", "one-member"])
export type Guarantee = typeof Guarantee.Type

const duration = (description: string) => optionalKey(String.annotate({ description }))
const container = optionalKey(
  NonEmptyString.annotate({
    description: "The container to run in. Default: the profile's, or else the pod's default container."
  })
)
const argv = NonEmptyArray(NonEmptyString).annotate({
  description:
    "A program and its arguments; never passed through a shell. {pod}, {ordinal} and {fqdn} are replaced with the member's own values."
})
const url = (description: string) => NonEmptyString.annotate({ description })
const timeout = duration("The timeout, such as 30s or 5m.")

/** A command as a file has it. */
export const FileCommand = Struct({ command: argv, container, timeout })

const FilePost = Struct({
  post: url("http://:PORT/PATH in the pod, through the API server's pod proxy; 2xx is success."),
  timeout
})
const FileGet = Struct({ get: url("http://:PORT/PATH in the pod, as for post."), timeout })

const deadline = duration("How long the freeze can last, from 1s to 10m. Default 10s.")

/** The name of a saved text, and of the file it is written to: never a path. */
export const keptName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/
export const KeptName = String.check(Schema.isPattern(keptName))

const WavesSection = Struct({
  command: argv,
  container,
  deadline: duration(
    "The maximum duration from before the first stage until after the last, from 1s to 1h. Default 5m."
  ),
  keeps: optionalKey(
    Schema.Array(KeptName).annotate({
      description:
        "The texts that it prints between the stages, as lines `keep NAME LINE`: they are saved in the record."
    })
  )
}).annotate({
  description:
    "The stages for members whose directories are on several volumes that are snapshotted separately. The command prints a line `held`; snapshots of the first stage are taken; it reads a line `next`, does what is needed between the stages, prints a line `next`; snapshots of the last stage are taken; its input ends, and it exits with 0 only if its session stayed open throughout. It must not block writes."
})

/** The section as a file has it. */
export const QuiesceSection = Struct({
  guarantee: Guarantee.annotate({ description: "What the quiesce guarantees." }),
  quiesce: optionalKey(
    Union([
      Struct({
        command: argv,
        container,
        deadline,
        input: optionalKey(String.annotate({ description: "Its first lines of input." }))
      }),
      Struct({
        post: url(
          "http://:PORT/PATH: the member is quiesced once it returns 2xx. Nothing in the pod ends that."
        ),
        release: url(
          "http://:PORT/PATH: releases the member, and returns 2xx only if it stayed quiesced throughout."
        ),
        deadline
      })
    ]).annotate({
      description:
        "How each member is quiesced. The command prints a line `held`, keeps the member quiesced until its input ends, and exits with 0 only if it stayed quiesced throughout. If absent, nothing is quiesced."
    })
  ),
  thaw: optionalKey(
    Union([FileCommand, FilePost]).annotate({
      description: "Releases any freeze; must be idempotent. If absent, a freeze ends with its process."
    })
  ),
  probe: optionalKey(
    Union([FileCommand, FileGet]).annotate({
      description: "Succeeds if the credentials, and whatever else the other commands need, work."
    })
  ),
  oneVolume: optionalKey(
    FileCommand.annotate({
      description:
        "Prints the directories, one per line, that must be snapshotted at one moment: each member must have them on one volume. A line `last /DIRECTORY` is a directory of the last stage."
    })
  ),
  waves: optionalKey(WavesSection)
})
export type QuiesceSection = typeof QuiesceSection.Type

/** The stages for members that have their data on several volumes. */
export interface Waves {
  readonly hold: QuiesceCommand
  /** The texts that it prints between the stages. */
  readonly keeps: ReadonlyArray<string>
}

/** Nothing is quiesced: each member recovers from a snapshot of its one volume. */
export interface NotQuiesced {
  readonly _tag: "NotQuiesced"
  readonly deadline: 0
}

/** The section, ready to run; or built from functions by `ofFunctions`. */
export interface Quiesce {
  /** The profile's name, as it is given in a command: `redis`, or the file's path. */
  readonly profile: string
  readonly guarantee: Guarantee
  readonly hold: QuiesceCommand | QuiesceCalls | NotQuiesced
  readonly thaw: Hook | null
  readonly probe: Hook | null
  /** Prints the directories that must be snapshotted at one moment. */
  readonly oneVolume?: Command
  /** The stages for members with several volumes; absent if such members cannot be snapshotted. */
  readonly waves?: Waves
}

/** The default deadline of a freeze. */
export const defaultDeadline = 10_000

/** The default deadline of stages, which block nothing, from before the first until after the last. */
const defaultWavesDeadline = 300_000

type Read<A> = Result.Result<A, string>

const durationIn = (text: string | undefined, otherwise: number): number | null =>
  text === undefined ? otherwise : Timeout.parse(text)

const timeoutIn = (name: string, text: string | undefined, otherwise: number): Read<number> => {
  const found = durationIn(text, otherwise)
  return found === null || found === 0
    ? Result.fail(`snapshot.${name}.timeout is not a duration, such as 30s`)
    : Result.succeed(found)
}

const urlIn = (name: string, text: string): Read<HttpCall["url"]> => {
  const found = parseUrl(text)
  return found === null
    ? Result.fail(`snapshot.${name}: ${text} is not an address in a pod, such as http://:8080/path`)
    : Result.succeed(found)
}

type FileHook = typeof FileCommand.Type | typeof FilePost.Type | typeof FileGet.Type

/** A command that runs once. A thaw has at least the time that the freeze had. */
const hookOf = (name: string, file: FileHook, least: number, other: string | null): Read<Hook> =>
  Result.gen(function* () {
    const millis = Math.max(yield* timeoutIn(name, file.timeout, least), least)
    if ("command" in file) {
      return Command.make({ argv: file.command, container: file.container ?? other, timeout: millis })
    }
    const [method, at] = "post" in file ? (["POST", file.post] as const) : (["GET", file.get] as const)
    return HttpCall.make({ method, url: yield* urlIn(name, at), timeout: millis })
  })

const optional = (name: string, file: FileHook | undefined, least: number, other: string | null) =>
  file === undefined ? Result.succeed(null) : hookOf(name, file, least, other)

/** `{deadline}` is replaced with the deadline, in milliseconds. */
const holdOf = (
  quiesce: NonNullable<QuiesceSection["quiesce"]>,
  millis: number,
  other: string | null
): Read<QuiesceCommand | QuiesceCalls> =>
  Result.gen(function* () {
    const told = (text: string) => text.replaceAll("{deadline}", `${millis}`)
    if ("command" in quiesce) {
      return QuiesceCommand.make({
        argv: quiesce.command.map(told),
        container: quiesce.container ?? other,
        deadline: millis,
        input: quiesce.input ?? null
      })
    }
    const post = (at: HttpCall["url"]) => HttpCall.make({ method: "POST", url: at, timeout: millis })
    return {
      _tag: "QuiesceCalls" as const,
      deadline: millis,
      quiesce: post(yield* urlIn("quiesce.post", told(quiesce.post))),
      release: post(yield* urlIn("quiesce.release", told(quiesce.release)))
    }
  })

/** The command between the stages: nothing waits for it, so it may take its time. */
const wavesOf = (section: QuiesceSection["waves"], other: string | null): Read<Waves | null> =>
  Result.gen(function* () {
    if (section === undefined) return null
    const { keeps = [], deadline, command, container = other } = section
    const millis = durationIn(deadline, defaultWavesDeadline)
    if (millis === null || millis < 1000 || millis > 3_600_000) {
      return yield* Result.fail(`snapshot.waves.deadline: ${deadline} is not a duration from 1s to 1h`)
    }
    const argv = command.map((word) => word.replaceAll("{deadline}", `${millis}`))
    return { hold: QuiesceCommand.make({ argv, container, deadline: millis, input: null }), keeps }
  })

/** Reason that a section is invalid although each part of it is valid. */
const misfit = ({ quiesce, thaw, oneVolume, guarantee, waves }: QuiesceSection): string | null => {
  if (waves !== undefined && (quiesce !== undefined || oneVolume === undefined)) {
    return "snapshot.waves: requires oneVolume, and cannot be combined with a quiesce"
  }
  if (quiesce === undefined && guarantee === "one-member") {
    return "it quiesces nothing: its members are consistent only if they are snapshotted at one point in time"
  }
  if (quiesce === undefined && (oneVolume === undefined || guarantee !== "recoverable-per-member")) {
    return "snapshot.quiesce: without it the profile needs oneVolume, and guarantee: recoverable-per-member"
  }
  return quiesce !== undefined && "post" in quiesce && thaw === undefined
    ? "snapshot.thaw: required, because nothing in the pod ends a freeze by request"
    : null
}

/** A file's section, or the error in one line; `other` is the container for commands that name none. */
export const quiesceOf = (
  profile: string,
  section: QuiesceSection,
  other: string | null = null
): Result.Result<Quiesce, string> =>
  Result.gen(function* () {
    const { quiesce, guarantee } = section
    const why = misfit(section)
    if (why !== null) return yield* Result.fail(why)
    const millis = durationIn(quiesce?.deadline, defaultDeadline)
    if (millis === null || millis < 1000 || millis > 600_000) {
      return yield* Result.fail(
        `snapshot.quiesce.deadline: ${quiesce?.deadline} is not a duration from 1s to 10m`
      )
    }
    const thaw = yield* optional("thaw", section.thaw, millis, other)
    const probe = yield* optional("probe", section.probe, millis, other)
    const oneVolume = yield* optional("oneVolume", section.oneVolume, defaultDeadline, other)
    const nothing: NotQuiesced = { _tag: "NotQuiesced", deadline: 0 }
    const hold = quiesce === undefined ? nothing : yield* holdOf(quiesce, millis, other)
    const waves = yield* wavesOf(section.waves, other)
    const more = oneVolume?._tag === "Command" ? { oneVolume } : {}
    return { profile, guarantee, hold, thaw, probe, ...more, ...(waves === null ? {} : { waves }) }
  })

/** Custom functions that quiesce members. */
export interface Functions {
  /** A name for messages, plans and records. */
  readonly name: string
  readonly guarantee: Guarantee
  /** Changes when the functions' meaning does: compared when an operation is resumed. */
  readonly version: string
  /** The maximum duration of the freeze, as `"5 seconds"`; a number is milliseconds. Default 10 seconds. */
  readonly deadline?: Duration.Input
  /** Succeeds once the member is quiesced. */
  readonly quiesce: Run["run"]
  /** Releases the member; succeeds only if it stayed quiesced throughout. */
  readonly release: Run["run"]
  /** Releases any freeze; must be idempotent. */
  readonly thaw: Run["run"]
  /** Shows beforehand that the others can work. */
  readonly probe?: Run["run"]
}

/**
 * A quiesce by functions, for images without a shell.
 *
 * **Caveats**: if this process crashes, nothing in the pods ends the freeze; so a snapshot with it is refused
 * without `allowUnboundedFreeze`, and its record says so.
 *
 * **Example**: `examples/quiesce-with-a-function.ts`
 */
export const ofFunctions = (functions: Functions): Quiesce => {
  const { name, guarantee, version, deadline = defaultDeadline, probe } = functions
  const run = (which: Run["run"]): Run => ({ _tag: "Run", version, run: which })
  const { quiesce, release, thaw } = functions
  const millis = Duration.toMillis(Duration.fromInputUnsafe(deadline))
  return {
    profile: name,
    guarantee,
    hold: { _tag: "QuiesceCalls", deadline: millis, quiesce: run(quiesce), release: run(release) },
    thaw: run(thaw),
    probe: probe === undefined ? null : run(probe)
  }
}

/** The same with its stages as the quiesce command. */
export const asWaves = (quiesce: Quiesce): Quiesce => ({
  ...quiesce,
  hold: quiesce.waves?.hold ?? quiesce.hold
})

/**
 * How members are quiesced. Except for a command, nothing in the pod ends the freeze: only this process does.
 */
export const Means = Literals(["command", "request", "function"])
export type Means = typeof Means.Type

export const meansOf = ({ hold }: Quiesce): Means =>
  hold._tag !== "QuiesceCalls" ? "command" : hold.quiesce._tag === "HttpCall" ? "request" : "function"

/** How a pod is reached for it, as the API's authorization names it. */
export const Reach = Literals(["exec", "proxy"])
export type Reach = typeof Reach.Type

export const reachesOf = ({ hold, thaw, probe, oneVolume, waves }: Quiesce): ReadonlyArray<Reach> => {
  const all = [hold._tag === "QuiesceCalls" ? hold.quiesce : hold, thaw, probe, oneVolume, waves?.hold]
  return Reach.literals.filter((reach) =>
    all.some((one) => {
      const tag = one?._tag
      return reach === "proxy" ? tag === "HttpCall" : tag === "QuiesceCommand" || tag === "Command"
    })
  )
}

const known = (hook: Hook | null): object | string | null =>
  hook?._tag === "Run" ? fingerprintOf(hook) : hook

/** The part of it that a plan and a journal may contain: a resume must have the same. */
export const fingerprint = ({ guarantee, hold, thaw, probe, oneVolume, waves }: Quiesce): string =>
  digest({
    guarantee,
    hold: hold._tag === "QuiesceCalls" ? fingerprintOfCalls(hold) : hold,
    thaw: known(thaw),
    probe: known(probe),
    ...(oneVolume === undefined ? {} : { oneVolume }),
    ...(waves === undefined ? {} : { waves })
  })
