/** Releasing a restored application as a verb. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Plan } from "../operation/Plan.ts"
import type { StepOf } from "../operation/Step.ts"
import { verb } from "../operation/Verb.ts"
import { Release } from "../step/release.ts"

const steps = [Release] as const

export type ReleaseStep = StepOf<(typeof steps)[number]>

/** The settings in a plan in addition to its steps: the restore whose isolation is removed. */
export const ReleaseSettings = Schema.Struct({ restore: Schema.String })
export type ReleaseSettings = typeof ReleaseSettings.Type

export interface ReleasePlan extends Plan<ReleaseStep, ReleaseSettings> {}

/** The result of the operation. */
export const ReleaseResult = Schema.Struct({ restore: Schema.String })

export const releaseVerb = verb<
  ReleaseStep,
  ReleaseSettings,
  object,
  ReleaseSettings,
  typeof ReleaseResult.Type
>({
  name: "release",
  steps,
  settings: ReleaseSettings,
  result: ReleaseResult,
  misfit: ({ guards }) =>
    guards.length === 1 && guards[0].kind === "StatefulSet" ? null : "it releases no StatefulSet",
  going: (plan) => plan.settings,
  hooks: () => [],
  check: () => Effect.void,
  consent: () => null,
  preflight: () => Effect.void,
  conclude: ({ settings }) => Effect.succeed(settings),
  concludeBack: () => Effect.void,
  capture: () => ({})
})
