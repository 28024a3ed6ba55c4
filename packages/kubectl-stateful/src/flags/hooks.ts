/** A profile from flags and a file: the join and leave hooks of scaling. */
import type { Cluster } from "@kubectl-stateful/sdk/Cluster"
import { type Command, command as commandOf } from "@kubectl-stateful/sdk/Hook"
import { type HttpHealth, parseHttpHealth, type Profile } from "@kubectl-stateful/sdk/Profile"
import { annotatedProfile, type RunSettings, type ScaleError, type SetRef } from "@kubectl-stateful/sdk/Scale"
import { boolean, string } from "@oclif/core/flags"
import type { InferredFlags } from "@oclif/core/interfaces"
import * as Effect from "effect/Effect"
import { Usage } from "../command/usage.ts"
import { ended, type Printable, visible } from "../print/terminal.ts"
import { durationFlag } from "./duration.ts"
import { given } from "./given.ts"
import { hooksIn } from "./profile.ts"

const helpGroup = "HOOK"
const hookFlag = (summary: string) => string({ helpGroup, summary, helpValue: "COMMAND" })

export const hookFlags = {
  profile: string({
    helpGroup,
    summary: "Profile with the application's hooks: a built-in name (see `profile`), or a path to a file.",
    helpValue: "NAME|FILE"
  }),
  "trust-annotations": boolean({
    helpGroup,
    summary:
      "Also run hooks from the StatefulSet's annotation. Anyone who can edit the annotation can then run commands in its pods."
  }),
  "before-remove": hookFlag(
    "Command to run in a member before it is removed. {pod}, {ordinal} and {fqdn} are substituted."
  ),
  "after-add": hookFlag(
    "Command to run in a new member once it is ready, and in a member that has to rejoin."
  ),
  probe: hookFlag(
    "Command that reports whether this member has joined (exit code 0) or not (1). Run when the outcome of another hook is unknown."
  ),
  roles: hookFlag("Command that prints the member's role: leader, voter or learner."),
  "step-down": hookFlag("Command that transfers leadership before the leader is removed."),
  health: string({
    helpGroup,
    summary:
      "Additional health check after readiness: a command, or http://:PORT/PATH (called through the API server).",
    helpValue: "COMMAND|URL"
  }),
  container: string({
    helpGroup,
    char: "c",
    summary: "Container in which hooks run.",
    helpValue: "NAME"
  }),
  "hook-timeout": durationFlag({
    helpGroup,
    summary: "Timeout for a hook (default 60s).",
    helpValue: "DURATION"
  })
}

/** Words as a shell would tell them apart by blanks and quotes; nothing else is special, and no shell sees them. */
export const words = (text: string): ReadonlyArray<string> => {
  if (!/^(?:[^"']|"[^"]*"|'[^']*')*$/.test(text))
    throw new Usage(`unbalanced quotes: ${text}`, "close the quote")
  const found = [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)]
  return found.map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"))
}

/** The file's profile, overridden by the flags. */
export const profileOf = async (
  flags: Partial<InferredFlags<typeof hookFlags>>,
  /** True if a profile without hooks, but with other sections, is accepted. */
  mayHaveNone = false
): Promise<{ readonly profile: Profile; readonly health?: HttpHealth }> => {
  const command = (text: string): Command => {
    const argv = words(text)
    if (argv.length === 0) throw new Usage("a hook's command is empty", "use a program and its arguments")
    return commandOf(argv, given({ container: flags.container, timeout: flags["hook-timeout"] }))
  }
  const hook = (text: string | undefined) => (text === undefined ? undefined : command(text))
  const http = flags.health === undefined ? null : parseHttpHealth(flags.health)
  const profile: Profile = {
    ...(flags.profile === undefined ? {} : await hooksIn(flags.profile, mayHaveNone)),
    ...given({
      beforeRemove: hook(flags["before-remove"]),
      afterAdd: hook(flags["after-add"]),
      probe: hook(flags.probe),
      roles: hook(flags.roles),
      stepDown: hook(flags["step-down"]),
      health: http === null ? hook(flags.health) : undefined
    })
  }
  return http === null ? { profile } : { profile, health: http }
}

/** The settings with the hooks of a trusted annotation added; flags and the profile file take precedence. */
export const withAnnotated = <A extends RunSettings>(
  flags: Pick<InferredFlags<typeof hookFlags>, "trust-annotations">,
  ref: SetRef,
  options: A
): Effect.Effect<A, ScaleError, Cluster> =>
  flags["trust-annotations"]
    ? Effect.map(annotatedProfile(ref), (annotated) => ({
        ...options,
        profile: { ...annotated, ...options.profile }
      }))
    : Effect.succeed(options)

/** The commands to run, one line for each hook: someone else may have written them. */
export const commandLines = (app: string, profile: Profile): Printable =>
  ended(
    Object.entries(profile).flatMap(([name, hook]) =>
      hook._tag === "Command"
        ? [visible(`${app}: ${name} runs ${hook.argv.map((word) => JSON.stringify(word)).join(" ")}`)]
        : []
    )
  )
