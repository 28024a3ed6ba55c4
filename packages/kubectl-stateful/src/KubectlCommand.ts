/**
 * What every command shares: kubectl's flags, the cluster they choose, signals, and the one
 * place where an Effect is run.
 */
import type { KubeconfigOptions } from "@kubectl-stateful/sdk/kubernetes"
import type { Cluster, ClusterError } from "@kubectl-stateful/sdk/Cluster"
import { Command } from "@oclif/core/command"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { normalise } from "./CommandLine.ts"
import { clusterFlags } from "./KubectlFlags.ts"
import { metered, newMeter, summary } from "./Meter.ts"
import { processScreen, type Screen } from "./Screen.ts"

/** The parsed values of the flags that choose a cluster. */
export interface ClusterFlags {
  readonly namespace?: string | undefined
  readonly context?: string | undefined
  readonly kubeconfig?: string | undefined
  readonly cluster?: string | undefined
  readonly user?: string | undefined
  readonly as?: string | undefined
  readonly "as-group"?: ReadonlyArray<string> | undefined
  readonly "as-uid"?: string | undefined
  readonly "request-timeout"?: number | undefined
  readonly v: number
}

/** As shells report a process that a signal ended. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const
type Signal = keyof typeof exitCodes

/** A launcher and the terminal both deliver one Ctrl-C; within this time two are one. */
const sameSignalMillis = 100

export abstract class KubectlCommand extends Command {
  static override baseFlags = clusterFlags

  protected screen: Screen = processScreen(process.stdout, process.stderr, process.env)

  protected override async init(): Promise<void> {
    await super.init()
    this.argv = [...normalise(this.argv, { ...this.ctor.baseFlags, ...this.ctor.flags })]
  }

  /** Whoever started the command prints it. */
  protected override catch(error: Error): Promise<never> {
    return Promise.reject(error)
  }

  /** The cluster that the flags choose; loaded when it is first needed. */
  protected connect(flags: ClusterFlags): Layer.Layer<Cluster, ClusterError> {
    const given = <Key extends keyof KubeconfigOptions>(
      key: Key,
      value: KubeconfigOptions[Key] | undefined
    ) => (value === undefined ? {} : { [key]: value })
    return Layer.unwrap(
      Effect.map(
        Effect.promise(() => import("@kubectl-stateful/sdk/kubernetes")),
        (live) =>
          live.layer({
            ...given("kubeconfig", flags.kubeconfig),
            ...given("context", flags.context),
            ...given("cluster", flags.cluster),
            ...given("user", flags.user),
            ...given("namespace", flags.namespace),
            ...given("as", flags.as),
            ...given("asUid", flags["as-uid"]),
            ...given("asGroups", flags["as-group"]),
            requestTimeout: flags["request-timeout"] ?? 0,
            userAgent: `kubectl-stateful/${this.config.version}`
          })
      )
    )
  }

  /**
   * Runs a command's effect: the first SIGINT or SIGTERM interrupts it, so that it can clean up;
   * the second ends the process at once. Rejects with the effect's error.
   */
  protected async perform<E>(flags: ClusterFlags, effect: Effect.Effect<void, E, Cluster>): Promise<void> {
    const abort = new AbortController()
    let first: { readonly signal: Signal; readonly at: number } | null = null
    const stop = (signal: Signal) => {
      if (first === null) {
        first = { signal, at: performance.now() }
        process.exitCode = exitCodes[signal]
        abort.abort()
      } else if (performance.now() - first.at > sameSignalMillis) {
        process.exit(exitCodes[signal])
      }
    }
    // Nobody reads any more: stop as quietly as a program that SIGPIPE ends.
    const onOutputError = (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") {
        process.exitCode = 1
        abort.abort()
      }
    }
    process.on("SIGINT", stop).on("SIGTERM", stop)
    process.stdout.on("error", onOutputError)
    const meter = newMeter()
    try {
      const exit = await Effect.runPromiseExit(
        effect.pipe(Effect.provide(metered(meter).pipe(Layer.provide(this.connect(flags))))),
        { signal: abort.signal }
      )
      if (flags.v > 0 && meter.requests > 0) this.screen.err(`${summary(meter)}\n`)
      if (Exit.isFailure(exit) && !(abort.signal.aborted && Cause.hasInterrupts(exit.cause))) {
        throw Cause.squash(exit.cause)
      }
    } finally {
      process.off("SIGINT", stop).off("SIGTERM", stop)
      process.stdout.off("error", onOutputError)
    }
  }
}
