/**
 * The tasks on restored volumes before an application gets them: a profile's section `restore`. Its commands
 * run in the pod that checks the volumes, as the application's user, with its image, and without its network
 * identity, its Secrets or a token.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { digest } from "./Digest.ts"
import { type Writes, WritesSection } from "./Writes.ts"

const { NonEmptyArray, NonEmptyString, optionalKey, Struct } = Schema

const Argv = Struct({ command: NonEmptyArray(NonEmptyString) })

/** The section as a file has it. */
export const RestoreSection = Struct({
  writes: optionalKey(
    WritesSection.annotate({
      description: "The files to write back to the volumes of a staged snapshot, before anything reads them."
    })
  ),
  beforeStart: optionalKey(
    Argv.annotate({
      description:
        "Runs once for each member of a copy, on its new volumes, before its first start. If it does not exit with 0, nothing is started. Must be idempotent."
    })
  ),
  /**
   * Exit code 0 if the content of the volumes is valid and complete. An argv array, never passed through a
   * shell.
   */
  verify: optionalKey(Argv)
})
export type RestoreSection = typeof RestoreSection.Type

/** A command of the section, ready to be run. */
export interface Verify {
  /** The profile's name, as it is given in a command: the file's path, or a built-in one's. */
  readonly profile: string
  /** `{path}` is the mount path of the first volume, `{path:TEMPLATE}` that of a claim template. */
  readonly argv: ReadonlyArray<string>
}

/** All that a profile does with restored volumes. */
export interface Restoring {
  readonly writes?: Writes
  /**
   * Only for copies: `{pod}`, `{ordinal}`, `{name}` and `{namespace}` are those of the copy's member as well.
   */
  readonly beforeStart?: Verify
  readonly verify?: Verify
}

/** The tasks of a profile with this name. */
export const restoringOf = (profile: string, section: RestoreSection | undefined): Restoring => {
  const { writes: files, beforeStart, verify } = section ?? {}
  return {
    ...(files === undefined ? {} : { writes: { profile, files } }),
    ...(beforeStart === undefined ? {} : { beforeStart: { profile, argv: beforeStart.command } }),
    ...(verify === undefined ? {} : { verify: { profile, argv: verify.command } })
  }
}

/** The part of it that a plan and a journal may contain: a resume must have the same. */
export const fingerprint = ({ argv }: Verify): string => digest(argv)

/**
 * The command with the mount paths of claim templates filled in; fails if it names one that does not exist.
 */
export const argvOf = (
  { argv, profile }: Verify,
  paths: ReadonlyMap<string, string>
): Result.Result<ReadonlyArray<string>, string> => {
  const [first = ""] = paths.values()
  const strange = argv
    .flatMap((word) => [...word.matchAll(/\{path:([^}]*)\}/g)])
    .find(([, template = ""]) => !paths.has(template))
  return strange === undefined
    ? Result.succeed(
        argv.map((word) =>
          word
            .replaceAll("{path}", first)
            .replace(/\{path:([^}]*)\}/g, (_, template: string) => paths.get(template) ?? "")
        )
      )
    : Result.fail(`profile ${profile} names ${strange[0]}, and there is no such claim template`)
}
