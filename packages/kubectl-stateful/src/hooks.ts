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
  type HttpHealth,
  parseHttpHealth,
  type Profile
} from "@kubectl-stateful/sdk/Profile"
import { annotatedProfile, type Manner, type ScaleError, type SetRef } from "@kubectl-stateful/sdk/Scale"
import { boolean, string } from "@oclif/core/flags"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { milliseconds } from "./KubectlFlags.ts"
import { visible } from "./print/terminal.ts"
import { Usage } from "./Usage.ts"

const helpGroup = "HOOKS"
const hook = (summary: string) => string({ helpGroup, summary, helpValue: "COMMAND" })

export const hookFlags = {
  profile: string({ helpGroup, summary: "A file that says the application's hooks.", helpValue: "FILE" }),
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
  flags: HookFlags
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
    ...(flags.profile === undefined ? {} : await readProfile(flags.profile)),
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
export const commandLines = (app: string, profile: Profile): ReadonlyArray<string> =>
  Object.entries(profile).flatMap(([name, hook]) =>
    hook._tag === "Command"
      ? [`${app}: ${name} runs ${visible(hook.argv.map((word) => JSON.stringify(word)).join(" "))}\n`]
      : []
  )

const readProfile = async (path: string): Promise<Profile> => {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new Usage(`cannot read the profile ${path}: ${error.code ?? error.message}`, "check --profile")
  })
  const read = fromFile(await Effect.runPromise(parseYaml(text)))
  if (Result.isFailure(read)) throw new Usage(`profile ${path}: ${read.failure}`, "see docs/scale.md")
  return read.success
}
