/** The steps of scaling. Each is idempotent: what it asks for is looked up in the cluster first. */
import * as Match from "effect/Match"
import * as Schema from "effect/Schema"
import { planOf, type Plan } from "../operation/Plan.ts"
import { Retention } from "../Topology.ts"

const { Natural, NullOr, String, Struct, TaggedStruct } = Schema

/** A claim by its template and ordinal. */
export const ClaimSlot = Struct({ name: String, template: String, ordinal: Natural })
export type ClaimSlot = typeof ClaimSlot.Type

/** Sets the retention policy for the time of the operation, and reads it back. */
export const Retain = TaggedStruct("Retain", { was: Retention, to: Retention })

/** A volume, the uid of the claim that has it, and its reclaim policy before. */
export const KeptVolume = Struct({ name: String, claim: String, was: String })
export type KeptVolume = typeof KeptVolume.Type

/** Sets the reclaim policy of volumes to Retain for the time of the operation, and reads it back. */
export const KeepVolumes = TaggedStruct("KeepVolumes", { volumes: Schema.Array(KeptVolume) })

/** Puts the reclaim policies back. */
export const ReleaseVolumes = TaggedStruct("ReleaseVolumes", { volumes: Schema.Array(KeptVolume) })

/** Moves a leftover claim's volume to a claim of another name, so that a new pod starts empty. */
export const SetAside = TaggedStruct("SetAside", {
  claim: String,
  uid: String,
  volume: String,
  as: String,
  /** The volume's reclaim policy before, which an abort puts back; null: it is not known. */
  was: NullOr(String)
})

/** A claim that was set aside, by name and uid, and its volume. */
export const PurgedClaim = Struct({ claim: String, uid: String, volume: NullOr(String), size: String })
export type PurgedClaim = typeof PurgedClaim.Type

/** Deletes a claim that was set aside, with its volume and data. Nothing brings it back. */
export const Purge = TaggedStruct("Purge", PurgedClaim.fields)

/** Creates claims before their pods, all at once, as the controller would make them one by one. */
export const Claims = TaggedStruct("Claims", { slots: Schema.Array(ClaimSlot) })

/** Runs a hook in one member's pod; an intent is written to the journal first. */
export const Hook = TaggedStruct("Hook", {
  hook: Schema.Literals(["beforeRemove", "afterAdd"]),
  ordinal: Natural
})

/** One change of `spec.replicas`, and the wait until its pods are there, or gone. */
export const Replicas = TaggedStruct("Replicas", {
  from: Natural,
  to: Natural,
  /** The count to remember for `last`; null: none. */
  remember: NullOr(Natural)
})

/** Puts the retention policy back. */
export const PutBack = TaggedStruct("PutBack", { to: Retention })

export const ScaleStep = Schema.Union([
  Retain,
  KeepVolumes,
  SetAside,
  Claims,
  Hook,
  Replicas,
  ReleaseVolumes,
  PutBack,
  Purge
])
export type ScaleStep = typeof ScaleStep.Type

/** A plan to scale, as it is printed and journalled. */
export const ScalePlan = planOf(ScaleStep)
export type ScalePlan = Plan<ScaleStep>

const counted = (volumes: ReadonlyArray<KeptVolume>): string =>
  volumes.length === 1 ? `volume ${volumes[0]?.name ?? ""}` : `${volumes.length} volumes`

/** One line of what a step does, for progress and dry runs. */
export const describe = (name: string, step: ScaleStep): string =>
  Match.valueTags(step, {
    Retain: ({ to }) => `set whenScaled ${to.whenScaled}, whenDeleted ${to.whenDeleted}`,
    KeepVolumes: ({ volumes }) => `keep ${counted(volumes)}: reclaim policy Retain`,
    ReleaseVolumes: ({ volumes }) => `put back the reclaim policy of ${counted(volumes)}`,
    SetAside: ({ claim, as }) => `set ${claim} aside as ${as}`,
    Claims: ({ slots }) =>
      slots.length === 1 ? `create claim ${slots[0]?.name ?? ""}` : `create ${slots.length} claims`,
    Hook: ({ hook, ordinal }) => `${hook} in ${name}-${ordinal}`,
    Replicas: ({ from, to }) => `replicas ${from} -> ${to}`,
    Purge: ({ claim, volume, size }) =>
      `delete claim ${claim}${volume === null ? "" : ` with volume ${volume} (${size})`}`,
    PutBack: ({ to }) => `put back whenScaled ${to.whenScaled}, whenDeleted ${to.whenDeleted}`
  })
