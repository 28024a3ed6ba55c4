/** From one count to another, in changes that stop at each barrier, with hooks between: pure. */
import { make, type StepOf } from "../operation/Step.ts"
import type { Profile } from "../Profile.ts"
import { barrier, type Quorum } from "../Quorum.ts"
import type { Workload } from "../Topology.ts"
import { MarkDraining } from "./markDraining.ts"
import { RunHook } from "./memberHook.ts"
import { SetReplicas } from "./replicas.ts"
import { range } from "../Ordinal.ts"

export type CountStep = StepOf<typeof RunHook> | StepOf<typeof SetReplicas> | StepOf<typeof MarkDraining>

export interface CountOptions {
  /** Default: majority. */
  readonly quorum?: Quorum
  /** The maximum number of replicas per change. Default: up to the next barrier. */
  readonly step?: number
  /** Join and leave hooks. Default: none. */
  readonly profile?: Profile
  /** Milliseconds that routers are given to see who leaves. Default: members that leave are not marked. */
  readonly drainWait?: number
  /** True if this restores the number of replicas from before the plan. Default false. */
  readonly returns?: boolean
  /** True if the plan passes a number of replicas twice. Default false. */
  readonly once?: boolean
}

export const countSteps = (
  workload: Pick<Workload, "firstOrdinal" | "podManagementPolicy">,
  { from, to }: { readonly from: number; readonly to: number },
  options: CountOptions
): ReadonlyArray<CountStep> => {
  const steps: Array<CountStep> = []
  const { beforeRemove, afterAdd } = options.profile ?? {}
  const start = workload.firstOrdinal
  const up = to > from
  const hooked = up ? afterAdd !== undefined : beforeRemove !== undefined
  let count = from
  while (count !== to) {
    const next = barrier(options.quorum ?? "majority", count, to, {
      parallel: workload.podManagementPolicy === "Parallel",
      step: hooked ? 1 : (options.step ?? null)
    })
    if (!up && options.drainWait !== undefined) {
      const ordinals = range(start + next, count - next).toReversed()
      steps.push(make(MarkDraining, { ordinals, wait: options.drainWait }))
    }
    if (!up && hooked) steps.push(make(RunHook, { hook: "beforeRemove", ordinal: start + count - 1 }))
    const remember = next === 0 ? from : null
    const how = {
      ...(options.returns === true ? { returns: true } : {}),
      ...(options.once === true ? { once: true } : {})
    }
    steps.push(make(SetReplicas, { from: count, to: next, remember, ...how }))
    if (up && hooked) steps.push(make(RunHook, { hook: "afterAdd", ordinal: start + count }))
    count = next
  }
  return steps
}
