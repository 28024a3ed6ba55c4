/**
 * A verb, assembled from its kinds of steps: its plan's schema, and the descriptions, permissions and effects
 * of its steps, forward, back and as a rehearsal. Its own are its plan, its checks and its result.
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Cluster } from "../Cluster.ts"
import { type SpecWrite } from "./Author.ts"
import type { Guarded } from "./Guarded.ts"
import type { OperationError } from "./OperationError.ts"
import { type AnyPlan, type Guard, type HookName, keyOf, type Plan, planOf, type Rule } from "./Plan.ts"
import type { Progress } from "./Progress.ts"
import { type About, rules, type StepKind } from "./Step.ts"
import type { AnyStep, Failure, StepContext } from "./StepContext.ts"

export interface RunOptions {
  /** Who runs it, in words. Default: on a live cluster user and machine, as `ann@laptop`. */
  readonly identity?: string
  /** Do not wait for a holder's silence. Default false. */
  readonly takeOver?: boolean
  /** For the whole, as `"10 minutes"`; a number is milliseconds. Null or absent: no limit. */
  readonly timeout?: Duration.Input | null
  readonly report?: (progress: Progress) => Effect.Effect<void>
  /**
   * Other namespaces in which a resumed operation may change objects: its journal does not decide that, since
   * anyone who can write ConfigMaps in one namespace could have written it. Default: none.
   */
  readonly namespaces?: ReadonlyArray<string>
}

/** The options for the steps of every verb. */
export interface StepOptions {
  /** How long a step may make no progress before it fails, as `"5 minutes"`; a number is milliseconds. Default 10 minutes. */
  readonly stepTimeout?: Duration.Input
}

/** The same for the steps, in milliseconds. */
export type InMillis<Options extends StepOptions> = Omit<Options, "stepTimeout"> & {
  readonly stepTimeout?: number
}

/** Decodes the limit; throws where it is no duration, which its type does not let anybody write. */
export const inMillis = <Options extends StepOptions>({
  stepTimeout,
  ...rest
}: Options): InMillis<Options> => ({
  ...rest,
  ...(stepTimeout === undefined
    ? {}
    : { stepTimeout: Duration.toMillis(Duration.fromInputUnsafe(stepTimeout)) })
})

/** The guarded objects as they are now, by key; without those that were deleted, or not created yet. */
export type Objects = ReadonlyMap<string, Guarded>

type Work<A = void> = Effect.Effect<A, Failure, Cluster>

/** The specification of a verb. */
export interface VerbSpec<Step extends AnyStep, Settings, Options, Going, Outcome> {
  readonly name: string
  readonly steps: ReadonlyArray<StepKind<AnyStep, Going>>
  /** The settings of the verb in addition to its steps, as stored in a plan. */
  readonly settings: Schema.Codec<Settings, unknown>
  readonly result: Schema.Codec<Outcome, unknown>
  /**
   * The settings of its steps in one run: those of the plan, overridden by those of this run. With `back`,
   * the journal alone cannot reduce safety.
   */
  going(plan: Plan<Step, Settings>, options: Options, back: boolean): Going
  /** The hooks at hand now, to be compared with those that were planned with. */
  hooks(options: Options): ReadonlyArray<typeof HookName.Type>
  /** Reason that a plan that can be parsed is not one of this verb; `null` if it is. Default: it is. */
  misfit?(plan: Plan<Step, Settings>): string | null
  /** Rules that it needs in addition to those of its steps. Default: none. */
  access?(plan: Plan<Step, Settings>): ReadonlyArray<Rule>
  /** Checks whether the facts of the plan still hold; with `resumed` some of its own steps may be done. */
  check(plan: Plan<Step, Settings>, objects: Objects, options: Options, resumed: boolean): Work
  /**
   * The consent that a journal needs: a resume must repeat it, since anyone who can write ConfigMaps could
   * have written the journal. `null` if none is missing.
   */
  consent(plan: Plan<Step, Settings>, options: Options): OperationError | null
  /** Further conditions before the first effect, e.g. that a hook can run. */
  preflight(plan: Plan<Step, Settings>, objects: Objects, options: Options): Work
  /** Checks, after the last step, whether the plan came true. */
  conclude(plan: Plan<Step, Settings>, context: StepContext<Going>): Work<Outcome>
  /** The same after an abort: whether everything was restored. Guards other than the first may have been deleted. */
  concludeBack(plan: Plan<Step, Settings>, context: StepContext<Going>): Work
  /** Facts that an abort needs, and could not find out once it has started. */
  capture(
    plan: Plan<Step, Settings>,
    objects: Objects,
    writes: ReadonlyArray<SpecWrite>
  ): Readonly<Record<string, number>>
}

export interface Verb<Step extends AnyStep, Settings, Options, Going, Outcome> extends VerbSpec<
  Step,
  Settings,
  Options,
  Going,
  Outcome
> {
  readonly plan: Schema.Codec<Plan<Step, Settings>, unknown>
  /** The definition of a step. */
  readonly kindOf: (step: AnyStep) => StepKind<AnyStep, Going>
  readonly decode: (plan: AnyPlan) => Result.Result<Plan<Step, Settings>, string>
  readonly describe: (plan: AnyPlan, step: Step) => string
  /** One line for each step; none where the plan cannot be read. */
  readonly describeSteps: (plan: AnyPlan) => ReadonlyArray<string>
  /** The rules that a plan needs, from its steps: a journal's own list of them is only words. */
  readonly rules: (plan: Plan<Step, Settings>, options: Options) => ReadonlyArray<Rule>
  /** The plan's writes to one guard's spec, in order. */
  readonly writes: (plan: Plan<Step, Settings>, guard: Guard) => ReadonlyArray<SpecWrite>
  /** The number of subjects that its journal may have to note in one direction. */
  readonly marks: (plan: Plan<Step, Settings>) => number
}

/** Any verb, to the engine. */
// oxlint-disable-next-line typescript/no-explicit-any -- a verb's own types are its own business
export type AnyVerb<Options> = Verb<any, any, Options, any, unknown>

/** The guard that a step is about. */
export const guardOf = (plan: AnyPlan, step: AnyStep): Guard =>
  plan.guards.find((guard) => keyOf(guard) === step.on) ?? plan.guards[0]

const plurals = {
  StatefulSet: ["apps", "statefulsets"],
  Deployment: ["apps", "deployments"],
  ConfigMap: ["", "configmaps"],
  Secret: ["", "secrets"]
} as const

const engineRules = ({ guards, home }: AnyPlan): ReadonlyArray<Rule> => [
  ...guards.flatMap(({ kind, namespace, uid }) => {
    const [group, resource] = plurals[kind]
    return rules(group, resource, ["get", "patch", ...(uid === null ? ["create"] : [])], namespace)
  }),
  ...rules("", "configmaps", ["get", "list", "create", "patch", "delete"], home),
  // Another operation's journal may lie beside its guard.
  ...[...new Set(guards.map(({ namespace }) => namespace))].flatMap((namespace) =>
    namespace === home ? [] : rules("", "configmaps", ["get", "list"], namespace)
  ),
  ...[...new Set(guards.map(({ namespace }) => namespace))].flatMap((namespace) =>
    rules("coordination.k8s.io", "leases", ["get", "create", "patch", "delete"], namespace)
  )
]

/**
 * Reason that a plan is invalid although each of its fields can be parsed: a step of a guard that does not
 * exist would be another guard's, and an application's operation owns that application first.
 */
const misfit = ({ app, guards, steps }: Plan<AnyStep>): string | null => {
  const keys = guards.map(keyOf)
  if (new Set(keys).size < keys.length) return "a guard is listed twice"
  const stray = steps.find((step) => step.on !== undefined && !keys.includes(step.on))
  if (stray !== undefined) return `a step is about ${stray.on}, which is not one of its guards`
  // One that owns a record first says nothing of a workload.
  const isOfWorkload = guards[0].kind === "StatefulSet" || guards[0].kind === "Deployment"
  return isOfWorkload && app._tag === "StatefulSet" && keys[0] !== keyOf({ ...app, kind: "StatefulSet" })
    ? `it is about ${app.name}, and owns ${keys[0]} first`
    : null
}

const once = (all: ReadonlyArray<Rule>): ReadonlyArray<Rule> => [
  ...new Map(
    all.map((rule) => [
      [rule.verb, rule.group, rule.resource, rule.subresource, rule.namespace].join(" "),
      rule
    ])
  ).values()
]

/** Puts a verb together. */
export const verb = <Step extends AnyStep, Settings, Options, Going extends object, Outcome>(
  spec: VerbSpec<Step, Settings, Options, Going, Outcome>
): Verb<Step, Settings, Options, Going, Outcome> => {
  const kinds = new Map(spec.steps.map((kind) => [kind.tag, kind]))
  const kindOf = (step: AnyStep): StepKind<AnyStep, Going> => {
    const kind = kinds.get(step._tag)
    if (kind === undefined) throw new Error(`${spec.name} has no step ${step._tag}`)
    return kind
  }
  // A kind's schema gives its own steps, so the union of the kinds' gives the verb's.
  const steps = Schema.Union(spec.steps.map(({ schema }) => schema)) as unknown as Schema.Codec<Step, unknown>
  const plan: Schema.Codec<Plan<Step, Settings>, unknown> = planOf(steps, spec.settings)
  const decodePlan = Schema.decodeUnknownResult(plan)
  return {
    ...spec,
    plan,
    kindOf,
    decode: (value) =>
      Result.flatMap(
        Result.mapError(decodePlan(value), (error) => error.message.split("\n").join(" ")),
        (all) => {
          const why = misfit(all) ?? spec.misfit?.(all) ?? null
          return why === null ? Result.succeed(all) : Result.fail(why)
        }
      ),
    describe: (all, step) => kindOf(step).describe(step, guardOf(all, step)),
    describeSteps: (all) => {
      const decoded = decodePlan(all)
      return Result.isSuccess(decoded)
        ? decoded.success.steps.map((step) => kindOf(step).describe(step, guardOf(all, step)))
        : []
    },
    rules: (all, options) => {
      const going = spec.going(all, options, false)
      return once([
        ...engineRules(all),
        ...all.steps.flatMap((step) => kindOf(step).access(step, guardOf(all, step), going)),
        ...(spec.access?.(all) ?? [])
      ])
    },
    writes: (all, guard) =>
      all.steps.flatMap((step) =>
        guardOf(all, step) === guard ? (kindOf(step).specWrites?.(step) ?? []) : []
      ),
    marks: (all) => all.steps.reduce((sum, step) => sum + (kindOf(step).marks?.(step) ?? 0), 0)
  }
}

export type { About }
