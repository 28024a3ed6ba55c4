/**
 * A profile: what an application says about itself, in a file committed beside it or in code.
 *
 * Scaling reads its hooks, its roles and its health from here. Only names and digests of them are
 * ever written to the cluster.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Timeout from "./operation/Timeout.ts"
import { fingerprint, type Hook } from "./Hook.ts"

/** The hooks that scaling knows, in the order in which they are listed. */
export const hookNames = ["beforeRemove", "afterAdd", "probe", "roles", "stepDown", "health"] as const
export type HookName = (typeof hookNames)[number]

/**
 * - `beforeRemove`: the goodbye, in the leaving pod, before it is removed.
 * - `afterAdd`: the hello, in the new pod, once it is ready and healthy; and the rejoin.
 * - `probe`: exit code 0 says that this member is in, 1 that it is out; asked when a hook's outcome is unknown.
 * - `roles`: prints `leader`, `voter` or `learner` for the member it runs in.
 * - `stepDown`: gives leadership away, run where a leader is about to leave.
 * - `health`: exit code 0 says that the member is healthy, beyond Ready.
 */
export type Profile = { readonly [Name in HookName]?: Hook }

/** A health probe over HTTP through the API server's pod proxy: `http://:8008/health`. */
export interface HttpHealth {
  readonly scheme: "http" | "https"
  readonly port: number
  readonly path: string
}

/** Null: not an address of this form. */
export const parseHttpHealth = (text: string): HttpHealth | null => {
  const found = /^(https?):\/\/:(\d{1,5})(\/[^\s#]*)?$/.exec(text)
  const port = Number(found?.[2])
  if (found === null || port < 1 || port > 65535) return null
  return { scheme: found[1] === "https" ? "https" : "http", port, path: found[3] ?? "/" }
}

const FileHook = Schema.Struct({
  command: Schema.NonEmptyArray(Schema.NonEmptyString),
  container: Schema.optionalKey(Schema.NonEmptyString),
  /** `30s`, `5m`; default 60s. */
  timeout: Schema.optionalKey(Schema.String)
})

/** A profile as a file has it. */
export const File = Schema.Struct({
  apiVersion: Schema.Literal("kubectl-stateful.dev/v1"),
  kind: Schema.Literal("Profile"),
  hooks: Schema.Struct({
    beforeRemove: Schema.optionalKey(FileHook),
    afterAdd: Schema.optionalKey(FileHook),
    probe: Schema.optionalKey(FileHook),
    roles: Schema.optionalKey(FileHook),
    stepDown: Schema.optionalKey(FileHook),
    health: Schema.optionalKey(FileHook)
  })
})

/** How long a hook may take where nothing is said. */
export const defaultTimeout = 60_000

/** A decoded file's profile, or what is wrong with it in one line. Unknown keys are refused: a typing error would drop a goodbye. */
export const fromFile = (content: unknown): Result.Result<Profile, string> => {
  const decoded = Schema.decodeUnknownResult(File, { onExcessProperty: "error" })(content)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure.message.split("\n").join(" "))
  const profile: { -readonly [Name in HookName]?: Hook } = {}
  for (const name of hookNames) {
    const hook = decoded.success.hooks[name]
    if (hook === undefined) continue
    const timeout = hook.timeout === undefined ? defaultTimeout : Timeout.parse(hook.timeout)
    if (timeout === null || timeout === 0) {
      return Result.fail(`hooks.${name}.timeout: ${hook.timeout} is no duration, such as 30s or 5m`)
    }
    profile[name] = { _tag: "Command", argv: hook.command, container: hook.container ?? null, timeout }
  }
  return Result.succeed(profile)
}

/** By name and digest, as plans and journals carry them. */
export const names = (
  profile: Profile
): ReadonlyArray<{ readonly name: HookName; readonly digest: string }> =>
  hookNames.flatMap((name) => {
    const hook = profile[name]
    return hook === undefined ? [] : [{ name, digest: fingerprint(hook) }]
  })
