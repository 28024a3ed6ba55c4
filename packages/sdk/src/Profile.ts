/**
 * A profile: facts that only an application knows about itself, in a file committed next to it or in code.
 *
 * It has a section for each verb that reads one: `scale` its hooks, `snapshot` how members are quiesced,
 * `restore` how restored volumes are verified. Only names and digests of them are ever written to the
 * cluster.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Timeout from "./GoDuration.ts"
import { defaultTimeout, fingerprint, type Hook } from "./Hook.ts"
import * as PodUrl from "./PodUrl.ts"
import { builtIn } from "./profile/builtIn.ts"
import { File } from "./profile/file.ts"
import { type Quiesce, quiesceOf } from "./Quiesce.ts"
import { type Seed, seedIn } from "./Seed.ts"
import { type Restoring, restoringOf } from "./Verify.ts"

export { File }
export { hintsFor } from "./profile/hint.ts"

/** The hooks that scaling knows, in the order in which they are listed. */
export const hookNames = ["beforeRemove", "afterAdd", "probe", "roles", "stepDown", "health"] as const
export type HookName = (typeof hookNames)[number]

/**
 * - `beforeRemove`: the leave hook, in the leaving pod, before it is removed.
 * - `afterAdd`: the join hook, in the new pod, once it is ready and healthy; also used to rejoin.
 * - `probe`: exit code 0 says that this member is in, 1 that it is out; asked when a hook's outcome is
 *   unknown.
 * - `roles`: prints `leader`, `voter` or `learner` for the member it runs in.
 * - `stepDown`: moves leadership to another member, run if a leader is about to leave.
 * - `health`: exit code 0 says that the member is healthy, beyond Ready.
 */
export type Profile = { readonly [Name in HookName]?: Hook }

/** A health probe over HTTP through the API server's pod proxy: `http://:8008/health`. */
export type HttpHealth = PodUrl.PodUrl

/** `null` if it is not a URL of this form. */
export const parseHttpHealth = PodUrl.parse

const decode = (content: unknown): Result.Result<File, string> =>
  Result.flatMap(
    Result.mapError(Schema.decodeUnknownResult(File, { onExcessProperty: "error" })(content), ({ message }) =>
      message.split("\n").join(" ")
    ),
    (file) =>
      file.hooks !== undefined && file.scale !== undefined
        ? Result.fail("hooks is the older name of scale: give one of them")
        : Result.succeed(file)
  )

/** True if a file has a section for `scale`: a profile without it has no hooks. */
export const hasHooks = (content: unknown): boolean => {
  const decoded = decode(content)
  return Result.isFailure(decoded) || (decoded.success.scale ?? decoded.success.hooks) !== undefined
}

/**
 * The hooks of a decoded file, or its error in one line. Unknown keys are refused: a typing error would skip
 * a hook.
 */
export const fromFile = (content: unknown): Result.Result<Profile, string> => {
  const decoded = decode(content)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure)
  const { scale, hooks, container = null } = decoded.success
  const [section, at] = scale === undefined ? [hooks, "hooks"] : [scale, "scale"]
  const profile: { -readonly [Name in HookName]?: Hook } = {}
  for (const name of hookNames) {
    const given = section?.[name]
    if (given === undefined) continue
    const timeout = given.timeout === undefined ? defaultTimeout : Timeout.parse(given.timeout)
    if (timeout === null || timeout === 0) {
      return Result.fail(`${at}.${name}.timeout: ${given.timeout} is not a duration, such as 30s or 5m`)
    }
    profile[name] = { _tag: "Command", argv: given.command, container: given.container ?? container, timeout }
  }
  return Result.succeed(profile)
}

/** The quiesce section of a decoded file with this name. */
export const quiesceFromFile = (name: string, content: unknown): Result.Result<Quiesce, string> =>
  Result.flatMap(decode(content), ({ snapshot, container = null }) =>
    snapshot === undefined
      ? Result.fail("it has no snapshot section, which defines how to quiesce the application")
      : quiesceOf(name, snapshot, container)
  )

/** The restore section of a decoded file with this name. */
export const restoringFromFile = (name: string, content: unknown): Result.Result<Restoring, string> =>
  Result.map(decode(content), ({ restore }) => restoringOf(name, restore))

const head = { apiVersion: "kubectl-stateful.dev/v1", kind: "Profile" } as const

/** The file that a built-in profile is; fails with the names there are. */
export const named = (name: string): Result.Result<File, string> => {
  const found = builtIn.get(name)
  return found === undefined
    ? Result.fail(`no built-in profile ${name}; available: ${[...builtIn.keys()].join(", ")}`)
    : Result.succeed({ ...head, ...found })
}

/** A built-in profile's way to hold its application still; fails with the names there are. */
export const quiesceNamed = (name: string): Result.Result<Quiesce, string> =>
  Result.flatMap(named(name), (file) => quiesceFromFile(name, file))

/**
 * True if a decoded file says that members which were snapshotted at different moments are unsafe together.
 */
export const keepsOneMember = (content: unknown): Result.Result<boolean, string> =>
  Result.map(decode(content), ({ snapshot }) => snapshot?.guarantee === "one-member")

/** True if a decoded file says that the StatefulSets of one selector are members of one application. */
export const jointQuorum = (content: unknown): Result.Result<boolean, string> =>
  Result.map(decode(content), (file) => file.jointQuorum === true)

/** The seed section of a decoded file with this name. */
export const seedFromFile = (name: string, content: unknown): Result.Result<Seed, string> =>
  Result.flatMap(decode(content), ({ seed }) => seedIn(name, seed))

/** A profile and its name: a built-in one's name, or a file's path. */
export interface Read {
  readonly name: string
  readonly file: File
}

/** The built-in profiles. */
export const all = (): ReadonlyArray<Read> =>
  [...builtIn].map(([name, file]) => ({ name, file: { ...head, ...file } }))

/** A file's content as a profile with all its sections validated, or its error in one line. */
export const read = (name: string, content: unknown): Result.Result<Read, string> =>
  Result.gen(function* () {
    const file = yield* decode(content)
    yield* fromFile(content)
    const { snapshot } = file
    const holdsNothing = snapshot?.guarantee === "one-member" && snapshot.quiesce === undefined
    if (snapshot !== undefined && !holdsNothing) yield* quiesceFromFile(name, content)
    return { name, file }
  })

/** A file with its fields in the order in which people read them. */
export const fileOf = ({
  description,
  container,
  jointQuorum: joint,
  scale,
  hooks,
  snapshot,
  restore,
  seed
}: File): object => ({
  ...head,
  ...(description === undefined ? {} : { description }),
  ...(container === undefined ? {} : { container }),
  ...(joint === undefined ? {} : { jointQuorum: joint }),
  ...(scale === undefined ? {} : { scale }),
  ...(hooks === undefined ? {} : { hooks }),
  ...(snapshot === undefined ? {} : { snapshot }),
  ...(restore === undefined ? {} : { restore }),
  ...(seed === undefined ? {} : { seed })
})

/** By name and digest, as plans and journals carry them. */
export const names = (
  profile: Profile
): ReadonlyArray<{ readonly name: HookName; readonly digest: string }> =>
  hookNames.flatMap((name) => {
    const given = profile[name]
    return given === undefined ? [] : [{ name, digest: fingerprint(given) }]
  })
