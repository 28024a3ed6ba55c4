/**
 * One HTTP exchange over the pool, which knows whether the request left and reads
 * no faster than its consumer.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { pipeline, Readable } from "node:stream"
import { createGunzip } from "node:zlib"
import type { Agent, Dispatcher } from "undici"
import type { Headers } from "./credentials.ts"

/** An exchange that broke off before its answer's head was complete. */
export class Broken {
  readonly _tag = "Broken"
  readonly cause: unknown
  /** False: provably nothing was sent. */
  readonly sent: boolean
  constructor(cause: unknown, sent: boolean) {
    this.cause = cause
    this.sent = sent
  }
}

/** The answer's head did not come within the limit. */
export class Late {
  readonly _tag = "Late"
}

/** An answer's head; the body follows as it is read. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readable
}

/** Handed to undici; holds the body back when the reader is slow. */
class Handler implements Dispatcher.DispatchHandler {
  sent = false
  #controller: Dispatcher.DispatchController | null = null
  #body: Readable | null = null
  #aborted = false
  #settled = false
  answered: (answer: Answer) => void = () => {}
  failed: (cause: unknown) => void = () => {}

  // Called as the first byte is about to be written, not when the request is queued.
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#aborted) controller.abort(new Error("aborted"))
    else this.sent = true
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>
  ): void {
    if (status < 200) return
    const body = new Readable({
      highWaterMark: 256 * 1024,
      read: () => controller.resume(),
      destroy: (error, done) => {
        this.abort()
        done(error)
      }
    })
    // A body that nobody reads any more may still break: that is nobody's error.
    body.on("error", () => {})
    this.#body = body
    const flat: Record<string, string> = {}
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(", ") : value
    }
    this.answered({ status, headers: flat, body: flat["content-encoding"] === "gzip" ? gunzip(body) : body })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#body?.push(chunk) === false) controller.pause()
  }

  onResponseEnd(): void {
    this.#settled = true
    this.#body?.push(null)
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#settled = true
    if (this.#body === null) this.failed(error)
    else this.#body.destroy(error)
  }

  abort(): void {
    if (this.#settled || this.#aborted) return
    this.#aborted = true
    this.#controller?.abort(new Error("aborted"))
  }
}

const gunzip = (body: Readable): Readable => {
  // Node's own pieces of 16 kB make a large list a thousand turns of the event loop.
  const inflated = createGunzip({ chunkSize: 256 * 1024 })
  inflated.on("error", () => {})
  pipeline(body, inflated, () => {})
  return inflated
}

/** Sends; fails with `Broken`. The end of the scope, or an interruption, aborts an incomplete request. */
export const exchange = (
  agent: Agent,
  options: {
    readonly origin: string
    readonly path: string
    readonly method: string
    readonly headers: Headers
    readonly body: string | null
    /** Milliseconds without a byte; 0 waits forever. */
    readonly idleMillis: number
    /** Milliseconds until the response's head; `null` waits forever. */
    readonly limitMillis: number | null
  }
): Effect.Effect<Answer, Broken, Scope.Scope> =>
  Effect.gen(function* () {
    const current: Handler = new Handler()
    yield* Effect.addFinalizer(() => Effect.sync(() => current.abort()))
    const answer = Effect.callback<Answer, Broken>((resume) => {
      current.answered = (answer) => resume(Effect.succeed(answer))
      current.failed = (cause) => resume(Effect.fail(new Broken(cause, current.sent)))
      try {
        agent.dispatch(
          {
            origin: options.origin,
            path: options.path,
            method: options.method,
            headers: Object.fromEntries(
              Object.entries(options.headers).map(([name, value]) => [
                name,
                typeof value === "string" ? value : [...value]
              ])
            ),
            body: options.body,
            headersTimeout: options.idleMillis,
            bodyTimeout: options.idleMillis
          },
          current
        )
      } catch (error) {
        resume(Effect.fail(new Broken(error, current.sent)))
      }
      return Effect.sync(() => current.abort())
    })
    return yield* options.limitMillis === null
      ? answer
      : Effect.timeoutOrElse(answer, {
          duration: options.limitMillis,
          orElse: () => Effect.fail(new Broken(new Late(), current.sent))
        })
  })
