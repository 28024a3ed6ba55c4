/** The sections of a profile, built in or from a file, for the verbs that use them. */
import { readFile } from "node:fs/promises"
import { parseYaml, textOf } from "@kubectl-stateful/sdk/Manifest"
import {
  fromFile,
  hasHooks,
  jointQuorum,
  keepsOneMember,
  named,
  type Profile,
  quiesceFromFile,
  restoringFromFile,
  seedFromFile
} from "@kubectl-stateful/sdk/Profile"
import type { Quiesce } from "@kubectl-stateful/sdk/Quiesce"
import type { Seed } from "@kubectl-stateful/sdk/Seed"
import type { Restoring } from "@kubectl-stateful/sdk/Verify"
import { string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Usage } from "../command/usage.ts"

export const profileFlag = {
  profile: string({
    summary: "Application profile: a built-in name (see `profile`), or a path to a file.",
    helpValue: "NAME|FILE"
  })
}

/** A file's content, whatever it says. */
const readYaml = async (path: string): Promise<unknown> => {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new Usage(`cannot read the profile ${path}: ${error.code ?? error.message}`, "check --profile")
  })
  return Effect.runPromise(parseYaml(textOf(bytes)))
}

/** With a slash or a dot in it, it is a file; else a built-in profile's name. */
const isFile = (profile: string): boolean => /[/.]/.test(profile)

/** The content of a profile, built in or from a file. */
export const contentOf = async (profile: string): Promise<unknown> =>
  isFile(profile) ? readYaml(profile) : orUsage(profile, named(profile))

const orUsage = <A>(profile: string, read: Result.Result<A, string>): A => {
  if (Result.isFailure(read)) throw new Usage(`profile ${profile}: ${read.failure}`, "see docs/profiles.md")
  return read.success
}

/** The hooks that a profile's section `scale` names. */
export const hooksIn = async (profile: string, mayHaveNone: boolean): Promise<Profile> => {
  const content = await contentOf(profile)
  if (!mayHaveNone && !hasHooks(content)) {
    throw new Usage(
      `profile ${profile} has no scale section, which names the hooks to run`,
      "use a profile with one, or omit --profile"
    )
  }
  return orUsage(profile, fromFile(content))
}

/** The quiesce section of a built-in profile; a name with a slash or an extension is a file. */
export const quiesceOf = async (profile: string): Promise<Quiesce> =>
  orUsage(profile, quiesceFromFile(profile, await contentOf(profile)))

/** The options of a profile for a snapshot: how to quiesce members, or that they are unsafe together. */
export const snapshotWay = async (
  profile: string
): Promise<{ readonly quiesce?: Quiesce; readonly oneMember?: string }> =>
  orUsage(profile, keepsOneMember(await contentOf(profile)))
    ? { ...(await quiesceGiven(profile)), oneMember: profile }
    : { quiesce: await quiesceOf(profile) }

/** The section `restore` of a profile; empty if it has no such section. */
export const restoringGiven = async (profile: string | undefined): Promise<Restoring> =>
  profile === undefined ? {} : orUsage(profile, restoringFromFile(profile, await contentOf(profile)))

/** The check of a drill: by a profile, by a command, or by both. */
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
    throw new Usage("--verify or --profile is required", "use --verify 'CMD', --profile NAME|FILE, or both")
  if (given.verify === undefined) {
    throw new Usage(
      `profile ${profile} has no restore.verify`,
      "use --verify 'CMD' as well, or a profile with restore.verify"
    )
  }
  return given
}

/** True if a profile says that the StatefulSets of one selector are members of one application. */
export const hasJointQuorum = async (profile: string | undefined): Promise<boolean> =>
  profile === undefined ? false : orUsage(profile, jointQuorum(await contentOf(profile)))

/**
 * The quiesce section for resuming an operation, which may not be a snapshot; empty if the profile has
 * none.
 */
export const quiesceGiven = async (profile: string | undefined): Promise<{ readonly quiesce?: Quiesce }> => {
  if (profile === undefined) return {}
  const found = quiesceFromFile(profile, await contentOf(profile))
  return Result.isFailure(found) ? {} : { quiesce: found.success }
}

/** The section `seed` of a profile; empty if it has no such section. */
export const seedGiven = async (profile: string | undefined): Promise<{ readonly seed?: Seed }> => {
  if (profile === undefined) return {}
  const found = seedFromFile(profile, await contentOf(profile))
  return Result.isFailure(found) ? {} : { seed: found.success }
}

/** The options of a profile for a restore; `ordinal` is the member that all are rebuilt from. */
export const restoreWay = async (profile: string | undefined, ordinal: number | undefined) => {
  if (profile === undefined) {
    if (ordinal === undefined) return {}
    throw new Usage("--seed requires --profile", "use --profile etcd, or a profile with a seed section")
  }
  const content = await contentOf(profile)
  const oneMember = orUsage(profile, keepsOneMember(content)) ? { oneMember: profile } : {}
  if (ordinal === undefined) return oneMember
  const seed = orUsage(profile, seedFromFile(profile, content))
  return { ...oneMember, seed, seedFrom: { seed, ordinal } }
}
