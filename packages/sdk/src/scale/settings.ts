/**
 * The settings of a scaling in addition to its steps. They are in the plan, and so in the journal: a resume
 * or abort keeps the same quorum and checks the same health, without repeating the options.
 *
 * A journal is input, not authority: anyone who can write ConfigMaps could have written it. Settings that
 * cost data, lower quorum, or send requests to pods must be repeated by the process that resumes it.
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

/** Options for running a plan to scale, in addition to the plan itself. */
export interface RunSettings extends StepOptions {
  readonly profile?: Profile
  readonly health?: HttpHealth
  /** Default: majority. */
  readonly quorum?: Quorum
  /** The user's answer about a hook whose outcome was unknown. */
  readonly hookOutcome?: Verdict
  /** Consent to resume an operation that deletes claims by this policy. */
  readonly whenScaled?: "Retain" | "Delete"
  /** Consent to resume an operation that deletes claims that were set aside. */
  readonly purge?: boolean
}

/** The settings of its steps: those of this run, and otherwise those of the plan. */
export type Going = InMillis<RunSettings> & ScaleSettings

/** True if a quorum is lower than that of the majority, which is the default. */
const isLower = (quorum: Quorum, members: number): boolean =>
  quorum === "none" || (quorum !== "majority" && quorum < needed("majority", members))

/**
 * The settings of an abort without consent: the journal alone cannot lower quorum, or send requests to pods.
 */
const settingsBack = (plan: ScalePlan): ScaleSettings => {
  const { quorum, facts, attached, before } = plan.settings
  return {
    ...(quorum === undefined || isLower(quorum, highestCount(plan)) ? {} : { quorum }),
    ...(facts === undefined ? {} : { facts }),
    ...(attached === undefined ? {} : { attached }),
    ...(before === undefined ? {} : { before })
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

/** Reason that this process must not resume the operation; `null` if all consent was given. */
export const consent = (plan: ScalePlan, asked: RunSettings): OperationError | null => {
  const { quorum, health } = plan.settings
  const again = (what: string, flag: string) =>
    because(
      "Mismatch",
      `operation ${plan.id} ${what}, as its journal says`,
      `${lookAtOperations(plan.home)}; if that is intended, pass ${flag} again`
    )
  if (quorum !== undefined && isLower(quorum, highestCount(plan)) && asked.quorum === undefined) {
    return again(`goes below quorum (${quorum})`, `--quorum ${quorum}`)
  }
  if (health !== undefined && digest(asked.health ?? null) !== digest(health)) {
    return again("sends HTTP health checks to pods", "the same --health")
  }
  const deletes = stepsOf(SetRetention, plan.steps).some(({ to }) => to.whenScaled === "Delete")
  if (deletes && asked.whenScaled !== "Delete") {
    return again("deletes claims with their data", "--when-scaled Delete")
  }
  const purges = stepsOf(Purge, plan.steps).length > 0
  return purges && asked.purge !== true ? again("deletes what was set aside, with its data", "--purge") : null
}
