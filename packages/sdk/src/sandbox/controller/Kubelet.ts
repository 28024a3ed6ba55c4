/**
 * The kubelets of all nodes: they start a pod's containers once its claims are bound,
 * report readiness, stop it within its grace period, and restart what ends. On a node
 * that is lost nothing of that happens, and the pod goes on saying Running.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Processes } from "../Processes.ts"
import { type Host, plain, type Program, type Programs } from "../Program.ts"
import type { Registry } from "../Registry.ts"
import {
  type Condition,
  type Container,
  persistentvolumeclaims,
  persistentvolumes,
  type Pod,
  pods,
  type PodStatus
} from "../resource/core.ts"
import * as Timestamp from "../Timestamp.ts"
import type { Volume } from "../Volume.ts"
import { claimsOf, usersOf } from "./ClaimUse.ts"
import type { Controller } from "./Controller.ts"
import { withCondition } from "./Scheduler.ts"

export interface KubeletOptions {
  readonly programs?: Programs
  /** From a pod on its node to its containers running. Default 1000. */
  readonly startMillis?: number
  readonly volumes: ReadonlyMap<string, Volume>
  readonly processes: Processes
  /** Names of nodes whose kubelet is gone. */
  readonly lost: ReadonlySet<string>
}

interface Run {
  /** When the containers run. */
  readonly startAt: number
  startedAt: number | undefined
  /** When the pod's stop is complete, once it was asked. */
  stopping: boolean
  stopped: boolean
  readonly restarts: Map<string, number>
  /** When a container that ended starts again. */
  readonly backoff: Map<string, number>
}

const address = (uid: string): string => {
  let hash = 7
  for (let i = 0; i < uid.length; i++) hash = (Math.imul(hash, 31) + uid.charCodeAt(i)) >>> 0
  return `10.244.${(hash >>> 8) % 256}.${(hash % 254) + 1}`
}

class Kubelet {
  readonly #registry: Registry
  readonly #options: KubeletOptions
  readonly #fork: (effect: Effect.Effect<void>) => void
  readonly #wake: (pod: Pod) => void
  readonly #runs = new Map<string, Run>()

  constructor(
    registry: Registry,
    options: KubeletOptions,
    fork: (effect: Effect.Effect<void>) => void,
    wake: (pod: Pod) => void
  ) {
    this.#registry = registry
    this.#options = options
    this.#fork = fork
    this.#wake = wake
  }

  reconcile(pod: Pod): number | undefined {
    const { nodeName } = pod.spec
    if (nodeName === undefined || this.#options.lost.has(nodeName)) return undefined
    if (pod.metadata.deletionTimestamp !== undefined) return this.#stop(pod)
    if (pod.status.phase === "Succeeded" || pod.status.phase === "Failed") return undefined
    const now = this.#registry.now()
    let run = this.#runs.get(pod.metadata.uid)
    if (run === undefined) {
      if (!this.#claimsAreBound(pod)) return undefined
      run = {
        startAt: now + (this.#options.startMillis ?? 1000),
        startedAt: undefined,
        stopping: false,
        stopped: false,
        restarts: new Map(),
        backoff: new Map()
      }
      this.#runs.set(pod.metadata.uid, run)
      this.#report(pod, run)
    }
    if (run.startAt > now) return run.startAt - now
    run.startedAt ??= now
    let again = Number.POSITIVE_INFINITY
    for (const container of pod.spec.containers) {
      if (this.#options.processes.get(pod.metadata.uid, container.name) !== undefined) continue
      const wait = (run.backoff.get(container.name) ?? now) - now
      if (wait > 0) again = Math.min(again, wait)
      else this.#start(pod, container, run)
    }
    again = Math.min(again, this.#report(pod, run))
    return again === Number.POSITIVE_INFINITY ? undefined : again
  }

  #claimsAreBound(pod: Pod): boolean {
    return claimsOf(pod).every(
      (name) =>
        this.#registry.store.get(persistentvolumeclaims, pod.metadata.namespace, name)?.status.phase ===
        "Bound"
    )
  }

  #volumeAt(pod: Pod, container: Container, mountPath: string): Volume | undefined {
    const mount = container.volumeMounts?.find((each) => each.mountPath === mountPath)
    const source = pod.spec.volumes?.find((each) => each.name === mount?.name)?.persistentVolumeClaim
    const { store } = this.#registry
    const claim = store.get(persistentvolumeclaims, pod.metadata.namespace, source?.claimName ?? "")
    const volume = store.get(persistentvolumes, undefined, claim?.spec.volumeName ?? "")
    return this.#options.volumes.get(volume?.spec.csi?.volumeHandle ?? "")
  }

  #start(pod: Pod, container: Container, run: Run): void {
    const program = this.#options.programs?.(pod, container) ?? plain
    const { processes, lost } = this.#options
    const scope = Scope.makeUnsafe()
    const host: Host = {
      pod,
      container,
      restarts: run.restarts.get(container.name) ?? 0,
      volume: (mountPath) => this.#volumeAt(pod, container, mountPath),
      peer: (name) => processes.byPod(pod.metadata.namespace ?? "", name)?.host,
      memory: new Map()
    }
    const isReachable = (): boolean => !lost.has(pod.spec.nodeName ?? "")
    processes.add({ host, program, scope, isReachable })
    if (program.onStart === undefined) return
    const main = program.onStart(host).pipe(
      Effect.provideService(Scope.Scope, scope),
      // A container that ends by itself is started again, ten seconds later, then twenty, up to five minutes.
      Effect.flatMap(() =>
        Effect.suspend(() => {
          const times = (run.restarts.get(container.name) ?? 0) + 1
          run.restarts.set(container.name, times)
          run.backoff.set(container.name, this.#registry.now() + Math.min(300_000, 10_000 * 2 ** (times - 1)))
          processes.remove(pod.metadata.uid, container.name)
          this.#wake(pod)
          return Scope.close(scope, Exit.void)
        })
      )
    )
    this.#fork(Effect.asVoid(Effect.forkIn(main, scope)))
  }

  /** Writes what is so; answers when to probe again. */
  #report(pod: Pod, run: Run): number {
    const now = this.#registry.now()
    const { uid } = pod.metadata
    const states = pod.spec.containers.map((container) => {
      const process = this.#options.processes.get(uid, container.name)
      return {
        container,
        process,
        ready: process !== undefined && this.#isReady(process.program, process.host, run)
      }
    })
    const started = run.startedAt !== undefined
    const ready = started && states.every((state) => state.ready)
    const initialized: Condition = { type: "Initialized", status: "True" }
    const containers: Condition = ready
      ? { type: "ContainersReady", status: "True" }
      : { type: "ContainersReady", status: "False", reason: "ContainersNotReady" }
    let conditions = pod.status.conditions ?? []
    for (const condition of [
      { type: "PodReadyToStartContainers", status: started ? "True" : "False" } as const,
      initialized,
      { ...containers, type: "Ready" },
      containers
    ]) {
      conditions = withCondition(conditions, condition, now)
    }
    const status: PodStatus = {
      ...pod.status,
      phase: started ? "Running" : "Pending",
      conditions,
      hostIP: "192.168.0.1",
      startTime: pod.status["startTime"] ?? Timestamp.fromMillis(now),
      ...(started ? { podIP: address(uid), podIPs: [{ ip: address(uid) }] } : {}),
      containerStatuses: states.map(({ container, process, ready: isReady }) => ({
        name: container.name,
        image: container.image ?? "",
        imageID: "",
        ready: isReady,
        started: process !== undefined,
        restartCount: run.restarts.get(container.name) ?? 0,
        state:
          process !== undefined
            ? { running: { startedAt: Timestamp.fromMillis(run.startedAt ?? now) } }
            : { waiting: { reason: started ? "CrashLoopBackOff" : "ContainerCreating" } }
      }))
    }
    this.#registry.setStatus(pods, pod, status)
    const probed = states.some(({ process }) => process?.program.isReady !== undefined)
    const waiting = states.some(({ container }) => !ready && container.readinessProbe !== undefined)
    return started && (probed || waiting) ? this.#periodMillis(pod) : Number.POSITIVE_INFINITY
  }

  #periodMillis(pod: Pod): number {
    const periods = pod.spec.containers.flatMap(({ readinessProbe }) =>
      readinessProbe === undefined ? [] : [(readinessProbe.periodSeconds ?? 10) * 1000]
    )
    return Math.min(1000, ...periods)
  }

  #isReady(program: Program, host: Host, run: Run): boolean {
    const delay = (host.container.readinessProbe?.initialDelaySeconds ?? 0) * 1000
    if (this.#registry.now() - (run.startedAt ?? 0) < delay) return false
    return program.isReady?.(host) ?? true
  }

  #stop(pod: Pod): number | undefined {
    const { uid, namespace, name } = pod.metadata
    const run = this.#runs.get(uid)
    const ends = Timestamp.toMillis(pod.metadata.deletionTimestamp ?? "")
    const left = ends - this.#registry.now()
    if (run !== undefined && !run.stopped && left > 0) {
      if (!run.stopping) {
        run.stopping = true
        const stops = pod.spec.containers.flatMap((container) => {
          const process = this.#options.processes.get(uid, container.name)
          return process?.program.onStop === undefined ? [] : [process.program.onStop(process.host)]
        })
        if (stops.length === 0) run.stopped = true
        else
          this.#fork(
            Effect.ensuring(
              Effect.all(stops, { concurrency: "unbounded", discard: true }),
              Effect.sync(() => {
                run.stopped = true
                this.#wake(pod)
              })
            )
          )
      }
      if (!run.stopped) return left
    }
    this.forget(pod)
    this.#registry.remove(pods, namespace, name, { uid, gracePeriodSeconds: 0 })
    return undefined
  }

  /** Ends whatever runs of the pod. */
  forget(pod: Pod): void {
    this.#runs.delete(pod.metadata.uid)
    for (const container of pod.spec.containers) {
      const process = this.#options.processes.remove(pod.metadata.uid, container.name)
      if (process !== undefined) this.#fork(Scope.close(process.scope, Exit.void))
    }
  }
}

/** `context`: of the fiber that makes the sandbox; the programs run in it, and end with its scope. */
export const kubelet = (
  registry: Registry,
  options: KubeletOptions,
  context: Context.Context<Scope.Scope>
): { readonly controller: Controller; readonly wakeAll: () => void } => {
  const { store } = registry
  const runFork = Effect.runForkWith(context)
  let notify: (pod: Pod) => void = () => undefined
  const inner = new Kubelet(
    registry,
    options,
    (effect) => {
      runFork(Effect.forkScoped(effect))
    },
    (pod) => notify(pod)
  )
  const keyOf = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`
  notify = (pod) => {
    // A change that only the kubelet knows of: the pod is written as it is.
    const current = store.get(pods, pod.metadata.namespace, pod.metadata.name)
    if (current?.metadata.uid === pod.metadata.uid) store.touch(pods, current)
  }
  return {
    controller: {
      name: "kubelet",
      keysOf: ({ kind, type, object, previous }) => {
        if (type === pods) {
          // Deleted without the kubelet's doing, by force: what ran of it ends all the same.
          if (kind === "DELETED" && previous !== undefined) inner.forget(previous as Pod)
          return [`${object.metadata.namespace}/${object.metadata.name}`]
        }
        const claim =
          type === persistentvolumeclaims
            ? store.get(persistentvolumeclaims, object.metadata.namespace, object.metadata.name)
            : undefined
        return claim === undefined ? [] : usersOf(registry, claim).map(keyOf)
      },
      reconcile: (key) => {
        const [namespace, name = ""] = key.split("/")
        const pod = store.get(pods, namespace, name)
        return pod === undefined ? undefined : inner.reconcile(pod)
      }
    },
    wakeAll: () => {
      for (const pod of store.list(pods)) notify(pod)
    }
  }
}
