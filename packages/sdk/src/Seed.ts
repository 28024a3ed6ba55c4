/**
 * How every member of an application is rebuilt from one member's data: a profile's section `seed`.
 *
 * Members of a Raft cluster that were snapshotted at different moments must not be combined. So a copy of one
 * member's volume is opened by itself, its contents are saved, and each member is rebuilt from that, under
 * its own name.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { digest } from "./Digest.ts"

const { NonEmptyArray, NonEmptyString, Struct } = Schema

const Words = Struct({
  /**
   * An argv array. `{volume}` is the mount path of the volume, as in the application's own container;
   * `{operation}` the operation's id, `{members}` the number of members, `{pod}` and `{ordinal}` the member
   * whose volume it is. The word `{args}` is replaced with the command and the arguments of the application's
   * container, which are not executed: names and addresses are read from them.
   */
  command: NonEmptyArray(NonEmptyString)
})

/** The section as a file has it. */
export const SeedSection = Struct({
  /**
   * Runs on a copy of one member's volume, and leaves there everything that `restore` needs. Must be
   * idempotent.
   */
  save: Words,
  /** Runs on a copy of that, once for each member, and rebuilds its data. Must be idempotent. */
  restore: Words
})
export type SeedSection = typeof SeedSection.Type

/** The section, ready to be run. */
export interface Seed {
  /** The profile's name, as it is given in a command. */
  readonly profile: string
  readonly save: ReadonlyArray<string>
  readonly restore: ReadonlyArray<string>
}

export const seedOf = (profile: string, { save, restore }: SeedSection): Seed => ({
  profile,
  save: save.command,
  restore: restore.command
})

/** The section of a profile; fails if it has none. */
export const seedIn = (profile: string, section: SeedSection | undefined): Result.Result<Seed, string> =>
  section === undefined
    ? Result.fail("it has no seed section, which defines how members are rebuilt from one")
    : Result.succeed(seedOf(profile, section))

/** The part of it that a plan and a journal may contain: a resume must have the same. */
export const fingerprint = ({ save, restore }: Seed): string => digest({ save, restore })

/** Of one pod, in the place of the words in braces. */
export interface SeedWords {
  readonly volume: string
  readonly operation: string
  readonly members: number
  readonly pod: string
  readonly ordinal: number
  /** The command and the arguments of the application's container. */
  readonly args: ReadonlyArray<string>
}

export const filledIn = (argv: ReadonlyArray<string>, { args, ...words }: SeedWords): ReadonlyArray<string> =>
  argv.flatMap((word) =>
    word === "{args}"
      ? args
      : [
          word.replace(/\{(volume|operation|members|pod|ordinal)\}/g, (_, name: keyof typeof words) =>
            String(words[name])
          )
        ]
  )
