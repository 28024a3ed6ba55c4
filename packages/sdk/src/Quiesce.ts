/**
 * How an application is held still while its volumes are cut: a profile's section `snapshot`, or functions.
 *
 * What a command holds ends with the process that holds it, or by itself: whatever becomes of the caller, of
 * the API server or of the network, no application is held beyond its deadline. What calls hold ends by a
 * call, and so only where that is allowed.
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { fingerprint as fingerprintOfCalls, type HeldCalls } from "./HeldCalls.ts"
import { HeldCommand } from "./HeldHook.ts"
import { Command, fingerprint as fingerprintOf, type Hook, HttpCall, type Run } from "./Hook.ts"
import { digest } from "./Digest.ts"
import * as Timeout from "./GoDuration.ts"
import { parse as parseUrl } from "./PodUrl.ts"

const { Literals, NonEmptyArray, NonEmptyString, optionalKey, String, Struct, Union } = Schema

/**
 * What a cut is worth that was made while every member was held:
 * - `blocks-writes`: nothing is written on any member meanwhile, so that all cuts are of one moment.
 * - `recoverable-per-member`: each member recovers from its own cut; between them there is the skew.
 * - `one-member`: members that were cut at different moments are unsafe together, as with raft.
 */
export const Guarantee = Literals(["blocks-writes", "recoverable-per-member", "one-member"])
export type Guarantee = typeof Guarantee.Type

const duration = (description: string) => optionalKey(String.annotate({ description }))
const container = optionalKey(
  NonEmptyString.annotate({
    description: "The container to run in; default: the profile's, else the pod's own."
  })
)
const argv = NonEmptyArray(NonEmptyString).annotate({
  description:
    "A program and its arguments, never a shell's text; {pod}, {ordinal} and {fqdn} stand for the member's own."
})
const url = (description: string) => NonEmptyString.annotate({ description })
const timeout = duration("How long it may take: 30s, 5m.")

/** A command as a file has it. */
export const FileCommand = Struct({ command: argv, container, timeout })

const FilePost = Struct({
  post: url("http://:PORT/PATH in the pod, reached through the API server; 2xx is a success."),
  timeout
})
const FileGet = Struct({ get: url("http://:PORT/PATH in the pod, as for post."), timeout })

const deadline = duration("How long a member may be held, from 1s to 10m; default 10s.")

/** The name of a text that is kept, and of the file that is made of it: never a path. */
export const keptName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/
export const KeptName = String.check(Schema.isPattern(keptName))

const WavesSection = Struct({
  command: argv,
  container,
  deadline: duration(
    "How long it may take from before the first wave until after the last, from 1s to 1h; default 5m."
  ),
  keeps: optionalKey(
    Schema.Array(KeptName).annotate({
      description:
        "The texts that it prints between the waves, as lines `keep NAME LINE`: they are kept in the record."
    })
  )
}).annotate({
  description:
    "How members are cut whose directories are on several volumes, each volume alone. The command prints a line `held`; the first wave is cut; it reads a line `next`, does what must be done between, prints a line `next`; the last wave is cut; its input ends, and it exits 0 only if it held all the time. Nothing may wait for it."
})

/** The section as a file has it. */
export const QuiesceSection = Struct({
  guarantee: Guarantee.annotate({ description: "What a cut under it is worth." }),
  quiesce: optionalKey(
    Union([
      Struct({
        command: argv,
        container,
        deadline,
        input: optionalKey(String.annotate({ description: "Its first lines of input." }))
      }),
      Struct({
        post: url("http://:PORT/PATH: its server holds once it answers 2xx. Nothing in the pod ends that."),
        release: url("http://:PORT/PATH: lets go, and answers 2xx only if it was held all the time."),
        deadline
      })
    ]).annotate({
      description:
        "How each member is held. The command prints a line `held`, holds until its input ends, and exits 0 only if it held all the time. None: nothing is held."
    })
  ),
  thaw: optionalKey(
    Union([FileCommand, FilePost]).annotate({
      description:
        "Lets go whatever may be held, as often as one likes. None: what is held ends with its process."
    })
  ),
  probe: optionalKey(
    Union([FileCommand, FileGet]).annotate({
      description: "A success says that credentials and all else that the others need are there."
    })
  ),
  oneVolume: optionalKey(
    FileCommand.annotate({
      description:
        "Prints the directories, a line each, that must be cut at one moment: each member must have them on one volume. Behind `last ` stands one that waves cut last."
    })
  ),
  waves: optionalKey(WavesSection)
})
export type QuiesceSection = typeof QuiesceSection.Type

/** How members are cut that have their data on several volumes. */
export interface Waves {
  readonly hold: HeldCommand
  /** The texts that it prints between the waves. */
  readonly keeps: ReadonlyArray<string>
}

/** Nothing is held: each member recovers from a cut of its one volume. */
export interface HeldNothing {
  readonly _tag: "HeldNothing"
  readonly deadline: 0
}

/** The section, ready to be run; or made of functions, by `ofFunctions`. */
export interface Quiesce {
  /** The profile's name, as it is said in a command: `redis`, or the file's path. */
  readonly profile: string
  readonly guarantee: Guarantee
  readonly hold: HeldCommand | HeldCalls | HeldNothing
  readonly thaw: Hook | null
  readonly probe: Hook | null
  /** Prints the directories that must be cut at one moment. */
  readonly oneVolume?: Command
  /** How they are cut where they are on several volumes; absent: then they are not. */
  readonly waves?: Waves
}

/** How long an application may be held where nothing is said. */
export const defaultDeadline = 10_000

/** The same of what holds nobody up, from before the first wave until after the last. */
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
    ? Result.fail(`snapshot.${name}: ${text} is no address in a pod, such as http://:8080/path`)
    : Result.succeed(found)
}

type FileHook = typeof FileCommand.Type | typeof FilePost.Type | typeof FileGet.Type

/** What is run once. A thaw has at least the time that the freeze had. */
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

/** `{deadline}` stands for the deadline, in milliseconds. */
const holdOf = (
  quiesce: NonNullable<QuiesceSection["quiesce"]>,
  millis: number,
  other: string | null
): Read<HeldCommand | HeldCalls> =>
  Result.gen(function* () {
    const told = (text: string) => text.replaceAll("{deadline}", `${millis}`)
    if ("command" in quiesce) {
      return HeldCommand.make({
        argv: quiesce.command.map(told),
        container: quiesce.container ?? other,
        deadline: millis,
        input: quiesce.input ?? null
      })
    }
    const post = (at: HttpCall["url"]) => HttpCall.make({ method: "POST", url: at, timeout: millis })
    return {
      _tag: "HeldCalls" as const,
      deadline: millis,
      quiesce: post(yield* urlIn("quiesce.post", told(quiesce.post))),
      release: post(yield* urlIn("quiesce.release", told(quiesce.release)))
    }
  })

/** The command between the waves: nothing waits for it, and so it may have its time. */
const wavesOf = (section: QuiesceSection["waves"], other: string | null): Read<Waves | null> =>
  Result.gen(function* () {
    if (section === undefined) return null
    const { keeps = [], deadline, command, container = other } = section
    const millis = durationIn(deadline, defaultWavesDeadline)
    if (millis === null || millis < 1000 || millis > 3_600_000) {
      return yield* Result.fail(`snapshot.waves.deadline: ${deadline} is not a duration from 1s to 1h`)
    }
    const argv = command.map((word) => word.replaceAll("{deadline}", `${millis}`))
    return { hold: HeldCommand.make({ argv, container, deadline: millis, input: null }), keeps }
  })

/** What cannot be, though each part of it can. */
const misfit = ({ quiesce, thaw, oneVolume, guarantee, waves }: QuiesceSection): string | null => {
  if (waves !== undefined && (quiesce !== undefined || oneVolume === undefined)) {
    return "snapshot.waves: they are cut by what oneVolume prints, and without a quiesce"
  }
  if (quiesce === undefined && guarantee === "one-member") {
    return "it holds nothing still: its members are unsafe together unless they are cut at one moment"
  }
  if (quiesce === undefined && (oneVolume === undefined || guarantee !== "recoverable-per-member")) {
    return "snapshot.quiesce: without it nothing is held, which takes oneVolume, and guarantee: recoverable-per-member"
  }
  return quiesce !== undefined && "post" in quiesce && thaw === undefined
    ? "snapshot.thaw: nothing in the pod ends what is held by a request, so a thaw is needed"
    : null
}

/** A file's section, or what is wrong with it in one line; `other` is the container where it names none. */
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
    const nothing: HeldNothing = { _tag: "HeldNothing", deadline: 0 }
    const hold = quiesce === undefined ? nothing : yield* holdOf(quiesce, millis, other)
    const waves = yield* wavesOf(section.waves, other)
    const more = oneVolume?._tag === "Command" ? { oneVolume } : {}
    return { profile, guarantee, hold, thaw, probe, ...more, ...(waves === null ? {} : { waves }) }
  })

/** How members are held by functions of the caller's own. */
export interface Functions {
  /** What a person calls it; it stands in plans and records. */
  readonly name: string
  readonly guarantee: Guarantee
  /** Changes when the functions' meaning does: compared when an operation is resumed. */
  readonly version: string
  /** How long a member may be held, as `"5 seconds"`; a number is milliseconds. Default 10 seconds. */
  readonly deadline?: Duration.Input
  /** Succeeds once the member is held. */
  readonly quiesce: Run["run"]
  /** Lets the member go; succeeds only where it was held all the time. */
  readonly release: Run["run"]
  /** Lets go whatever may be held, as often as it is called. */
  readonly thaw: Run["run"]
  /** Shows beforehand that the others can work. */
  readonly probe?: Run["run"]
}

/**
 * Members that are held by functions, for images without a shell.
 *
 * **Caveats**: nothing in the pods ends what they hold if this process dies; so a snapshot with them is
 * refused without `allowUnboundedFreeze`, and its record says so.
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
    hold: { _tag: "HeldCalls", deadline: millis, quiesce: run(quiesce), release: run(release) },
    thaw: run(thaw),
    probe: probe === undefined ? null : run(probe)
  }
}

/** The same, where its waves hold the members. */
export const asWaves = (quiesce: Quiesce): Quiesce => ({
  ...quiesce,
  hold: quiesce.waves?.hold ?? quiesce.hold
})

/** By what members are held. Unless by a command, nothing in the pod ends it: its caller does, or nobody. */
export const Means = Literals(["command", "request", "function"])
export type Means = typeof Means.Type

export const meansOf = ({ hold }: Quiesce): Means =>
  hold._tag !== "HeldCalls" ? "command" : hold.quiesce._tag === "HttpCall" ? "request" : "function"

/** What a pod is reached by for it, as the API's authorization names it. */
export const Reach = Literals(["exec", "proxy"])
export type Reach = typeof Reach.Type

export const reachesOf = ({ hold, thaw, probe, oneVolume, waves }: Quiesce): ReadonlyArray<Reach> => {
  const all = [hold._tag === "HeldCalls" ? hold.quiesce : hold, thaw, probe, oneVolume, waves?.hold]
  return Reach.literals.filter((reach) =>
    all.some((one) => {
      const tag = one?._tag
      return reach === "proxy" ? tag === "HttpCall" : tag === "HeldCommand" || tag === "Command"
    })
  )
}

const known = (hook: Hook | null): object | string | null =>
  hook?._tag === "Run" ? fingerprintOf(hook) : hook

/** What a plan and a journal may know of it: whoever resumes must have the same. */
export const fingerprint = ({ guarantee, hold, thaw, probe, oneVolume, waves }: Quiesce): string =>
  digest({
    guarantee,
    hold: hold._tag === "HeldCalls" ? fingerprintOfCalls(hold) : hold,
    thaw: known(thaw),
    probe: known(probe),
    ...(oneVolume === undefined ? {} : { oneVolume }),
    ...(waves === undefined ? {} : { waves })
  })
