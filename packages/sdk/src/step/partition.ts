/** A rollout that a partition holds, in a plan that stops all pods: pure. */
import { stepsOf } from "../operation/Step.ts"
import type { AnyStep } from "../operation/StepContext.ts"
import { podName, range, span } from "../Ordinal.ts"
import type { Workload } from "../Topology.ts"
import { SetReplicas } from "./replicas.ts"

/** With no pod, the controller takes the newest revision as the current one, whatever the partition (kubernetes#121534). */
export const endedRollout = (
  { name, firstOrdinal, partition, replicas, currentRevision, updateRevision }: Workload,
  steps: ReadonlyArray<AnyStep>
): ReadonlyArray<string> => {
  const held = Math.min(partition, replicas)
  const isStopped = stepsOf(SetReplicas, steps).some(({ to }) => to === 0)
  if (held === 0 || !isStopped || currentRevision === updateRevision) return []
  const pods = span(range(firstOrdinal, held).map((ordinal) => podName(name, ordinal)))
  return [
    `without pods the rollout ends that partition ${partition} holds: ${pods} ${held === 1 ? "comes" : "come"} back on ${updateRevision}, not on ${currentRevision}`
  ]
}
