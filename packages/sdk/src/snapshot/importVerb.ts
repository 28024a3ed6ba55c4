/** Bringing in a snapshot from a file as a verb. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { because } from "../operation/OperationError.ts"
import type { Plan } from "../operation/Plan.ts"
import { type StepOf, stepsOf } from "../operation/Step.ts"
import { type InMillis, inMillis, type StepOptions, verb } from "../operation/Verb.ts"
import { ImportRecord, ListRecord } from "../step/importRecord.ts"
import { ProvisionCuts } from "../step/provisionCuts.ts"
import type { SnapshotRecord } from "../step/record.ts"
import { recordName } from "../RecordName.ts"
import { readRecord } from "../step/recordList.ts"

const steps = [ImportRecord, ProvisionCuts, ListRecord] as const

export type ImportStep = StepOf<(typeof steps)[number]>

/** The settings in a plan in addition to its steps. */
export const ImportSettings = Schema.Struct({ set: Schema.String })
export type ImportSettings = typeof ImportSettings.Type

export interface ImportPlan extends Plan<ImportStep, ImportSettings> {}

export interface ImportRun extends StepOptions {
  /** The record; absent if it is resumed without its file. */
  readonly record?: SnapshotRecord
}

/** The result of the operation. */
export const ImportResult = Schema.Struct({
  set: Schema.String,
  /** Claims whose volume snapshots are now registered. */
  claims: Schema.Natural,
  /** The number of these for which a content was created. */
  made: Schema.Natural
})

export const importVerb = verb<
  ImportStep,
  ImportSettings,
  ImportRun,
  ImportSettings & InMillis<ImportRun>,
  typeof ImportResult.Type
>({
  name: "import",
  steps,
  settings: ImportSettings,
  result: ImportResult,
  misfit: ({ guards, home, settings, steps: all }) => {
    const [guard] = guards
    if (all.some(({ set }) => set !== settings.set)) return "a step of it is about another snapshot"
    const isRecord =
      guard.kind === "Secret" && guard.namespace === home && guard.name === recordName(settings.set)
    return isRecord && guards.length === 1 ? null : "it owns something other than the record of its snapshot"
  },
  going: (plan, options) => ({ ...plan.settings, ...inMillis(options) }),
  hooks: () => [],
  check: () => Effect.void,
  consent: () => null,
  preflight: () => Effect.void,
  conclude: (plan, at) =>
    Effect.gen(function* () {
      const { set } = plan.settings
      const record = yield* readRecord(at.fence.namespace, set)
      if (record === null) return yield* because("Changed", `the record of ${set} is gone`, "import it again")
      const made = stepsOf(ProvisionCuts, plan.steps).flatMap(({ cuts }) => cuts).length
      return { set, claims: record.cuts.length, made }
    }),
  concludeBack: () => Effect.void,
  capture: () => ({})
})
