/** Checks the requirements of a staged snapshot: pure over its record and the given profile. */
import type { Refusal } from "../operation/Plan.ts"
import type { Restoring } from "../Verify.ts"
import type { Waves } from "./source.ts"

/** Reasons that its volumes are not restored for these ordinals. */
export const wavesRefusals = (
  set: string,
  waves: Waves | undefined,
  { writes }: Restoring,
  ordinals: ReadonlyArray<number>
): ReadonlyArray<Refusal> => {
  if (waves === undefined) return []
  const { profile, kept, record } = waves
  if (writes === undefined) {
    return [
      {
        reason: `snapshot ${set} was taken in stages by profile ${profile}: its volumes are incomplete without the files that it writes back to them`,
        remedy: `give --profile ${profile}`
      }
    ]
  }
  if (record === null) {
    return [
      {
        reason: `what is written back to the volumes of snapshot ${set} is in its record, which cannot be read, or may have been changed`,
        remedy: "use an account that can read Secrets; or choose another snapshot"
      }
    ]
  }
  const missing = [...new Set(ordinals)].flatMap((ordinal) =>
    writes.files
      .filter(({ text }) => kept.filter((one) => one.ordinal === ordinal && one.name === text).length !== 1)
      .map(({ text }) => `${text} of ordinal ${ordinal}`)
  )
  return missing.length === 0
    ? []
    : [
        {
          reason: `the record of snapshot ${set} does not contain ${missing.join(", ")}, and its volumes are incomplete without it`,
          remedy: "choose another snapshot"
        }
      ]
}

/** The effects, in words. */
export const wavesEffects = (waves: Waves | undefined, { writes }: Restoring): ReadonlyArray<string> =>
  waves === undefined || writes === undefined
    ? []
    : [
        `${writes.files.map(({ text }) => text).join(", ")} is written back to each member's volumes from the record, by profile ${writes.profile}`
      ]
