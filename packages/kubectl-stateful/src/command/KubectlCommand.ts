/** Base class of all commands: kubectl's flags, the cluster they select, signals and interruption. */
import { Cluster, type ClusterError } from "@kubectl-stateful/sdk/Cluster"
import type { Interfaces } from "@oclif/core"
import { Command } from "@oclif/core/command"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { type Carried, carriedFlags, CarryingError, carryingScreen } from "./carried.ts"
import { normalise } from "./commandLine.ts"
import { connect, execute } from "./connect.ts"
import { type ClusterFlags, clusterFlags, type CommonFlags } from "../flags/cluster.ts"
import { metered, newMeter, summary } from "./meter.ts"
import { permitted } from "./permission.ts"
import { insecureLine } from "../print/origin.ts"
import { ended } from "../print/terminal.ts"
import { processScreen, type Screen } from "./screen.ts"

/** As shells report a process that a signal ended. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const
type Signal = keyof typeof exitCodes

/** A launcher and the terminal both deliver one Ctrl-C; within this time two are one. */
const sameSignalMillis = 100

type FlagOutput = Interfaces.OutputFlags<Interfaces.FlagInput>
type ArgOutput = Interfaces.OutputArgs<Interfaces.ArgInput>

export abstract class KubectlCommand extends Command {
  static override baseFlags = clusterFlags

  protected screen: Screen = processScreen(process.stdout, process.stderr, process.env)

  private carried: Carried = []

  /** True for an output format whose text is printed as it is: a program reads it. */
  protected readonly isDocument: (output: unknown) => boolean = (output) =>
    output === "json" || output === "yaml"

  protected override async init(): Promise<void> {
    await super.init()
    this.argv = [...normalise(this.argv, { ...this.ctor.baseFlags, ...this.ctor.flags })]
  }

  /**
   * The command line; from here on the screen has the colors that it asks for, and what it prints the flags that
   * choose the cluster.
   */
  protected override async parse<F extends FlagOutput, B extends FlagOutput, A extends ArgOutput>(
    options?: Interfaces.Input<F, B, A>
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    const parsed = await super.parse(options)
    const { color } = parsed.flags
    if (color === "always" || color === "never") this.screen = { ...this.screen, colour: color === "always" }
    this.carried = carriedFlags(parsed.flags, this.ctor.flags)
    const output: unknown = Reflect.get(parsed.flags, "output")
    this.screen = carryingScreen(this.screen, this.carried, this.isDocument(output))
    return parsed
  }

  /** The process that started the command prints the error. */
  protected override catch(error: Error): Promise<never> {
    return Promise.reject(this.carried.length === 0 ? error : new CarryingError(error, this.carried))
  }

  /** The cluster that the flags choose. */
  protected connect(flags: ClusterFlags): Layer.Layer<Cluster, ClusterError> {
    return connect(flags)
  }

  /** Says on stderr where the server may be another than it says. */
  private readonly warned = Effect.map(Cluster, ({ origin }) => {
    if (origin.insecure === true) this.screen.err(ended([insecureLine(origin)]))
  })

  /** Runs a command's effect on the cluster that its flags choose. Rejects with the effect's error. */
  protected async perform<E>(flags: CommonFlags, effect: Effect.Effect<void, E, Cluster>): Promise<void> {
    const meter = newMeter()
    try {
      await this.untilInterrupted(
        Effect.andThen(
          this.warned,
          permitted(this.screen, { command: this.ctor.id?.split(":")[0] ?? "", flags }, effect)
        ).pipe(Effect.provide(metered(meter).pipe(Layer.provideMerge(this.connect(flags)))))
      )
    } finally {
      if (flags.v > 0 && meter.requests > 0) this.screen.err(ended([summary(meter)]))
    }
  }

  /**
   * Runs an effect: the first SIGINT or SIGTERM interrupts it, so that it can clean up; the second
   * ends the process at once. Rejects with the effect's error.
   */
  protected async untilInterrupted<E>(effect: Effect.Effect<void, E>): Promise<void> {
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
    // Nobody can read any more, or a disk is full.
    const onOutputError = () => {
      process.exitCode = 1
      abort.abort()
    }
    process.on("SIGINT", stop).on("SIGTERM", stop)
    process.stdout.on("error", onOutputError)
    process.stderr.on("error", onOutputError)
    try {
      const exit = await execute(effect, abort.signal)
      if (Exit.isFailure(exit) && !(abort.signal.aborted && Cause.hasInterrupts(exit.cause))) {
        throw Cause.squash(exit.cause)
      }
    } finally {
      process.off("SIGINT", stop).off("SIGTERM", stop)
      process.stdout.off("error", onOutputError)
      process.stderr.off("error", onOutputError)
    }
  }
}
