/**
 * A plan: what an operation would do, as plain data, computed before anything is done.
 *
 * Every verb's plan has this shape; only the steps are the verb's own.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"

const { Literal, NullOr, String, Struct } = Schema

/**
 * What the plan rests on. A run reads the facts again and refuses if they changed.
 * No resourceVersions: status moves those all the time.
 */
export const Basis = Struct({
  uid: String,
  generation: Schema.Natural,
  /** Over the facts that were used. */
  digest: String
})
export type Basis = typeof Basis.Type

/** Why the plan may not run, and the way out. */
export const Refusal = Struct({ reason: String, remedy: String })
export type Refusal = typeof Refusal.Type

/** One rule of the API's authorization that the plan needs. */
export const Rule = Struct({
  verb: String,
  group: String,
  resource: String,
  subresource: NullOr(String),
  /** Null: a cluster-scoped resource. */
  namespace: NullOr(String)
})
export type Rule = typeof Rule.Type

/** A hook as it stands in plans and journals: by name and digest, never by its command. */
export const HookName = Struct({ name: String, digest: String })

const head = {
  apiVersion: Literal("kubectl-stateful.dev/v1"),
  kind: Literal("Plan"),
  /** 8 hex digits. */
  id: String,
  verb: String,
  app: Struct({ namespace: String, kind: Literal("StatefulSet"), name: String }),
  basis: Basis,
  hooks: Schema.Array(HookName),
  access: Schema.Array(Rule),
  /** In words: pods, claims, quorum before and after. */
  effects: Schema.Array(String),
  warnings: Schema.Array(String),
  refusals: Schema.Array(Refusal),
  /** What cannot be known before it is tried. */
  unchecked: Schema.Array(String),
  /** What the verb goes by beside its steps, e.g. the quorum to keep: whoever resumes goes by the same. */
  terms: Schema.optionalKey(Schema.Record(String, Schema.Unknown))
}

/** The schema of a verb's plan, given the schema of its steps. */
export const planOf = <S extends Schema.Top>(step: S) => Struct({ ...head, steps: Schema.Array(step) })

/** A plan whose steps nobody has looked at yet. */
export const AnyPlan = planOf(Schema.Unknown)
type Head = Omit<typeof AnyPlan.Type, "steps">

export interface Plan<Step> extends Head {
  readonly steps: ReadonlyArray<Step>
}

/** A new operation's id: 8 hex digits. */
export const newId: Effect.Effect<string> = Effect.map(Random.nextIntBetween(0, 0xffff_ffff), (number) =>
  number.toString(16).padStart(8, "0")
)

/** One rule, in the words of `kubectl auth can-i`. */
export const describeRule = (rule: Rule): string => {
  const name = rule.subresource === null ? rule.resource : `${rule.resource}/${rule.subresource}`
  const resource = rule.group === "" ? name : `${name}.${rule.group}`
  return `${rule.verb} ${resource}${rule.namespace === null ? "" : ` in ${rule.namespace}`}`
}
