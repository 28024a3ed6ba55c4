/** The freeze of a snapshot, from its operation's journal: which step, which members, and when. */
import * as Schema from "effect/Schema"
import type { Entry } from "./operation/Journal.ts"
import { CutQuiesced } from "./step/cutQuiesced.ts"

/** The step in which members are quiesced, and its time. */
export interface FreezeWindow {
  /** The step's index in the plan. */
  readonly step: number
  /** Pods. */
  readonly members: ReadonlyArray<string>
  /** The time after which each member would have been released, in milliseconds. */
  readonly deadline: number
  /** True if the volumes are snapshotted in stages, with no writes blocked. */
  readonly inStages: boolean
  /** The step's start and end by the clock of its process: the freeze is within. `null` if not recorded. */
  readonly started: string | null
  readonly ended: string | null
}

const decode = Schema.decodeUnknownOption(CutQuiesced.schema)

/**
 * The freeze window of an operation; `null` if it quiesces nothing. Pure over the journal.
 *
 * **Caveats**: the window is that of the whole step. How long each member was quiesced is in the snapshot's
 * summary, under `quiesced`, once it was confirmed.
 *
 * **Example**:
 *
 * ```ts
 * const frozen = (yield* Journal.list("shop", "db")).map(freezeOf)
 * ```
 */
export const freezeOf = ({ plan, status }: Entry): FreezeWindow | null => {
  for (const [index, step] of plan.steps.entries()) {
    const decoded = decode(step)
    if (decoded._tag === "None") continue
    const { members, deadline, waves } = decoded.value
    const time = status.times?.[`${index}`]
    return {
      step: index,
      members: members.map(({ pod }) => pod),
      deadline,
      inStages: waves === true,
      started: time?.started ?? null,
      ended: time?.ended ?? null
    }
  }
  return null
}
