/**
 * One output channel of an exec: it holds the socket back for a slow reader, and
 * never for an absent one, since then the exit status behind it would never come.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ClusterError } from "../Cluster.ts"

/** The maximum buffer for output that has not been read. */
const keptBytes = 1024 * 1024

/** A reader that is this far behind stops the socket. */
const highWater = 256 * 1024

/** Bytes that came, waiting for their reader. */
export class ExecOutput {
  readonly #name: string
  readonly #flow: () => void
  #chunks: Array<Uint8Array> = []
  #bytes = 0
  #reading = false
  #overflowed = false
  #ended = false
  #wake: (() => void) | null = null

  /** `flow` is called whenever `full` may have changed. */
  constructor(name: string, flow: () => void) {
    this.#name = name
    this.#flow = flow
  }

  /** True while a reader is there and behind. */
  get full(): boolean {
    return this.#reading && this.#bytes > highWater
  }

  offer(chunk: Uint8Array): void {
    if (this.#overflowed || (!this.#reading && this.#bytes + chunk.length > keptBytes)) {
      // Cut off for good, and said so at the end: a gap in the middle could not be seen.
      this.#overflowed = true
      return
    }
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    this.#wake?.()
    this.#flow()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  /** For one reader, who gets everything from the start. */
  get stream(): Stream.Stream<Uint8Array, ClusterError> {
    const pull: Effect.Effect<readonly [Uint8Array, ...Array<Uint8Array>], ClusterError | Cause.Done> =
      Effect.suspend(() => {
        const [first, ...rest] = this.#chunks
        if (first !== undefined) {
          this.#chunks = []
          this.#bytes = 0
          this.#flow()
          return Effect.succeed([first, ...rest] as const)
        }
        if (this.#overflowed) {
          return Effect.fail(
            new ClusterError({
              reason: { _tag: "Unreadable" },
              message: `${this.#name}: more than ${keptBytes} bytes came before they were read; the rest is lost`,
              action: "read the output while the command runs"
            })
          )
        }
        if (this.#ended) return Cause.done()
        const woken = Effect.callback<void>((resume) => {
          this.#wake = () => {
            this.#wake = null
            resume(Effect.void)
          }
          return Effect.sync(() => {
            this.#wake = null
          })
        })
        return Effect.flatMap(woken, () => pull)
      })
    return Stream.fromPull(
      Effect.sync(() => {
        this.#reading = true
        return pull
      })
    ).pipe(
      Stream.ensuring(
        Effect.sync(() => {
          this.#reading = false
          this.#flow()
        })
      )
    )
  }
}
