/**
 * How every member of an application is made anew from one member's data: a profile's section `seed`.
 *
 * Members of a raft system that were cut at different moments must not meet again. So a copy of one member's
 * volume is opened alone, what it holds is saved, and each member is made from that, under its own name.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { digest } from "./Digest.ts"

const { NonEmptyArray, NonEmptyString, Struct } = Schema

const Words = Struct({
  /**
   * An argv. `{volume}` stands for where the volume is mounted, as in the application's own container;
   * `{operation}` for the operation's id, `{members}` for how many are made, `{pod}` and `{ordinal}` for
   * whose volume it is. A word `{args}` stands for the command and the arguments of the application's
   * container, which are not run: names and addresses are read from them there.
   */
  command: NonEmptyArray(NonEmptyString)
})

/** The section as a file has it. */
export const SeedSection = Struct({
  /** Beside a copy of one member's volume: leaves on it what `restore` needs, whole. Run again, it finds that. */
  save: Words,
  /** Beside a copy of that, once for each member: makes its data. Run again, it finds it made. */
  restore: Words
})
export type SeedSection = typeof SeedSection.Type

/** The section, ready to be run. */
export interface Seed {
  /** The profile's name, as it is said in a command. */
  readonly profile: string
  readonly save: ReadonlyArray<string>
  readonly restore: ReadonlyArray<string>
}

export const seedOf = (profile: string, { save, restore }: SeedSection): Seed => ({
  profile,
  save: save.command,
  restore: restore.command
})

/** The section of a profile that has one; fails with what is missing. */
export const seedIn = (profile: string, section: SeedSection | undefined): Result.Result<Seed, string> =>
  section === undefined
    ? Result.fail("it has no seed section, which defines how members are rebuilt from one")
    : Result.succeed(seedOf(profile, section))

/** What a plan and a journal may know of it: whoever resumes must have the same. */
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
