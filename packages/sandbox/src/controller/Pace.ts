/**
 * A controller's client-side rate limit, as in client-go: a write that exceeds it ends the pass, which
 * starts again when the limit allows it.
 */
import type { Registry } from "../registry/Registry.ts"

export interface PaceOptions {
  /** Writes a second, the controller manager's `--kube-api-qps`: 20 by default there. */
  readonly perSecond: number
  /** Writes at once after a rest, its `--kube-api-burst`. Default one and a half times as many, 30 for 20. */
  readonly burst?: number
}

/** Thrown by a write that has to wait. */
class Throttled {
  readonly _tag = "Throttled"
  readonly millis: number
  constructor(millis: number) {
    this.millis = millis
  }
}

export class Pace {
  readonly #registry: Registry
  readonly #options: PaceOptions | undefined
  #tokens: number
  #at: number

  /** `undefined`: no limit. */
  constructor(registry: Registry, options: PaceOptions | undefined) {
    this.#registry = registry
    this.#options = options
    this.#tokens = this.#burst
    this.#at = registry.now()
  }

  get #burst(): number {
    return this.#options?.burst ?? Math.floor((this.#options?.perSecond ?? 0) * 1.5)
  }

  /** Before each write. */
  take(): void {
    if (this.#options === undefined) return
    const { perSecond } = this.#options
    const now = this.#registry.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * perSecond)
    this.#at = now
    // Sums of fractions: a hair below one is one.
    if (this.#tokens < 1 - 1e-6) throw new Throttled(Math.ceil(((1 - this.#tokens) / perSecond) * 1000))
    this.#tokens -= 1
  }

  /** Runs a pass; one that has to wait asks to be run again. */
  run(pass: () => number | undefined): number | undefined {
    try {
      return pass()
    } catch (reason) {
      if (reason instanceof Throttled) return reason.millis
      throw reason
    }
  }
}
