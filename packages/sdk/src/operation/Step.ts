/**
 * A kind of step: everything about it, in one place. A verb's plan, descriptions, permissions and effects are
 * assembled from its kinds.
 */
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Cluster, ClusterError } from "../Cluster.ts"
import type { Assumption } from "./Assumption.ts"
import type { SpecWrite } from "./Author.ts"
import type { AnyPlan, Rule } from "./Plan.ts"
import type { AnyStep, Failure, StepContext } from "./StepContext.ts"

/** In each step's fields: which guard it is about, as `StatefulSet/shop/db`; absent: the plan's first. */
export const on = Schema.optionalKey(Schema.String)

/** The description of a step for users, and for the API's authorization. */
export type Head = Pick<AnyPlan, "id" | "home" | "guards">

/** The guard that a step is about. */
export interface About {
  readonly namespace: string
  readonly name: string
}

/** The operation whose objects are listed, and the namespace of the step's guard. */
export interface Outliving {
  readonly namespace: string
  readonly plan: Pick<AnyPlan, "id"> & { readonly steps: ReadonlyArray<AnyStep> }
}

/** The methods are written as such: a kind of one step then is a kind of any. */
export interface StepKind<S extends AnyStep = AnyStep, Settings = never> {
  readonly tag: S["_tag"]
  readonly schema: Schema.Codec<S, unknown>
  /** A one-line description, for progress and dry runs. */
  describe(step: S, about: About): string
  /** The rules that it needs beyond those of the engine: its guards, Leases and the journal. */
  access(step: S, about: About, settings: Settings): ReadonlyArray<Rule>
  /**
   * The fields of its guard that it relies on while it changes it; `back` while it is undone. Default: none.
   */
  assumes?(step: S, settings: Settings, back: boolean): ReadonlyArray<Assumption>
  /** The writes to its guard's spec, in order. Default: none. */
  specWrites?(step: S): ReadonlyArray<SpecWrite>
  /**
   * True if consecutive steps of this kind are about separate objects, and run concurrently. Default false.
   */
  readonly together?: boolean
  /** The number of subjects that the journal may have to note for it. Default: none. */
  marks?(step: S): number
  /** Sends its writes as a dry run; returns those that could not be sent, in words. */
  rehearse(step: S, context: StepContext<Settings>): Effect.Effect<ReadonlyArray<string>, Failure, Cluster>
  /** Detects if it is already done, by this process or by one that crashed. */
  perform(step: S, context: StepContext<Settings>): Effect.Effect<void, Failure, Cluster>
  undo(step: S, context: StepContext<Settings>): Effect.Effect<void, Failure, Cluster>
  /**
   * The cluster-scoped objects that it has kept or created and that remain if its namespace is deleted, as
   * `persistentvolume "x"`. Default: none.
   */
  outlives?(step: S, of: Outliving): Effect.Effect<ReadonlyArray<string>, ClusterError, Cluster>
  /**
   * Annotates the objects that it created, and that must not be undone from a journal, as finished. Default:
   * nothing.
   */
  seal?(step: S, of: Outliving): Effect.Effect<void, Failure, Cluster>
  /** The object that says so, as `claim "x"`; `null` if none does. */
  sealed?(step: S, of: Outliving): Effect.Effect<string | null, ClusterError, Cluster>
  /**
   * Undoes what needs no guard, since that was deleted or was never this operation's; returns what is left.
   * Default: nothing.
   */
  undoAlone?(step: S, context: StepContext<Settings>): Effect.Effect<void, Failure, Cluster>
}

/** The steps of a kind. */
export type StepOf<Kind> = Kind extends StepKind<infer S, infer _> ? S : never

/** A step of a kind. */
export const make = <S extends AnyStep>(
  { tag }: { readonly tag: S["_tag"] } & { readonly schema: Schema.Codec<S, unknown> },
  fields: Omit<S, "_tag">
): S => ({ _tag: tag, ...fields }) as S

/** Steps, and behind each the one that it has inside of it. */
export const withInner = (steps: ReadonlyArray<AnyStep>): ReadonlyArray<AnyStep> =>
  steps.flatMap((step) => ("cut" in step ? [step, step.cut as AnyStep] : [step]))

/** Those steps of a plan that are of one kind. */
export const stepsOf = <S extends AnyStep>(
  { tag }: { readonly tag: S["_tag"] } & { readonly schema: Schema.Codec<S, unknown> },
  steps: ReadonlyArray<AnyStep>
): ReadonlyArray<S> => steps.filter((step): step is S => step._tag === tag)

/** Rules on one resource; `namespace` is `null` for a cluster-scoped resource. */
export const rules = (
  group: string,
  resource: string,
  verbs: ReadonlyArray<string>,
  namespace: string | null,
  subresource: string | null = null
): ReadonlyArray<Rule> => verbs.map((verb) => ({ verb, group, resource, subresource, namespace }))
