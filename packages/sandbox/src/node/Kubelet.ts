/**
 * The kubelets of all nodes: they start a pod's containers once its volumes are mounted, report readiness,
 * stop it within its grace period, and restart containers that exit. On a lost node none of that happens,
 * and the pod keeps reporting Running.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Processes } from "./Processes.ts"
import { type Host, plainIn, type Programs } from "./Program.ts"
import type { Registry } from "../registry/Registry.ts"
import { type Container, persistentvolumeclaims, type Pod, pods } from "../registry/kinds/core.ts"
import * as Timestamp from "../apimachinery/Timestamp.ts"
import type { Volume } from "../storage/Volume.ts"
import { claimsOf } from "../controller/ClaimUse.ts"
import type { Cause, Loss } from "./NodeLoss.ts"
import { type ContainerRun, containerRun, hasEnded, isDone, type PodRun, podStatus } from "./PodReport.ts"
import type { PodsByNode } from "../registry/PodsByNode.ts"
import { mounts } from "./PodVolumes.ts"
import { probe } from "./Probe.ts"
import type { Recorder } from "../controller/Recorder.ts"
import { configFault, unmounted } from "./References.ts"
import { isEnd } from "../registry/PodPhase.ts"

export interface KubeletOptions {
  readonly programs?: Programs
  /** From a pod on its node, with its volumes, to its first container running. Default 1000. */
  readonly startMillis?: number
  /** Pods have addresses of both families. Default false. */
  readonly dualStack?: boolean
  /** True if a pod's volumes are on its node. Default: its claims are bound. */
  readonly hasVolumes?: (pod: Pod) => boolean
  readonly volumes: ReadonlyMap<string, Volume>
  readonly processes: Processes
  readonly byNode: PodsByNode
  readonly recorder: Recorder
  /** Nodes that are not heard of; the kubelets write it. */
  readonly losses: Map<string, Loss>
}

/**
 * The first restart is immediate, the next after 10 s, then 20 s, up to five minutes; ten minutes without a
 * failure reset it.
 */
const restartMillis = (run: ContainerRun): number =>
  run.restarts === 0 ? 1000 : Math.min(300_000, 10_000 * 2 ** (run.restarts - 1))

/** A volume that lacks is asked for again after half a second, then a second, up to some two minutes. */
const remountMillis = (tries: number): number => Math.min(122_000, 500 * 2 ** tries)

/** A container whose environment lacks something is tried again with the pod's next round: ten seconds, and up to half more. */
const configMillis = 12_000

export class Kubelet {
  readonly #registry: Registry
  readonly #options: KubeletOptions
  readonly #fork: (effect: Effect.Effect<void>) => void
  readonly #wake: (pod: Pod) => void
  readonly #runs = new Map<string, PodRun>()
  #started = 0
  /** Pods that were force-deleted while their node was unreachable. */
  readonly #strays = new Map<string, Array<Pod>>()

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
    if (nodeName === undefined || this.#options.losses.has(nodeName)) return undefined
    if (pod.metadata.deletionTimestamp !== undefined) return this.#stop(pod)
    if (isEnd(pod.status.phase)) return undefined
    const now = this.#registry.now()
    let run = this.#runs.get(pod.metadata.uid)
    if (run === undefined || run.startAt === Number.POSITIVE_INFINITY) {
      const wait = this.#mount(pod, run)
      if (wait !== undefined) return wait
      if (!(this.#options.hasVolumes?.(pod) ?? this.#claimsAreBound(pod))) return undefined
      run ??= this.#begin(pod)
      run.startAt = now + (this.#options.startMillis ?? 1000)
      run.told = undefined
    }
    let next = run.startAt
    if (run.startAt <= now) {
      next = this.#startAll(pod, run)
      next = Math.min(next, this.#probeAll(pod, run))
    }
    if (run.told !== pod) this.#tell(pod, run)
    return next === Number.POSITIVE_INFINITY ? undefined : Math.max(0, next - now)
  }

  /** The state of a pod that was assigned to its node: nothing has started. */
  #begin(pod: Pod): PodRun {
    this.#started += 1
    const run = {
      number: this.#started,
      startAt: Number.POSITIVE_INFINITY,
      mounts: { tries: 0, at: 0 },
      init: (pod.spec.initContainers ?? []).map(containerRun),
      main: pod.spec.containers.map(containerRun),
      stopping: false,
      stopped: false,
      told: undefined
    }
    this.#runs.set(pod.metadata.uid, run)
    return run
  }

  /** Mounts volumes from Secrets and ConfigMaps; returns the time of the next attempt if one is missing. */
  #mount(pod: Pod, known: PodRun | undefined): number | undefined {
    const now = this.#registry.now()
    if (known !== undefined && known.mounts.at > now) return known.mounts.at - now
    const lacking = unmounted(this.#registry.store, pod)
    if (lacking.length === 0) return undefined
    const run = known ?? this.#begin(pod)
    for (const { volume, why } of lacking) {
      this.#options.recorder.record(pod, {
        type: "Warning",
        reason: "FailedMount",
        message: `MountVolume.SetUp failed for volume ${JSON.stringify(volume)} : ${why}`,
        component: "kubelet",
        host: pod.spec.nodeName ?? ""
      })
    }
    const wait = remountMillis(run.mounts.tries)
    run.mounts = { tries: run.mounts.tries + 1, at: now + wait }
    if (run.told === undefined) this.#tell(pod, run)
    return wait
  }

  #tell(pod: Pod, run: PodRun): void {
    const { namespace, name } = pod.metadata
    this.#registry.setStatus(pods, pod, podStatus(this.#registry, pod, run, this.#options.dualStack === true))
    run.told = this.#registry.store.get(pods, namespace, name)
  }

  #claimsAreBound(pod: Pod): boolean {
    return claimsOf(pod).every(
      (name) =>
        this.#registry.store.get(persistentvolumeclaims, pod.metadata.namespace, name)?.status.phase ===
        "Bound"
    )
  }

  /** Starts what should run: init containers one after another, then all others. Answers when the next start is due. */
  #startAll(pod: Pod, run: PodRun): number {
    const first = run.init.find((each) => !isDone(each))
    const wanted = first === undefined ? run.main : [first]
    let next = Number.POSITIVE_INFINITY
    for (const each of wanted) {
      if (each.startedAt !== undefined || hasEnded(each)) continue
      if ((each.startAt ?? 0) > this.#registry.now()) next = Math.min(next, each.startAt ?? next)
      else {
        run.told = undefined
        if (this.#configure(pod, each, first !== undefined)) this.#start(pod, each, first !== undefined)
        else next = Math.min(next, each.startAt ?? next)
      }
    }
    // What an init container without a program did, it has done: on to the next.
    return first !== undefined && isDone(first) ? this.#startAll(pod, run) : next
  }

  /** The container that a name leads to, if the network between the nodes allows it. */
  #peer(from: Pod, name: string): Host | undefined {
    const { losses, processes } = this.#options
    const other = this.#registry.store.get(pods, from.metadata.namespace, name)
    if (other === undefined) return undefined
    const isCutOff = losses.has(other.spec.nodeName ?? "") || losses.has(from.spec.nodeName ?? "")
    if (isCutOff && other.spec.nodeName !== from.spec.nodeName) return undefined
    return other.spec.containers
      .map((container) => processes.get(other.metadata.uid, container.name)?.host)
      .find((host) => host !== undefined)
  }

  #say(pod: Pod, container: Container, reason: string, message: string, isInit: boolean): void {
    this.#options.recorder.record(pod, {
      type: ["BackOff", "Failed", "Unhealthy"].includes(reason) ? "Warning" : "Normal",
      reason,
      message,
      component: "kubelet",
      host: pod.spec.nodeName ?? "",
      fieldPath: `spec.${isInit ? "initContainers" : "containers"}{${container.name}}`
    })
  }

  /** True if the container's environment can be built; otherwise it is retried. */
  #configure(pod: Pod, run: ContainerRun, isInit: boolean): boolean {
    run.fault = configFault(this.#registry.store, pod, run.container)
    if (run.fault === undefined) return true
    run.startAt = this.#registry.now() + configMillis
    this.#say(pod, run.container, "Failed", `Error: ${run.fault}`, isInit)
    return false
  }

  #start(pod: Pod, run: ContainerRun, isInit: boolean): void {
    const { container } = run
    const now = this.#registry.now()
    const program = this.#options.programs?.(pod, container) ?? plainIn(pod, container)
    const { processes, losses } = this.#options
    const scope = Scope.makeUnsafe()
    if (run.last !== undefined) run.restarts += 1
    const host: Host = {
      pod,
      container,
      restarts: run.restarts,
      volume: mounts(this.#registry.store, this.#options.volumes, pod, container),
      peer: (name) => this.#peer(pod, name),
      memory: new Map()
    }
    const isReachable = (): boolean => !losses.has(pod.spec.nodeName ?? "")
    run.startedAt = now
    run.startAt = undefined
    run.streak = 0
    run.ready = false
    run.probeAt = isInit
      ? Number.POSITIVE_INFINITY
      : now + (container.readinessProbe?.initialDelaySeconds ?? 0) * 1000
    this.#say(pod, container, "Started", "Container started", isInit)
    if (isInit && program.onStart === undefined) {
      this.#ended(pod, run, 0, isInit)
      return
    }
    const process = { host, program, scope, isReachable }
    processes.add(process)
    if (program.onStart === undefined) return
    const main = program.onStart(host).pipe(
      Effect.provideService(Scope.Scope, scope),
      Effect.flatMap((code) =>
        Effect.suspend(() => {
          processes.remove(pod.metadata.uid, container.name)
          this.#ended(pod, run, code, isInit)
          const whole = this.#runs.get(pod.metadata.uid)
          if (whole !== undefined) whole.told = undefined
          this.#wake(pod)
          return Scope.close(scope, Exit.void)
        })
      )
    )
    this.#fork(Effect.asVoid(Effect.forkIn(main, scope)))
  }

  #ended(pod: Pod, run: ContainerRun, code: number, isInit: boolean): void {
    const now = this.#registry.now()
    const startedAt = run.startedAt ?? now
    const policy = pod.spec.restartPolicy ?? "Always"
    const isWanted = isInit
      ? code !== 0 && policy !== "Never"
      : policy === "Always" || (policy === "OnFailure" && code !== 0)
    if (now - startedAt > 600_000) run.restarts = 0
    run.startedAt = undefined
    run.ready = false
    run.last = { code, startedAt, at: now }
    run.startAt = isWanted ? now + restartMillis(run) : Number.POSITIVE_INFINITY
    if (isWanted && run.restarts > 0) {
      const { namespace, name, uid } = pod.metadata
      const where = `${run.container.name} in pod ${name}_${namespace}(${uid})`
      this.#say(pod, run.container, "BackOff", `Back-off restarting failed container ${where}`, isInit)
    }
  }

  /** Asks the readiness of what runs; answers when the next question is due. */
  #probeAll(pod: Pod, run: PodRun): number {
    let next = Number.POSITIVE_INFINITY
    for (const each of run.main) {
      const process = this.#options.processes.get(pod.metadata.uid, each.container.name)
      if (process === undefined || each.startedAt === undefined) continue
      if (each.probeAt <= this.#registry.now()) {
        const before = each.ready
        if (probe(each, process.program, process.host, this.#registry.now()) === "Failed")
          this.#say(pod, each.container, "Unhealthy", "Readiness probe failed: ", false)
        if (each.ready !== before) run.told = undefined
      }
      next = Math.min(next, each.probeAt)
    }
    return next
  }

  #stop(pod: Pod): number | undefined {
    const { uid, namespace, name } = pod.metadata
    const run = this.#runs.get(uid)
    const ends = Timestamp.toMillis(pod.metadata.deletionTimestamp ?? "")
    const left = ends - this.#registry.now()
    if (run !== undefined && !run.stopped && left > 0) {
      if (!run.stopping) this.#beginStop(pod, run)
      if (!run.stopped) return left
    }
    if (run !== undefined) this.#reportEnd(pod, run)
    this.forget(pod)
    this.#registry.remove(pods, namespace, name, { uid, gracePeriodSeconds: 0 })
    return undefined
  }

  #beginStop(pod: Pod, run: PodRun): void {
    run.stopping = true
    const running = [...run.init, ...run.main].flatMap(({ container }) => {
      const process = this.#options.processes.get(pod.metadata.uid, container.name)
      return process === undefined ? [] : [{ container, process }]
    })
    for (const { container } of running)
      this.#say(pod, container, "Killing", `Stopping container ${container.name}`, false)
    const stops = running.flatMap(({ process: { program, host } }) => program.onStop?.(host) ?? [])
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

  /** A deleted pod gets a final phase of its own first, since Kubernetes 1.27. */
  #reportEnd(pod: Pod, run: PodRun): void {
    const isKilled = !run.stopped && run.stopping
    for (const each of [...run.init, ...run.main]) {
      const now = this.#registry.now()
      if (each.startedAt !== undefined)
        each.last = { code: isKilled ? 137 : 0, startedAt: each.startedAt, at: now }
      each.startedAt = undefined
      each.startAt = Number.POSITIVE_INFINITY
      each.ready = false
    }
    if (run.main.some(({ last }) => last === undefined)) return
    this.#tell(pod, run)
  }

  /** Ends whatever runs of the pod. */
  forget(pod: Pod): void {
    this.#runs.delete(pod.metadata.uid)
    this.#kill(pod)
  }

  #kill(pod: Pod): void {
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      const process = this.#options.processes.remove(pod.metadata.uid, container.name)
      if (process !== undefined) this.#fork(Scope.close(process.scope, Exit.void))
    }
  }

  /** Force-deleted without the kubelet: its processes end as soon as its node receives it. */
  deleted(pod: Pod): void {
    const { nodeName = "" } = pod.spec
    if (!this.#options.losses.has(nodeName)) this.forget(pod)
    else this.#strays.set(nodeName, [...(this.#strays.get(nodeName) ?? []), pod])
  }

  lose(name: string, cause: Cause): void {
    this.#options.losses.set(name, { cause, since: this.#registry.now() })
    if (cause === "power") for (const pod of this.#options.byNode.on(name)) this.#kill(pod)
  }

  find(name: string): void {
    const loss = this.#options.losses.get(name)
    this.#options.losses.delete(name)
    for (const pod of this.#strays.get(name) ?? []) this.forget(pod)
    this.#strays.delete(name)
    for (const pod of this.#options.byNode.on(name)) {
      const run = this.#runs.get(pod.metadata.uid)
      if (loss?.cause === "power" && run !== undefined) this.#reboot(run)
      this.#wake(pod)
    }
  }

  /**
   * After a power failure every volume is mounted again, and every container restarts, including init
   * containers.
   */
  #reboot(run: PodRun): void {
    const now = this.#registry.now()
    run.startAt = Number.POSITIVE_INFINITY
    run.told = undefined
    for (const each of [...run.init, ...run.main]) {
      if (each.startedAt !== undefined) each.last = { code: 255, startedAt: each.startedAt, at: now }
      each.startedAt = undefined
      each.startAt = undefined
      each.ready = false
    }
    for (const each of run.init) each.last = undefined
  }
}
