/** The reference to an application: one StatefulSet, or every workload that a selector finds. */
import * as Schema from "effect/Schema"
import { shellWord } from "./ShellWord.ts"

/** One StatefulSet by name. */
export interface StatefulSetRef {
  readonly _tag: "StatefulSet"
  readonly namespace: string
  readonly name: string
}
export const StatefulSetRef: Schema.Codec<StatefulSetRef> = Schema.TaggedStruct("StatefulSet", {
  namespace: Schema.String,
  name: Schema.String
})

/** All workloads with these labels, as a Helm release with a web tier and a database has them. */
export interface SelectorRef {
  readonly _tag: "Selector"
  readonly namespace: string
  /** A label selector in the API's own syntax, e.g. `app.kubernetes.io/instance=shop`. */
  readonly selector: string
}
export const SelectorRef: Schema.Codec<SelectorRef> = Schema.TaggedStruct("Selector", {
  namespace: Schema.String,
  selector: Schema.String
})

/** Every StatefulSet of a namespace, or of the whole cluster (`namespace: null`); each is an app of its own. */
export interface Scope {
  readonly namespace: string | null
}

/** The application a verb acts on. */
export type AppRef = StatefulSetRef | SelectorRef
export const AppRef: Schema.Codec<AppRef> = Schema.Union([StatefulSetRef, SelectorRef])

/** An object that says which it is, such as a `V1StatefulSet` of `@kubernetes/client-node`. */
export interface NamedObject {
  readonly metadata?: { readonly namespace?: string; readonly name?: string }
}

const named = ({ metadata }: NamedObject): readonly [string, string] => {
  const { namespace, name } = metadata ?? {}
  if (namespace !== undefined && name !== undefined) return [namespace, name]
  throw new TypeError("the StatefulSet has no metadata.namespace or no metadata.name: give both")
}

/** A StatefulSet as an application: by its namespace and name, or an object that has both, else it throws. */
export const statefulSet: {
  (namespace: string, name: string): StatefulSetRef
  (object: NamedObject): StatefulSetRef
} = (first: string | NamedObject, second?: string): StatefulSetRef => {
  const [namespace, name] = typeof first === "string" ? ([first, second ?? ""] as const) : named(first)
  return { _tag: "StatefulSet", namespace, name }
}

/** All workloads with these labels as one application. */
export const selector = (namespace: string, labels: string): SelectorRef => ({
  _tag: "Selector",
  namespace,
  selector: labels
})

/** The command that shows it, in any shell. */
export const describeCommand = (ref: AppRef): string => {
  const which = ref._tag === "StatefulSet" ? shellWord(ref.name) : `-l ${shellWord(ref.selector)}`
  return `\`kubectl stateful describe ${which} -n ${shellWord(ref.namespace)}\``
}

/** The name of the application in messages: the StatefulSet's name, or the selector. */
export const nameOf = (ref: AppRef): string => (ref._tag === "StatefulSet" ? ref.name : ref.selector)
