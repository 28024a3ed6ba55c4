/** A plan tried on the server without keeping anything: what admission says, as far as it can be asked now. */
import * as Effect from "effect/Effect"
import { preflight } from "../Access.ts"
import type { Cluster } from "../Cluster.ts"
import * as Fences from "../operation/Fence.ts"
import type { Failure } from "../operation/Performer.ts"
import * as Resource from "../Resource.ts"
import { manifest } from "./ScaleClaims.ts"
import { describe, type ScalePlan } from "./ScaleStep.ts"

/** The plan, with every step that could not be sent listed as unchecked. Fails as the server would. */
export const tryOut = (plan: ScalePlan): Effect.Effect<ScalePlan, Failure, Cluster> =>
  Effect.gen(function* () {
    if (plan.refusals.length > 0) return plan
    yield* preflight(plan.access)
    const { namespace, name } = plan.app
    const set = yield* Fences.read(plan.app)
    const first = plan.steps.find((step) => step._tag === "Replicas")
    const unchecked: Array<string> = []
    for (const step of plan.steps) {
      if (step._tag === "Claims") {
        yield* Effect.forEach(
          step.slots,
          (slot) => {
            const value = manifest(set, slot, plan.id)
            const at = { api: Resource.persistentVolumeClaims, namespace }
            return value === null ? Effect.void : Resource.create(at, value, { dryRun: true })
          },
          { concurrency: 8, discard: true }
        )
      } else if (step === first) {
        yield* Resource.patch(
          { api: Resource.statefulSets, namespace, name },
          {
            _tag: "Json",
            operations: [
              { op: "test", path: "/metadata/uid", value: plan.basis.uid },
              { op: "replace", path: "/spec/replicas", value: first.to }
            ]
          },
          { dryRun: true }
        )
      } else {
        unchecked.push(`${describe(name, step)}: not sent, what it needs is not there yet`)
      }
    }
    return { ...plan, unchecked: [...plan.unchecked, ...unchecked] }
  })
