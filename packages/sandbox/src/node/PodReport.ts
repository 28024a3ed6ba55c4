/** The pod status that a kubelet writes: pure, from the state of the containers. */
import { type Condition, type Container, nodes, type Pod, type PodStatus } from "../registry/kinds/core.ts"
import type { Registry } from "../registry/Registry.ts"
import { arrayAt, stringAt } from "../apimachinery/Json.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import { withCondition } from "../controller/Condition.ts"

export interface Ending {
  readonly code: number
  readonly startedAt: number
  readonly at: number
}

/** One container of one pod, over its restarts. */
export interface ContainerRun {
  readonly container: Container
  restarts: number
  /** While it runs. */
  startedAt: number | undefined
  last: Ending | undefined
  /** The time of its next start; Infinity if it does not start again, undefined before its first start. */
  startAt: number | undefined
  /** The reason that it cannot be started, in the kubelet's wording, and whether it was reported. */
  fault: string | undefined
  ready: boolean
  /** The time of the next readiness probe, and how many probes in a row differed from the pod's status. */
  probeAt: number
  streak: number
}

export interface PodRun {
  /** Each pod that starts has its own: its address is made of it. */
  readonly number: number
  /**
   * The time at which the node has pulled, mounted and set up everything for the pod; Infinity while a
   * volume is missing.
   */
  startAt: number
  /** The number of failed mounts of its volumes, and the time of the next attempt. */
  mounts: { readonly tries: number; readonly at: number }
  readonly init: ReadonlyArray<ContainerRun>
  readonly main: ReadonlyArray<ContainerRun>
  stopping: boolean
  stopped: boolean
  /** The last reported pod; an unchanged status is not written. */
  told: Pod | undefined
}

export const containerRun = (container: Container): ContainerRun => ({
  container,
  restarts: 0,
  startedAt: undefined,
  last: undefined,
  startAt: undefined,
  fault: undefined,
  ready: false,
  probeAt: 0,
  streak: 0
})

/** An init container that ended well is not needed again. */
export const isDone = ({ last, startedAt }: ContainerRun): boolean =>
  startedAt === undefined && last?.code === 0

/** Ended, and not to be started again. */
export const hasEnded = ({ startedAt, startAt }: ContainerRun): boolean =>
  startedAt === undefined && startAt === Number.POSITIVE_INFINITY

const terminated = ({ code, startedAt, at }: Ending) => ({
  terminated: {
    exitCode: code,
    reason: code === 0 ? "Completed" : "Error",
    startedAt: Timestamp.fromMillis(startedAt),
    finishedAt: Timestamp.fromMillis(at)
  }
})

const stateOf = (run: ContainerRun, initial: string, now: number): object => {
  if (run.startedAt !== undefined) return { running: { startedAt: Timestamp.fromMillis(run.startedAt) } }
  if (run.fault !== undefined) {
    return { waiting: { reason: "CreateContainerConfigError", message: run.fault } }
  }
  if (run.last === undefined) return { waiting: { reason: initial } }
  const isBackedOff =
    run.restarts > 0 &&
    run.startAt !== undefined &&
    run.startAt !== Number.POSITIVE_INFINITY &&
    run.startAt > now
  return isBackedOff ? { waiting: { reason: "CrashLoopBackOff" } } : terminated(run.last)
}

const statusOf = (run: ContainerRun, pod: Pod, initial: string, now: number): unknown => {
  const state = stateOf(run, initial, now)
  return {
    name: run.container.name,
    image: run.container.image ?? "",
    imageID: "",
    ...(run.startedAt === undefined && run.last === undefined
      ? {}
      : { containerID: `sandbox://${pod.metadata.uid}-${run.container.name}-${run.restarts}` }),
    ready: run.ready,
    started: run.startedAt !== undefined,
    restartCount: run.restarts,
    state,
    lastState: run.last === undefined || "terminated" in state ? {} : terminated(run.last)
  }
}

/** The addresses of the pod of a number: of both families where the cluster has both. */
const addresses = (number: number, dualStack: boolean): ReadonlyArray<{ readonly ip: string }> => {
  const [high, low] = [(number >>> 8) & 255, number & 255]
  const ipv4 = { ip: `10.${128 + ((number >>> 16) & 127)}.${high}.${low}` }
  return dualStack ? [ipv4, { ip: `fd00:10:128::${number.toString(16)}` }] : [ipv4]
}

const hostAddress = (registry: Registry, pod: Pod): string =>
  arrayAt(registry.store.get(nodes, undefined, pod.spec.nodeName ?? "")?.status, "addresses")
    .filter((each) => stringAt(each, "type") === "InternalIP")
    .map((each) => stringAt(each, "address") ?? "")[0] ?? ""

const readiness = (
  run: PodRun,
  phase: PodStatus["phase"]
): Pick<Condition, "status" | "reason" | "message"> => {
  const unready = run.main.filter(({ ready }) => !ready).map(({ container }) => container.name)
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" }
  if (phase === "Failed") return { status: "False", reason: "PodFailed" }
  return unready.length === 0
    ? { status: "True" }
    : {
        status: "False",
        reason: "ContainersNotReady",
        message: `containers with unready status: [${unready.join(" ")}]`
      }
}

const phaseOf = ({ init, main }: PodRun): PodStatus["phase"] => {
  if (init.some((run) => hasEnded(run) && !isDone(run))) return "Failed"
  if (!init.every(isDone)) return "Pending"
  if (main.every(hasEnded)) return main.every(({ last }) => last?.code === 0) ? "Succeeded" : "Failed"
  return main.every((run) => run.startedAt !== undefined || run.last !== undefined) ? "Running" : "Pending"
}

export const podStatus = (registry: Registry, pod: Pod, run: PodRun, dualStack: boolean): PodStatus => {
  const now = registry.now()
  const phase = phaseOf(run)
  const hasNetwork = run.startAt <= now
  const waiting = run.init.filter((each) => !isDone(each)).map(({ container }) => container.name)
  const observed =
    pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }
  const ready = readiness(run, phase)
  let conditions = pod.status.conditions ?? []
  for (const condition of [
    { type: "PodReadyToStartContainers", status: hasNetwork ? "True" : "False" } as const,
    waiting.length === 0
      ? ({
          type: "Initialized",
          status: "True",
          ...(phase === "Succeeded" ? { reason: "PodCompleted" } : {})
        } as const)
      : ({
          type: "Initialized",
          status: "False",
          reason: "ContainersNotInitialized",
          message: `containers with incomplete status: [${waiting.join(" ")}]`
        } as const),
    { type: "Ready", ...ready },
    { type: "ContainersReady", ...ready }
  ]) {
    conditions = withCondition(conditions, { ...condition, lastProbeTime: null, ...observed }, now)
  }
  const initial = run.init.length > 0 ? "PodInitializing" : "ContainerCreating"
  const hostIP = hostAddress(registry, pod)
  const podIPs =
    pod.spec.hostNetwork === true && hostIP !== "" ? [{ ip: hostIP }] : addresses(run.number, dualStack)
  return {
    ...pod.status,
    ...observed,
    ...(phase === undefined ? {} : { phase }),
    conditions,
    ...(hostIP === "" ? {} : { hostIP, hostIPs: [{ ip: hostIP }] }),
    startTime: pod.status["startTime"] ?? Timestamp.fromMillis(now),
    ...(hasNetwork && podIPs[0] !== undefined ? { podIP: podIPs[0].ip, podIPs } : {}),
    ...(run.init.length === 0
      ? {}
      : {
          initContainerStatuses: run.init.map((each) =>
            statusOf({ ...each, ready: isDone(each) }, pod, "PodInitializing", now)
          )
        }),
    containerStatuses: run.main.map((each) => statusOf(each, pod, initial, now))
  }
}
