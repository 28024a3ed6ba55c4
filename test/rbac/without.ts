/** A scenario with each rule that it used removed in turn. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Rule } from "@kubectl-stateful/sandbox"
import { type Ran, run, type Scenario, type Stage } from "./scenario.ts"
import { type Asked } from "./wire.ts"

/** The rule that allows this and nothing else. */
export const ruleOf = ({ verb, group, resource, namespace }: Asked): Rule => ({
  verbs: [verb],
  apiGroups: [group],
  resources: [resource],
  ...(namespace === null ? {} : { namespaces: [namespace] })
})

/** Whether it came to the end that is expected of it. */
export const isWell = ({ fails }: Scenario, { failure }: Ran): boolean =>
  fails === undefined ? failure === null : failure !== null && fails.test(failure)

export interface Without {
  readonly asked: Asked
  readonly ran: Ran
  readonly isWell: boolean
}

/** Makes situations one after another; one in which nothing was changed serves again. */
export const stages = ({ stage }: Scenario) => {
  let open: { readonly stage: Stage; readonly scope: Scope.Closeable } | undefined
  const end = Effect.suspend(() => (open === undefined ? Effect.void : Scope.close(open.scope, Exit.void)))
  const next = Effect.gen(function* () {
    if (open !== undefined) return open.stage
    const scope = yield* Scope.make()
    open = { scope, stage: yield* Effect.provideService(stage, Scope.Scope, scope) }
    return open.stage
  })
  const spent = Effect.andThen(
    end,
    Effect.sync(() => (open = undefined))
  )
  return { next, spent }
}

/** All that was asked with every rule, and the runs without each of those that `which` takes. */
export const withoutEach = (scenario: Scenario, which: (asked: Asked) => boolean = () => true) =>
  Effect.gen(function* () {
    const { next, spent } = stages(scenario)
    const whole = yield* run(yield* next)
    yield* spent
    const all = [...new Map([...whole.requests, ...whole.reviews]).values()]
    const withouts: Array<Without> = []
    for (const asked of all.filter(which)) {
      const allow = all.filter((one) => one !== asked).map(ruleOf)
      const ran = yield* run(yield* next, allow)
      if (ran.effects.length > 0) yield* spent
      withouts.push({ asked, ran, isWell: isWell(scenario, ran) })
    }
    yield* spent
    return { whole, all, withouts }
  })
