/**
 * The only loop that waits: for a condition on views of the cluster, reported as it changes, and bounded by
 * the time without progress in which the API server answered.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Cluster } from "../Cluster.ts"
import { because, type OperationError } from "../operation/OperationError.ts"
import type { Subject } from "../operation/Progress.ts"
import type { Failure, StepContext } from "../operation/StepContext.ts"
import { format } from "../GoDuration.ts"
import { type Condition, inWords, type Unmet } from "./condition.ts"

/** The maximum duration of a step without progress, in milliseconds: as a Deployment's progress deadline. */
export const defaultStepTimeout = 600_000

/** The part of a step's context that a wait needs. */
export type Clocked = Pick<StepContext, "report" | "elapsed">

type Views<View> = Stream.Stream<View, Failure, Cluster>

/** A view by asking again and again, with pauses in milliseconds: each from the time paused so far. */
const paced = <View>(
  look: Effect.Effect<View, Failure, Cluster>,
  pauseAfter: (paused: number) => number
): Views<View> =>
  Stream.suspend(() => {
    let paused = 0
    const again = Effect.suspend(() => {
      const pause = pauseAfter(paused)
      paused += pause
      return Effect.andThen(Effect.sleep(pause), look)
    })
    return Stream.concat(Stream.fromEffect(look), Stream.fromEffectRepeat(again))
  })

/** Asks every so many milliseconds, however long it takes: for waits in which members are frozen. */
export const steadily = <View>(look: Effect.Effect<View, Failure, Cluster>, every: number): Views<View> =>
  paced(look, () => every)

/** The longest pause between two looks, in milliseconds. */
const longest = 2000

/**
 * Asks every so many milliseconds at first, default 250, and less often the longer it takes, by a twentieth of
 * the time so far.
 */
export const polled = <View>(look: Effect.Effect<View, Failure, Cluster>, every = 250): Views<View> =>
  paced(look, (paused) => Math.max(every, Math.min(longest, Math.floor(paused / 20))))

/** For conditions that are usually met within moments: asks soon at first, and less and less often. */
export const polledSoon = <View>(look: Effect.Effect<View, Failure, Cluster>): Views<View> =>
  // 24, 48, 96, 192, and then 250 ms: each twice the one before.
  paced(look, (paused) => Math.min(250, paused + 24))

export interface Waiting<View> {
  /** As they come: each is judged by itself. */
  readonly views: Views<View>
  readonly until: Condition<View>
  /** In milliseconds, counted from the last progress: a set of unmet subjects that did not occur before. */
  readonly limit: number
  /** True if the limit counts from the start, because a change of subjects is not progress. Default false. */
  readonly overall?: boolean
  /** Reason to give up waiting; `null` if there is none. */
  readonly vain?: (view: View) => OperationError | null
  /** The error once the limit has passed. Default: the unmet parts. */
  readonly late?: (unmet: ReadonlyArray<Unmet>) => Effect.Effect<OperationError, Failure, Cluster>
  /** A view with no more unmet parts than these is read again soon: it lags behind the cluster. */
  readonly lagging?: {
    readonly is: (unmet: ReadonlyArray<Unmet>) => boolean
    readonly again: Effect.Effect<View, Failure, Cluster>
  }
}

const stillMissing =
  (limit: number) =>
  (unmet: ReadonlyArray<Unmet>): Effect.Effect<OperationError> =>
    Effect.succeed(because("TimedOut", `no progress in ${format(limit)}: waiting for ${inWords(unmet)}`))

const keyOf = ({ kind, name }: Subject): string => `${kind}/${name}`

/** Reports changes of the unmet parts. */
const teller = (at: Clocked) => {
  const told = new Map<string, Unmet>()
  let queued = 0
  return (unmet: ReadonlyArray<Unmet>): Effect.Effect<void> =>
    Effect.gen(function* () {
      const now = new Map(
        unmet.flatMap((one) => (one.queued === true ? [] : [[keyOf(one.subject), one] as const]))
      )
      for (const [key, { subject }] of told) {
        if (now.has(key)) continue
        told.delete(key)
        yield* at.report({ _tag: "Waiting", subject, for: null })
      }
      for (const [key, one] of now) {
        if (told.get(key)?.for === one.for) continue
        told.set(key, one)
        yield* at.report({ _tag: "Waiting", subject: one.subject, for: one.for })
      }
      const count = unmet.length - now.size
      if (count === queued) return
      queued = count
      yield* at.report({ _tag: "Queued", count })
    })
}

/** The unmet parts, as one text. */
const lackOf = (unmet: ReadonlyArray<Unmet>): string =>
  unmet
    .map(({ subject }) => keyOf(subject))
    .toSorted()
    .join(" ")

/**
 * Waits until nothing is missing of a view, and answers with that view.
 *
 * **Errors**: those of the views; the one of `vain`; `TimedOut`, or the one of `late`, after the limit.
 */
export const until = <View>(at: Clocked, spec: Waiting<View>): Effect.Effect<View, Failure, Cluster> =>
  Effect.gen(function* () {
    const tell = teller(at)
    let moved = yield* at.elapsed
    // What falls ill again after it was well is no progress, however often it does.
    const seen = new Set<string>()
    let met: { readonly view: View } | null = null
    const judge = (first: View) =>
      Effect.gen(function* () {
        const vain = spec.vain?.(first) ?? null
        if (vain !== null) return yield* vain
        let view = first
        let unmet = spec.until(view)
        const { lagging } = spec
        for (let pause = 20; lagging?.is(unmet) === true && pause < 1000; pause *= 2) {
          yield* Effect.sleep(pause)
          view = yield* lagging.again
          unmet = spec.until(view)
        }
        yield* tell(unmet)
        if (unmet.length === 0) {
          met = { view }
          return false
        }
        const now = yield* at.elapsed
        const lack = lackOf(unmet)
        if (seen.size > 0 && spec.overall !== true && !seen.has(lack)) moved = now
        seen.add(lack)
        if (now - moved < spec.limit) return true
        return yield* yield* (spec.late ?? stillMissing(spec.limit))(unmet)
      })
    yield* Stream.runForEachWhile(spec.views, judge)
    if (met === null) return yield* because("TimedOut", "there is nothing more to wait for")
    return (met as { readonly view: View }).view
  })
