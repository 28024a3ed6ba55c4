/** Check pods mount the filled claims, and report the result. */
import * as Effect from "effect/Effect"
import type { Cluster } from "../Cluster.ts"
import { because } from "../operation/OperationError.ts"
import type { Failure } from "../operation/StepContext.ts"
import { format } from "../GoDuration.ts"
import { inWords } from "../wait/condition.ts"
import { defaultStepTimeout, polled, until } from "../wait/until.ts"
import { warningOf } from "../wait/warning.ts"
import type { At, FilledClaim } from "./filledClaim.ts"
import type { Proven } from "./checkPod.ts"
import { readCheckPod, removeCheckPod } from "./checkPods.ts"
import { disproof, isOver, isWithoutShell, waitsFor } from "./checkPodResult.ts"

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

export const proven = ({ template, as }: FilledClaim): Proven => ({ template, claim: as })

export const byOrdinal = (claims: ReadonlyArray<FilledClaim>) => [
  ...Map.groupBy(claims, ({ ordinal }) => ordinal)
]

export const notProven = (why: string) =>
  because(
    "Changed",
    `not restored: ${why}`,
    "the application was not changed; abort, and restore from another snapshot"
  )

/** Interval at which the reason of a pending claim is read, in milliseconds: there are many events. */
const askEvery = 5000

/** Reasons that claims are not filled yet, as reported by their provisioner. */
const reasons = (at: At) => {
  const found = new Map<string, string | null>()
  const asked = new Map<string, number>()
  const ask = (claims: ReadonlyArray<FilledClaim>): Work =>
    Effect.gen(function* () {
      const now = yield* at.elapsed
      for (const { as } of claims) {
        const before = asked.get(as)
        asked.set(as, before === undefined || now - before >= askEvery ? now : before)
        if (before === undefined || now - before < askEvery) continue
        const subject = { kind: "PersistentVolumeClaim", name: as }
        found.set(as, yield* warningOf(at.fence.namespace, subject))
      }
    })
  const of = (claim: string): string => {
    const why = found.get(claim) ?? null
    return why === null ? "" : `; warning: ${why}`
  }
  return { ask, of }
}

/** Each check pod has reported its result; its claims are Bound in both directions. */
export const prove = (filled: ReadonlyArray<FilledClaim>, at: At): Work => {
  const limit = at.settings.stepTimeout ?? defaultStepTimeout
  const whys = reasons(at)
  const look = Effect.forEach(
    byOrdinal(filled),
    ([ordinal, claims]) =>
      Effect.gen(function* () {
        const pod = yield* readCheckPod(at, ordinal)
        if (!isOver(pod)) yield* whys.ask(claims)
        return { pod, claims }
      }),
    { concurrency: 16 }
  )
  return Effect.asVoid(
    until(at, {
      views: polled(look),
      until: (all) =>
        all.flatMap(({ pod, claims }) =>
          isOver(pod)
            ? []
            : claims.map(({ claim, as }) => ({
                subject: { kind: "PersistentVolumeClaim", name: claim },
                for: `${waitsFor(pod)}${whys.of(as)}`
              }))
        ),
      vain: (all) => {
        const failed = all.find(({ pod }) => pod !== null && disproof(pod, at.settings) !== null)
        if (failed?.pod == null) return null
        const names = failed.claims.map(({ claim }) => claim).join(", ")
        return notProven(`${names}: ${disproof(failed.pod, at.settings) ?? ""}`)
      },
      limit,
      late: (unmet) =>
        Effect.succeed(
          because(
            "TimedOut",
            `not restored in ${format(limit)}: ${inWords(unmet)}`,
            "a resume continues to wait; the application was not changed"
          )
        )
    })
  ).pipe(
    Effect.andThen(look),
    Effect.flatMap((all) =>
      Effect.forEach(
        all,
        ({ pod, claims }) =>
          pod !== null && isWithoutShell(pod)
            ? at.report({
                _tag: "Note",
                message: `${claims.map(({ claim }) => claim).join(", ")}: mounted, content not verified: the image has no shell`
              })
            : Effect.void,
        { discard: true }
      )
    )
  )
}

/** Check pods of a previous run with outdated results are recreated. */
export const clearCheckPods = (claims: ReadonlyArray<FilledClaim>, at: At): Work =>
  Effect.forEach(
    byOrdinal(claims),
    ([ordinal]) =>
      Effect.flatMap(readCheckPod(at, ordinal), (pod) =>
        isOver(pod) ? removeCheckPod(at, ordinal) : Effect.void
      ),
    { concurrency: 16, discard: true }
  )

export const removeCheckPods = (claims: ReadonlyArray<FilledClaim>, at: At): Work =>
  Effect.forEach(byOrdinal(claims), ([ordinal]) => removeCheckPod(at, ordinal), {
    concurrency: 16,
    discard: true
  })
