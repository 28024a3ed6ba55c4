/**
 * What a scaling goes by beside its steps. It stands in the plan, and so in the journal: whoever
 * resumes or aborts it keeps the same quorum and asks for the same health, without being told again.
 *
 * A journal is input, not authority: whoever may write ConfigMaps could have written it. What it asks
 * for that costs data, lowers quorum, or sends requests to pods, its new caller must ask for as well.
 */
import { digest } from "../Digest.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import { lookAtOperations } from "../operation/OperationId.ts"
import { stepsOf } from "../operation/Step.ts"
import type { HttpHealth, Profile } from "../Profile.ts"
import { type InMillis, inMillis, type StepOptions } from "../operation/Verb.ts"
import { needed, type Quorum } from "../Quorum.ts"
import type { Verdict } from "../step/memberHook.ts"
import { Purge } from "../step/purge.ts"
import { countsOf, highestCount } from "../step/replicas.ts"
import { SetRetention } from "../step/retention.ts"
import type { ScalePlan, ScaleSettings } from "./steps.ts"

/** How a plan to scale is carried out, beyond what the plan itself says. */
export interface RunSettings extends StepOptions {
  readonly profile?: Profile
  readonly health?: HttpHealth
  /** Default: majority. */
  readonly quorum?: Quorum
  /** What a person found out about a hook whose outcome was unknown. */
  readonly hookOutcome?: Verdict
  /** To take up an operation that deletes claims by this policy. */
  readonly whenScaled?: "Retain" | "Delete"
  /** To take up an operation that deletes what was set aside. */
  readonly purge?: boolean
}

/** What its steps go by: what its caller says now, over what the plan itself says. */
export type Going = InMillis<RunSettings> & ScaleSettings

/** Whether a quorum is less than that of the majority, which is kept without being asked for. */
const isLower = (quorum: Quorum, members: number): boolean =>
  quorum === "none" || (quorum !== "majority" && quorum < needed("majority", members))

/**
 * What an abort goes by without being asked: a lower quorum, and requests to pods, are no more than
 * words of the journal.
 */
const settingsBack = (plan: ScalePlan): ScaleSettings => {
  const { quorum, facts, attached } = plan.settings
  return {
    ...(quorum === undefined || isLower(quorum, highestCount(plan)) ? {} : { quorum }),
    ...(facts === undefined ? {} : { facts }),
    ...(attached === undefined ? {} : { attached })
  }
}

export const going = (plan: ScalePlan, given: RunSettings, back: boolean): Going => ({
  ...(back ? settingsBack(plan) : plan.settings),
  ...inMillis(given)
})

/** True if the plan deletes data for good, or leaves no replica: a person should be asked before it runs. */
export const needsConfirmation = (plan: ScalePlan): boolean => {
  const counts = countsOf(plan)
  const isDown = counts.some(({ from, to }) => to < from)
  return (
    counts.at(-1)?.to === 0 ||
    stepsOf(Purge, plan.steps).length > 0 ||
    (isDown && plan.settings.facts?.whenScaled === "Delete")
  )
}

/** Why the operation is not taken up by this caller; null: all that it asks for is asked for. */
export const consent = (plan: ScalePlan, asked: RunSettings): OperationError | null => {
  const { quorum, health } = plan.settings
  const again = (what: string, flag: string) =>
    because(
      "Mismatch",
      `operation ${plan.id} ${what}, as its journal says`,
      `${lookAtOperations(plan.home)}; if that is intended, give ${flag} again`
    )
  if (quorum !== undefined && isLower(quorum, highestCount(plan)) && asked.quorum === undefined) {
    return again(`goes below quorum (${quorum})`, `--quorum ${quorum}`)
  }
  if (health !== undefined && digest(asked.health ?? null) !== digest(health)) {
    return again("asks pods for their health over HTTP", "the same --health")
  }
  const deletes = stepsOf(SetRetention, plan.steps).some(({ to }) => to.whenScaled === "Delete")
  if (deletes && asked.whenScaled !== "Delete") {
    return again("deletes claims with their data", "--when-scaled Delete")
  }
  const purges = stepsOf(Purge, plan.steps).length > 0
  return purges && asked.purge !== true ? again("deletes what was set aside, with its data", "--purge") : null
}
