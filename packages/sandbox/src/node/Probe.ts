/** Readiness: the answer of a container's program, and the period of its probe. */
import type { Host, Program } from "./Program.ts"
import type { ContainerRun } from "./PodReport.ts"

/** A program without a declared probe is asked once a second. */
const lookMillis = 1000

/** Asks once, and notes when to ask again. Only a declared probe can fail; else the answer is simply taken. */
export const probe = (run: ContainerRun, program: Program, host: Host, now: number): "Failed" | "Passed" => {
  const { readinessProbe } = run.container
  const isReady = program.isReady?.(host) ?? true
  const { failureThreshold = 3, successThreshold = 1, periodSeconds = 10 } = readinessProbe ?? {}
  run.streak = isReady === run.ready ? 0 : run.streak + 1
  const enough = readinessProbe === undefined ? 1 : isReady ? successThreshold : failureThreshold
  if (run.streak >= enough) {
    run.ready = isReady
    run.streak = 0
  }
  // What cannot fail is not asked again.
  const isSettled = run.ready && program.isReady === undefined
  const period = readinessProbe === undefined ? lookMillis : periodSeconds * 1000
  run.probeAt = isSettled ? Number.POSITIVE_INFINITY : now + period
  return isReady || readinessProbe === undefined ? "Passed" : "Failed"
}
