/**
 * The tasks of a profile on new volumes before an application gets them. The journal contains only the
 * fingerprint of its commands; files are written back from exactly the record of the plan.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { argvOf, fingerprint as fingerprintOf, type Restoring, type Verify } from "../Verify.ts"
import { fingerprint as fingerprintOfWrites, textsFor } from "../Writes.ts"
import { Pinned, readPinned } from "./content.ts"
import { type Errands, pathsOf } from "./checkPod.ts"
import type { SnapshotRecord } from "./record.ts"
import { podName } from "../Ordinal.ts"

/** A profile's name, and the fingerprint of its commands. */
const By = Schema.Struct({ profile: Schema.String, digest: Schema.String })

/** The tasks in a plan; absent if there are none. */
export const errandFields = {
  writes: Schema.optionalKey(Schema.Struct({ ...By.fields, record: Pinned })),
  beforeStart: Schema.optionalKey(By),
  verify: Schema.optionalKey(By)
}
const Planned = Schema.Struct(errandFields)
type Planned = typeof Planned.Type

/** The same for the given profile. */
export const errandsBy = ({ beforeStart, verify }: Restoring): Omit<Planned, "writes"> => ({
  ...(beforeStart === undefined ? {} : { beforeStart: by(beforeStart) }),
  ...(verify === undefined ? {} : { verify: by(verify) })
})

/** The files to write back from this record. */
export const writesBy = ({ writes }: Restoring, record: Pinned): Pick<Planned, "writes"> =>
  writes === undefined
    ? {}
    : { writes: { profile: writes.profile, digest: fingerprintOfWrites(writes), record } }

const by = (one: Verify) => ({ profile: one.profile, digest: fingerprintOf(one) })

const isSame = (planned: typeof By.Type | undefined, given: string | null): boolean =>
  planned === undefined || planned.digest === given

/** Fails where the profile of the plan is not given again. */
const assertGiven = (planned: Planned, { writes, beforeStart, verify }: Restoring) => {
  const isGiven =
    isSame(planned.writes, writes === undefined ? null : fingerprintOfWrites(writes)) &&
    isSame(planned.beforeStart, beforeStart === undefined ? null : fingerprintOf(beforeStart)) &&
    isSame(planned.verify, verify === undefined ? null : fingerprintOf(verify))
  const profile = (planned.writes ?? planned.beforeStart ?? planned.verify)?.profile ?? ""
  return isGiven
    ? Effect.void
    : because(
        "Mismatch",
        `restored volumes are processed by profile ${profile}, which was not passed`,
        `pass the same --profile ${profile} as at the start; or abort, and plan again`
      )
}

const filled = (
  one: Verify,
  claims: ReadonlyArray<{ readonly template: string }>
): Effect.Effect<ReadonlyArray<string>, OperationError> => {
  const argv = argvOf(one, pathsOf(claims))
  return Result.isSuccess(argv)
    ? Effect.succeed(argv.success)
    : Effect.fail(because("Mismatch", argv.failure, "correct the profile; abort, and plan again"))
}

/** Replaces the placeholders of a member with its current or future name. */
const asMember = (argv: ReadonlyArray<string>, { fence }: Pick<StepContext, "fence">, ordinal: number) => {
  const words: Readonly<Record<string, string>> = {
    pod: podName(fence.name, ordinal),
    ordinal: `${ordinal}`,
    name: fence.name,
    namespace: fence.namespace
  }
  return argv.map((word) =>
    word.replace(/\{(pod|ordinal|name|namespace)\}/g, (_, key: string) => words[key] ?? "")
  )
}

export interface ErrandSettings extends Restoring {
  /** The namespace of the record, if it is not the application's. */
  readonly record?: { readonly namespace: string }
}

/** The record that a plan writes back from, read once for all ordinals; `null` if it writes nothing back. */
export const keptRecord = (
  { writes }: Planned,
  { settings, fence }: Pick<StepContext<ErrandSettings>, "settings" | "fence">
): Effect.Effect<SnapshotRecord | null, Failure, Cluster> =>
  writes === undefined
    ? Effect.succeed(null)
    : readPinned(settings.record?.namespace ?? fence.namespace, writes.record)

/** The tasks of one ordinal, with all placeholders replaced. */
export const errandsFor = (
  planned: Planned,
  at: Pick<StepContext<ErrandSettings>, "settings" | "fence">,
  record: SnapshotRecord | null,
  ordinal: number,
  claims: ReadonlyArray<{ readonly template: string }>
): Effect.Effect<Errands, OperationError> =>
  Effect.gen(function* () {
    const { writes, beforeStart, verify } = at.settings
    yield* assertGiven(planned, at.settings)
    const kept = record?.quiesced?.waves?.kept.map((one) => ({ ...one, text: one.text ?? "" })) ?? []
    const texts =
      writes === undefined || planned.writes === undefined ? null : textsFor(writes, kept, ordinal)
    if (planned.writes !== undefined && texts === null) {
      return yield* because(
        "Changed",
        `the record of snapshot ${planned.writes.record.set} has nothing to write back for ordinal ${ordinal}`,
        "abort, and restore from another snapshot"
      )
    }
    return {
      ...(texts === null ? {} : { writes: texts }),
      ...(planned.beforeStart === undefined || beforeStart === undefined
        ? {}
        : { beforeStart: asMember(yield* filled(beforeStart, claims), at, ordinal) }),
      ...(planned.verify === undefined || verify === undefined
        ? {}
        : { verify: yield* filled(verify, claims) })
    }
  })
