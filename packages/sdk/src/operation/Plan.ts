/**
 * A plan: the changes of an operation, as plain data, computed before anything is done.
 *
 * Every verb's plan has this shape; only the steps are the verb's own.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AppRef } from "../App.ts"
import { randomId } from "../RandomId.ts"

const { Literal, NullOr, String, Struct } = Schema

/** The kinds of objects that an operation can own while it runs: they carry its token. */
export const GuardKind = Schema.Literals(["StatefulSet", "Deployment", "ConfigMap", "Secret"])
export type GuardKind = typeof GuardKind.Type

/** An object that the operation owns while it runs. */
export const Guard = Struct({
  kind: GuardKind,
  namespace: String,
  name: String,
  /** `null` if the operation creates it, with its token. */
  uid: NullOr(String),
  /**
   * The generation of its spec when the plan was made; `null` if its kind has none, or it does not exist yet.
   */
  generation: NullOr(Schema.Natural),
  /** True if the operation deletes it itself: then a missing object is expected. Absent means false. */
  goes: Schema.optionalKey(Schema.Boolean)
})
export type Guard = typeof Guard.Type

/** `StatefulSet/shop/db`: how a guard is named in plans, and the order in which guards are taken. */
export const keyOf = ({ kind, namespace, name }: Pick<Guard, "kind" | "namespace" | "name">): string =>
  `${kind}/${namespace}/${name}`

/** In the one order in which every operation takes them, so that no two wait for each other. */
export const inKeyOrder = <A extends Pick<Guard, "kind" | "namespace" | "name">>(
  guards: ReadonlyArray<A>
): ReadonlyArray<A> => guards.toSorted((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1))

/** Reason that the plan must not run, and what to do. */
export const Refusal = Struct({ reason: String, remedy: String })
export type Refusal = typeof Refusal.Type

/** One rule of the API's authorization that the plan needs. */
export const Rule = Struct({
  verb: String,
  group: String,
  resource: String,
  subresource: NullOr(String),
  /** `null` for a cluster-scoped resource. */
  namespace: NullOr(String)
})
export type Rule = typeof Rule.Type

/** A hook in plans and journals: its name and digest, never its command. */
export const HookName = Struct({ name: String, digest: String })

const head = {
  apiVersion: Literal("kubectl-stateful.dev/v1"),
  kind: Literal("Plan"),
  /** 8 hex digits. */
  id: String,
  verb: String,
  app: AppRef,
  /** The namespace of its journal. */
  home: String,
  /** The objects that it owns while it runs, the main object of its steps first. */
  guards: Schema.NonEmptyArray(Guard),
  /** Over the facts that the plan rests on: a run reads them again, and refuses if they changed. */
  facts: String,
  hooks: Schema.Array(HookName),
  access: Schema.Array(Rule),
  /** In words: pods, claims, quorum before and after. */
  effects: Schema.Array(String),
  warnings: Schema.Array(String),
  refusals: Schema.Array(Refusal),
  /** Facts that cannot be known in advance. */
  unchecked: Schema.Array(String)
}

/** The schema of a verb's plan, given those of its steps and of the settings that it goes by. */
export const planOf = <Step extends Schema.Top, Settings extends Schema.Top>(
  step: Step,
  settings: Settings
) => Struct({ ...head, settings, steps: Schema.Array(step) })

/** A plan whose steps and settings are not decoded yet. */
export const AnyPlan = planOf(Schema.Unknown, Schema.Unknown)
export type AnyPlan = typeof AnyPlan.Type

export interface Plan<Step, Settings = unknown> extends Omit<AnyPlan, "steps" | "settings"> {
  /** The settings of the verb in addition to its steps, e.g. the quorum to keep: a resume uses the same. */
  readonly settings: Settings
  readonly steps: ReadonlyArray<Step>
}

/**
 * A new operation's id: 8 hex digits, but not only decimal ones: a claim of `db` that is set aside as
 * `data-db-0-12345678` would by its name be one of StatefulSet `db-0`.
 */
export const newId: Effect.Effect<string> = Effect.repeat(randomId, { until: (id) => /[a-f]/.test(id) })

/** One rule, in the words of `kubectl auth can-i`. */
export const describeRule = (rule: Rule): string => {
  const name = rule.subresource === null ? rule.resource : `${rule.resource}/${rule.subresource}`
  const resource = rule.group === "" ? name : `${name}.${rule.group}`
  return `${rule.verb} ${resource}${rule.namespace === null ? "" : ` in ${rule.namespace}`}`
}
