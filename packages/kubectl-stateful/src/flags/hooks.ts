/**
 * A profile from flags and a file: the hooks with which scaling says hello and goodbye.
 */
import { readFile } from "node:fs/promises"
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import type { Command } from "@kubectl-stateful/sdk/Hook"
import { parseYaml } from "@kubectl-stateful/sdk/Manifest"
import {
  defaultTimeout,
  fromFile,
  hasHooks,
  jointQuorum,
  type HttpHealth,
  keepsOneMember,
  named,
  parseHttpHealth,
  type Profile,
  quiesceFromFile,
  restoringFromFile,
  seedFromFile
} from "@kubectl-stateful/sdk/Profile"
import type { Quiesce } from "@kubectl-stateful/sdk/Quiesce"
import type { Seed } from "@kubectl-stateful/sdk/Seed"
import { annotatedProfile, type Manner, type ScaleError, type SetRef } from "@kubectl-stateful/sdk/Scale"
import type { Restoring } from "@kubectl-stateful/sdk/Verify"
import { boolean, string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { milliseconds } from "./duration.ts"
import { ended, type Printable, visible } from "../print/terminal.ts"
import { Usage } from "../command/usage.ts"

const helpGroup = "HOOKS"
const hook = (summary: string) => string({ helpGroup, summary, helpValue: "COMMAND" })

export const hookFlags = {
  profile: string({
    helpGroup,
    summary: "The application's hooks: a built-in profile, or a file with a slash or a dot in its name.",
    helpValue: "NAME|FILE"
  }),
  "trust-annotations": boolean({
    helpGroup,
    summary: "Take hooks from the StatefulSet's annotation too; whoever may edit it says what is run."
  }),
  "before-remove": hook(
    "Goodbye: run in a member before it is removed; {pod} {ordinal} {fqdn} are filled in."
  ),
  "after-add": hook("Hello: run in a new member once it is ready, and in one that must rejoin."),
  probe: hook("Exit code 0: this member is in; 1: it is out. Asked when a hook's outcome is unknown."),
  roles: hook("Prints leader, voter or learner."),
  "step-down": hook("Gives leadership away where the leader is about to leave."),
  health: string({
    helpGroup,
    summary: "Healthy beyond ready: a command, or http://:PORT/PATH through the API server.",
    helpValue: "COMMAND|URL"
  }),
  container: string({
    helpGroup,
    char: "c",
    summary: "The container in which hooks run.",
    helpValue: "NAME"
  }),
  "hook-timeout": string({
    helpGroup,
    summary: "How long one hook may run. Default 60s.",
    helpValue: "DURATION"
  })
}

interface HookFlags {
  readonly profile?: string | undefined
  readonly "before-remove"?: string | undefined
  readonly "after-add"?: string | undefined
  readonly probe?: string | undefined
  readonly roles?: string | undefined
  readonly "step-down"?: string | undefined
  readonly health?: string | undefined
  readonly container?: string | undefined
  readonly "hook-timeout"?: string | undefined
}

/** Words as a shell would tell them apart by blanks and quotes; nothing else is special, and no shell sees them. */
export const words = (text: string): ReadonlyArray<string> => {
  if (!/^(?:[^"']|"[^"]*"|'[^']*')*$/.test(text))
    throw new Usage(`a quote is not closed: ${text}`, "close it")
  const found = [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)]
  return found.map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"))
}

/** The file's profile, and over it what the flags say. */
export const profileOf = async (
  flags: HookFlags,
  /** Whether a profile will do that has no hooks, but other sections. */
  mayHaveNone = false
): Promise<{ readonly profile: Profile; readonly health?: HttpHealth }> => {
  const timeout = flags["hook-timeout"] === undefined ? defaultTimeout : milliseconds(flags["hook-timeout"])
  const command = (text: string): Command => {
    const argv = words(text)
    if (argv.length === 0) throw new Usage("a hook's command is empty", "give a program and its arguments")
    return { _tag: "Command", argv, container: flags.container ?? null, timeout }
  }
  const given = (name: string, text: string | undefined) =>
    text === undefined ? {} : { [name]: command(text) }
  const http = flags.health === undefined ? null : parseHttpHealth(flags.health)
  const profile: Profile = {
    ...(flags.profile === undefined ? {} : await readProfile(flags.profile, mayHaveNone)),
    ...given("beforeRemove", flags["before-remove"]),
    ...given("afterAdd", flags["after-add"]),
    ...given("probe", flags.probe),
    ...given("roles", flags.roles),
    ...given("stepDown", flags["step-down"]),
    ...given("health", http === null ? flags.health : undefined)
  }
  return http === null ? { profile } : { profile, health: http }
}

/** With what an annotation says below what flags and file say, where it is to be trusted. */
export const withAnnotated = <A extends Manner>(
  flags: { readonly "trust-annotations": boolean },
  ref: SetRef,
  options: A
): Effect.Effect<A, ScaleError, Cluster> =>
  flags["trust-annotations"]
    ? Effect.map(annotatedProfile(ref), (annotated) => ({
        ...options,
        profile: { ...annotated, ...options.profile }
      }))
    : Effect.succeed(options)

/** What will be run, a line a hook: somebody else may have written it. */
export const commandLines = (app: string, profile: Profile): Printable =>
  ended(
    Object.entries(profile).flatMap(([name, hook]) =>
      hook._tag === "Command"
        ? [visible(`${app}: ${name} runs ${hook.argv.map((word) => JSON.stringify(word)).join(" ")}`)]
        : []
    )
  )

/** A file's content, whatever it says. */
const readYaml = async (path: string): Promise<unknown> => {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Usage(`cannot read the profile ${path}: ${error.code ?? error.message}`, "check --profile")
  })
  return Effect.runPromise(parseYaml(text))
}

/** With a slash or a dot in it, it is a file; else a built-in profile's name. */
const isFile = (profile: string): boolean => /[/.]/.test(profile)

/** What a profile says, wherever it stands. */
export const contentOf = async (profile: string): Promise<unknown> =>
  isFile(profile) ? readYaml(profile) : orUsage(profile, named(profile))

const orUsage = <A>(profile: string, read: Result.Result<A, string>): A => {
  if (Result.isFailure(read)) throw new Usage(`profile ${profile}: ${read.failure}`, "see docs/profiles.md")
  return read.success
}

const readProfile = async (profile: string, mayHaveNone: boolean): Promise<Profile> => {
  const content = await contentOf(profile)
  if (!mayHaveNone && !hasHooks(content)) {
    throw new Usage(
      `profile ${profile}: it has no section scale, which says what hooks are run`,
      "give one that has, or none"
    )
  }
  return orUsage(profile, fromFile(content))
}

/** How members are quiesced, by a built-in profile's name; with a slash or an extension it is a file. */
export const quiesceOf = async (profile: string): Promise<Quiesce> =>
  orUsage(profile, quiesceFromFile(profile, await contentOf(profile)))

/** What a profile says for a snapshot: how members are quiesced, or that they are unsafe together. */
export const snapshotWay = async (
  profile: string
): Promise<{ readonly quiesce?: Quiesce; readonly oneMember?: string }> =>
  orUsage(profile, keepsOneMember(await contentOf(profile)))
    ? { ...(await quiesceGiven(profile)), oneMember: profile }
    : { quiesce: await quiesceOf(profile) }

/** What is done with restored volumes, by a profile's section `restore`; nothing where it has no such section. */
export const restoringGiven = async (profile: string | undefined): Promise<Restoring> =>
  profile === undefined ? {} : orUsage(profile, restoringFromFile(profile, await contentOf(profile)))

/** How a drill looks at what it has restored: by a profile, by a command, or by both. */
export const checkGiven = async ({
  profile,
  verify: command
}: {
  readonly profile?: string | undefined
  readonly verify?: string | undefined
}) => {
  const given = await restoringGiven(profile)
  if (command !== undefined) return { ...given, command: ["sh", "-c", command] }
  if (profile === undefined)
    throw new Usage("what is to be checked?", "give --verify 'CMD', --profile NAME|FILE, or both")
  if (given.verify === undefined) {
    throw new Usage(
      `profile ${profile} does not say how volumes are verified`,
      "give --verify 'CMD' as well, or a profile whose section restore has verify"
    )
  }
  return given
}

/** Whether a profile says that the StatefulSets of one selector are members of one application. */
export const hasJointQuorum = async (profile: string | undefined): Promise<boolean> =>
  profile === undefined ? false : orUsage(profile, jointQuorum(await contentOf(profile)))

/** How members are held where an operation is taken up that may not be a snapshot; none where the profile has no such section. */
export const quiesceGiven = async (profile: string | undefined): Promise<{ readonly quiesce?: Quiesce }> => {
  if (profile === undefined) return {}
  const found = quiesceFromFile(profile, await contentOf(profile))
  return Result.isFailure(found) ? {} : { quiesce: found.success }
}

/** How members are made from one; none where the profile has no such section. */
export const seedGiven = async (profile: string | undefined): Promise<{ readonly seed?: Seed }> => {
  if (profile === undefined) return {}
  const found = seedFromFile(profile, await contentOf(profile))
  return Result.isFailure(found) ? {} : { seed: found.success }
}

/** What a profile says for a restore; `ordinal`: from which member all are to be made. */
export const restoreWay = async (profile: string | undefined, ordinal: number | undefined) => {
  if (profile === undefined) {
    if (ordinal === undefined) return {}
    throw new Usage("how are members made from one?", "give --profile etcd, or a file with a section seed")
  }
  const content = await contentOf(profile)
  const oneMember = orUsage(profile, keepsOneMember(content)) ? { oneMember: profile } : {}
  if (ordinal === undefined) return oneMember
  const seed = orUsage(profile, seedFromFile(profile, content))
  return { ...oneMember, seed, seedFrom: { seed, ordinal } }
}
