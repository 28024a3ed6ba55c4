/**
 * The files to write back to restored volumes before anything starts on them: texts that were saved in the
 * record of a staged snapshot.
 *
 * The record contains only the text of a file: its name and location are the profile's.
 */
import * as Schema from "effect/Schema"
import { digest } from "./Digest.ts"
import { KeptName } from "./Quiesce.ts"

const { NonEmptyArray, String, Struct } = Schema

/** Of a file on the volume, from some directory there on: no way leads up, or out. */
const within = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/

/** The section as a file has it. */
export const WritesSection = NonEmptyArray(
  Struct({
    text: KeptName.annotate({
      description: "A text that was saved in the record of a staged snapshot; the file has its name."
    }),
    beside: String.check(Schema.isPattern(within)).annotate({
      description:
        "The file is written to the one directory of the volumes that contains this file, such as global/pg_control."
    })
  })
)
export type WritesSection = typeof WritesSection.Type

/** The section, ready to be used. */
export interface Writes {
  /** The profile's name, as it is given in a command: the file's path, or a built-in one's. */
  readonly profile: string
  readonly files: WritesSection
}

/** The part of it that a plan and a journal may contain: a resume must have the same. */
export const fingerprint = ({ files }: Writes): string => digest(files)

/** The texts of one ordinal, by the file they are written to; `null` if one of them was not saved. */
export const textsFor = (
  { files }: Writes,
  kept: ReadonlyArray<{ readonly ordinal: number; readonly name: string; readonly text: string }>,
  ordinal: number
): ReadonlyArray<WritesSection[number] & { readonly content: string }> | null => {
  const all = files.map((file) => {
    const found = kept.filter((one) => one.ordinal === ordinal && one.name === file.text)
    return found.length === 1 ? [{ ...file, content: found[0]?.text ?? "" }] : null
  })
  return all.every((one) => one !== null) ? all.flat() : null
}
