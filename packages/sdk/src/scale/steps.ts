/** The steps of a plan to scale, and the settings that it carries: what is journalled. */
import * as Schema from "effect/Schema"
import type { Plan } from "../operation/Plan.ts"
import type { StepOf } from "../operation/Step.ts"
import { CreateClaims } from "../step/claims.ts"
import { MarkDraining } from "../step/markDraining.ts"
import { RunHook } from "../step/memberHook.ts"
import { MoveVolume } from "../step/moveVolume.ts"
import { Purge } from "../step/purge.ts"
import { RestoreReclaimPolicies, RetainVolumes } from "../step/reclaimPolicy.ts"
import { SetReplicas } from "../step/replicas.ts"
import { RestoreRetention, SetRetention } from "../step/retention.ts"
import { KeptClaim } from "../step/volume.ts"
import { Facts } from "../step/workload.ts"

export const steps = [
  SetRetention,
  RetainVolumes,
  MoveVolume,
  CreateClaims,
  MarkDraining,
  RunHook,
  SetReplicas,
  RestoreReclaimPolicies,
  RestoreRetention,
  Purge
] as const

export type ScaleStep = StepOf<(typeof steps)[number]>

/** As a plan carries them. */
export const ScaleSettings = Schema.Struct({
  quorum: Schema.optionalKey(Schema.Union([Schema.Literals(["majority", "none"]), Schema.Natural])),
  health: Schema.optionalKey(
    Schema.Struct({ scheme: Schema.Literals(["http", "https"]), port: Schema.Natural, path: Schema.String })
  ),
  facts: Schema.optionalKey(Facts),
  /** Claims from before that new pods get: with their data, or without a volume yet. */
  attached: Schema.optionalKey(Schema.Array(KeptClaim)),
  /** The claims at the start of a scale-down under whenScaled Delete: no abort brings back one that went with its pod. */
  before: Schema.optionalKey(Schema.Array(KeptClaim))
})
export type ScaleSettings = typeof ScaleSettings.Type

/** A plan to scale, as it is printed and journalled. */
export interface ScalePlan extends Plan<ScaleStep, ScaleSettings> {}
