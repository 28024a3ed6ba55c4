/** Lives of sets under random faults, by seed: taken, deleted, now and then restored, each whole or not at all. */
import * as Effect from "effect/Effect"
import { type Fault, first, type Plan, random, when } from "../../packages/sandbox/src/Fault.ts"
import { write } from "../sdk/restore/world.ts"
import { meet, type Scenario, scenarios, stageOf } from "./sets.ts"

/** Of one member: what a fault does to a request is the same with three, and three cost thrice. */
const { crash, alone, offline, prune, restore, undo } = scenarios(1)

/** Every third caller dies somewhere as well, before or after what it asked for. */
const faultsOf = (seed: number, rate: number): Plan => {
  const fault: Fault = { _tag: "Kill", applied: seed % 2 === 0 }
  const at = 30 + ((seed * 37) % 90)
  return seed % 3 === 0
    ? first(
        when(({ index }) => index === at, fault),
        random(seed, rate)
      )
    : random(seed, rate)
}

const taking: ReadonlyArray<Scenario> = [
  alone,
  alone,
  crash,
  alone,
  alone,
  crash,
  alone,
  alone,
  alone,
  offline
]

export interface Lives {
  /** Each is one operation with its faults. */
  readonly seeds: number
  readonly endings: Readonly<Record<string, number>>
}

export interface Range {
  readonly from: number
  readonly seeds: number
  /** No new life is begun once it answers true. */
  readonly isOver?: () => boolean
}

/** As many operations as there are seeds, two or three in each world. */
export const lives = ({ from, seeds, isOver = () => false }: Range) =>
  Effect.gen(function* () {
    const endings = new Map<string, number>()
    const end = from + seeds
    const at = { seed: from }
    const next = (stage: Effect.Success<ReturnType<typeof stageOf>>, scenario: Scenario) =>
      Effect.gen(function* () {
        const way = at.seed % 4 < 2 ? ("abort" as const) : ("resume" as const)
        const now = at.seed++
        const { outcome } = yield* meet(
          { ...stage, scenario },
          { faults: () => faultsOf(now, 0.03), way }
        ).pipe(Effect.catchDefect((defect) => Effect.die(new Error(`seed ${now}: ${String(defect)}`))))
        const ending = `${scenario.name} ${outcome}`
        endings.set(ending, (endings.get(ending) ?? 0) + 1)
        return outcome === "Succeeded"
      })
    while (at.seed < end && !isOver()) {
      yield* Effect.scoped(
        Effect.gen(function* () {
          const scenario = { ...(taking[at.seed % taking.length] ?? alone), older: false }
          const stage = yield* stageOf(scenario)
          if (!(yield* next(stage, scenario))) return
          if (at.seed % 20 === 1 && at.seed < end) {
            write(stage.world, "after")
            yield* next(stage, { ...restore, older: false })
          }
          if (at.seed < end) yield* next(stage, { ...prune, older: false })
        })
      )
      if (at.seed % 100 < 3 && at.seed < end)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const stage = yield* stageOf({ ...undo, older: false })
            yield* next(stage, { ...undo, older: false })
          })
        )
    }
    const sorted = [...endings].toSorted(([left], [right]) => (left < right ? -1 : 1))
    return { seeds: at.seed - from, endings: Object.fromEntries(sorted) } satisfies Lives
  })
