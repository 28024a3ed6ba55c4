/**
 * What a scaling goes by beside its steps. It stands in the plan, and so in the journal: whoever
 * resumes or aborts it keeps the same quorum and asks for the same health, without being told again.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { HttpHealth } from "../Profile.ts"
import type { Quorum } from "../Quorum.ts"
import type { ScalePlan } from "./ScaleStep.ts"

const Terms = Schema.Struct({
  quorum: Schema.optionalKey(Schema.Union([Schema.Literals(["majority", "none"]), Schema.Natural])),
  health: Schema.optionalKey(
    Schema.Struct({ scheme: Schema.Literals(["http", "https"]), port: Schema.Natural, path: Schema.String })
  )
})

export interface ScaleTerms {
  readonly quorum?: Quorum
  readonly health?: HttpHealth
}

/** As a plan carries them. */
export const terms = ({ quorum, health }: ScaleTerms): Readonly<Record<string, unknown>> => ({
  ...(quorum === undefined ? {} : { quorum }),
  ...(health === undefined ? {} : { health })
})

const decoded = (plan: ScalePlan) => Schema.decodeUnknownResult(Terms)(plan.terms ?? {})

/** The plan whose terms can be read; or why not. */
export const readable = (plan: ScalePlan): Result.Result<ScalePlan, Schema.SchemaError> =>
  Result.map(decoded(plan), () => plan)

/** The terms of a plan, under what its caller says now. */
export const withTerms = <M extends ScaleTerms>(plan: ScalePlan, manner: M): M & ScaleTerms => ({
  ...Result.getOrElse(decoded(plan), () => ({})),
  ...manner
})
