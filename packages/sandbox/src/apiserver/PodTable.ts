/** The cells of a pod in `kubectl get pods`: its STATUS is a reason found in many places. */
import * as Age from "./Age.ts"
import { arrayAt, at, isObject, numberAt, stringAt } from "../apimachinery/Json.ts"
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import { isEnd } from "../registry/PodPhase.ts"

const ended = (terminated: unknown): string => {
  const reason = stringAt(terminated, "reason") ?? ""
  if (reason !== "") return reason
  const signal = numberAt(terminated, "signal") ?? 0
  return signal === 0 ? `ExitCode:${numberAt(terminated, "exitCode") ?? 0}` : `Signal:${signal}`
}

const isReady = (status: unknown): boolean =>
  arrayAt(status, "conditions").some(
    (each) => stringAt(each, "type") === "Ready" && stringAt(each, "status") === "True"
  )

/** The reason of the first init container that is not done, or undefined when all are. */
const initReason = (object: KubeObject): string | undefined => {
  const total = arrayAt(object.spec, "initContainers").length
  for (const [i, each] of arrayAt(object.status, "initContainerStatuses").entries()) {
    const terminated = at(each, "state", "terminated")
    if (isObject(terminated)) {
      if (terminated["exitCode"] === 0) continue
      return `Init:${ended(terminated)}`
    }
    const waiting = stringAt(each, "state", "waiting", "reason") ?? ""
    return waiting !== "" && waiting !== "PodInitializing" ? `Init:${waiting}` : `Init:${i}/${total}`
  }
  return undefined
}

const containersReason = (
  object: KubeObject
): { readonly reason: string | undefined; readonly ready: number } => {
  let reason: string | undefined
  let failed: string | undefined
  let running = false
  let ready = 0
  for (const each of arrayAt(object.status, "containerStatuses").toReversed()) {
    const waiting = stringAt(each, "state", "waiting", "reason") ?? ""
    const terminated = at(each, "state", "terminated")
    if (waiting !== "") reason = waiting
    else if (isObject(terminated)) {
      reason = ended(terminated)
      if (terminated["exitCode"] !== 0) failed = reason
    } else if (at(each, "ready") === true && isObject(at(each, "state", "running"))) {
      running = true
      ready += 1
    }
  }
  if (reason === "Completed") {
    if (running && isReady(object.status)) reason = "Running"
    else if (failed !== undefined) reason = failed
    else if (running) reason = "NotReady"
  }
  return { reason, ready }
}

export const podCells = (object: KubeObject, now: number): ReadonlyArray<string | number> => {
  const phase = stringAt(object.status, "phase") ?? ""
  const statuses = arrayAt(object.status, "containerStatuses")
  const init = initReason(object)
  const main = containersReason(object)
  const podReason = stringAt(object.status, "reason") ?? ""
  let reason = init ?? main.reason ?? (podReason === "" ? phase : podReason)
  if (object.metadata.deletionTimestamp !== undefined) {
    if (podReason === "NodeLost") reason = "Unknown"
    else if (!isEnd(phase)) reason = "Terminating"
  }
  const restarts = statuses.reduce<number>((sum, each) => sum + (numberAt(each, "restartCount") ?? 0), 0)
  const last = statuses
    .map((each) => stringAt(each, "lastState", "terminated", "finishedAt") ?? "")
    .reduce((latest, each) => (each > latest ? each : latest), "")
  const gates = arrayAt(object.spec, "readinessGates")
  const open = gates.filter((gate) =>
    arrayAt(object.status, "conditions").some(
      (each) => at(each, "type") === at(gate, "conditionType") && at(each, "status") === "True"
    )
  )
  return [
    object.metadata.name,
    `${init === undefined ? main.ready : 0}/${arrayAt(object.spec, "containers").length}`,
    reason,
    restarts > 0 && last !== "" ? `${restarts} (${Age.since(last, now)} ago)` : String(restarts),
    Age.since(object.metadata.creationTimestamp, now),
    stringAt(object.status, "podIP") ?? "<none>",
    stringAt(object.spec, "nodeName") ?? "<none>",
    stringAt(object.status, "nominatedNodeName") ?? "<none>",
    gates.length === 0 ? "<none>" : `${open.length}/${gates.length}`
  ]
}
