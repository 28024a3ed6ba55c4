/**
 * What is done with restored volumes before an application gets them: a profile's section `restore`. Its
 * commands run in the pod that proves the volumes, as the application's user, with its image, and without its
 * network name, its Secrets or a token.
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
  /** Exit code 0: what is on the volumes is the application's, and whole. Argv, and no shell's text. */
  verify: optionalKey(Argv)
})
export type RestoreSection = typeof RestoreSection.Type

/** A command of the section, ready to be run. */
export interface Verify {
  /** The profile's name, as it is said in a command: the file's path, or a built-in one's. */
  readonly profile: string
  /** `{path}` stands for where the first volume is mounted, `{path:TEMPLATE}` for that of a claim template. */
  readonly argv: ReadonlyArray<string>
}

/** All that a profile does with restored volumes. */
export interface Restoring {
  readonly writes?: Writes
  /** Of a copy alone: `{pod}`, `{ordinal}`, `{name}` and `{namespace}` are those of the copy's member as well. */
  readonly beforeStart?: Verify
  readonly verify?: Verify
}

/** What a profile that goes by this name does. */
export const restoringOf = (profile: string, section: RestoreSection | undefined): Restoring => {
  const { writes: files, beforeStart, verify } = section ?? {}
  return {
    ...(files === undefined ? {} : { writes: { profile, files } }),
    ...(beforeStart === undefined ? {} : { beforeStart: { profile, argv: beforeStart.command } }),
    ...(verify === undefined ? {} : { verify: { profile, argv: verify.command } })
  }
}

/** What a plan and a journal may know of it: whoever resumes must have the same. */
export const fingerprint = ({ argv }: Verify): string => digest(argv)

/** With the places of volumes, by claim templates, filled in; fails where it names one that is not there. */
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
