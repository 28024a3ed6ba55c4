/** Reasons that a plan to scale must not run, each with a remedy. */
import type { Refusal } from "../operation/Plan.ts"
import { needed } from "../Quorum.ts"
import type { ScaleOptions } from "./options.ts"
import type { AppState } from "../state/AppState.ts"
import { releaseOf } from "../state/Writer.ts"
import type { Workload } from "../Topology.ts"

/** The members that are asked for and not ready, by name. */
export const notReady = (state: AppState, workload: Workload): ReadonlyArray<string> =>
  state.replicas
    .filter(({ workload: of, wanted }) => of === `StatefulSet/${workload.name}` && wanted)
    .filter(({ pod }) => pod?.ready !== true || pod.deleted !== null)
    .map(({ name }) => name)

export const refusals = (
  state: AppState,
  workload: Workload,
  options: ScaleOptions
): ReadonlyArray<Refusal> => {
  const { replicas: to } = options
  const name = `statefulset "${workload.name}"`
  const found: Array<Refusal> = []
  const refuse = (reason: string, remedy: string) => found.push({ reason, remedy })
  if (workload.deleted !== null) {
    refuse(`${name} is being deleted since ${workload.deleted}`, "wait until it is gone, and apply it again")
  }
  if (options.currentReplicas !== undefined && options.currentReplicas !== workload.replicas) {
    refuse(
      `expected replicas of ${name} to be ${options.currentReplicas}, was ${workload.replicas}`,
      "check it, and pass the current number"
    )
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== workload.resourceVersion) {
    refuse(
      `expected resourceVersion of ${name} to be ${options.resourceVersion}, was ${workload.resourceVersion}`,
      "check it, and pass the current version"
    )
  }
  if (workload.name.length > 52 && to > workload.replicas) {
    refuse(
      `${name} has a name of ${workload.name.length} characters, with more than 52 no pod can be created (kubernetes#64023)`,
      "use a shorter name"
    )
  }
  if (options.forceConflicts !== true && to !== workload.replicas) {
    for (const writer of workload.writers) {
      if (!writer.replicas || releaseOf(writer) !== null) continue
      refuse(
        `${writer.name} also writes the replicas of ${name} (${writer.by}) and would undo this`,
        "change the count there, or pause it and use --force-conflicts"
      )
    }
  }
  const leaving = to < workload.replicas
  if (typeof options.quorum === "number" && to !== workload.replicas && to < options.quorum) {
    refuse(
      `${to} replicas are fewer than the ${options.quorum} of --quorum`,
      `request at least ${options.quorum}, or use --quorum none`
    )
  }
  if (leaving && to > 0 && options.quorum !== "none") {
    const sick = notReady(state, workload)
    const need = needed(options.quorum ?? "majority", workload.replicas)
    if (workload.replicas - sick.length < need) {
      refuse(
        `${sick.join(", ")} not ready: ${workload.replicas - sick.length} of ${workload.replicas} are, quorum needs ${need}`,
        "repair them first, or use --quorum none"
      )
    }
  }
  return found
}
