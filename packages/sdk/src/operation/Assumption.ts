/**
 * What a step leans on of the object that it changes, as data: each change of the object tests it in
 * its own write, and each wait notices when it moves. Somebody else may change it at any moment, a
 * GitOps tool most of all.
 */
import * as Predicate from "effect/Predicate"
import { because, type OperationError } from "./OperationError.ts"
import { describeCommand, statefulSet } from "../App.ts"
import type { Guarded, Place } from "./Guarded.ts"
import type { JsonPatchOperation } from "../Resource.ts"

/** A field of an object. */
export interface Field {
  /** The way to it; `*` is every item of a list. */
  readonly path: ReadonlyArray<string>
  /** What an absent field means. */
  readonly absent: string
}

/** What a field has to be. */
export interface Assumption extends Field {
  /** What it is called in messages. */
  readonly what: string
  readonly is: string
}

const valuesAt = (value: unknown, path: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const [key, ...rest] = path
  if (value === undefined || value === null) return []
  if (key === undefined) return [value]
  if (key === "*") return Array.isArray(value) ? value.flatMap((item) => valuesAt(item, rest)) : []
  return Predicate.isObject(value) ? valuesAt(Reflect.get(value, key), rest) : []
}

/** What the field says now; the items of a list behind each other. */
export const fieldOf = ({ path, absent }: Field, object: Guarded): string => {
  const found = valuesAt(object, path)
  return found.length === 0 ? absent : found.map(String).join(", ")
}

/** The way out where somebody else changes the object. */
export const findWriter = ({ kind, namespace, name }: Place): string =>
  kind === "StatefulSet"
    ? `find who writes it: ${describeCommand(statefulSet(namespace, name))} names autoscalers, GitOps tools and operators`
    : "find who writes it: an autoscaler, a GitOps tool or an operator"

/** Why the object is not as the step needs it; null: it is. */
export const broken = (
  assumptions: ReadonlyArray<Assumption>,
  place: Place,
  object: Guarded
): OperationError | null => {
  const moved = assumptions.find((assumption) => fieldOf(assumption, object) !== assumption.is)
  if (moved === undefined) return null
  return because(
    "Changed",
    `another client set ${moved.what} of ${object.metadata.name} to ${fieldOf(moved, object) || "none"}; this operation needs ${moved.is || "none"}`,
    `${findWriter(place)}; then set it back`
  )
}

const pointerTo = (path: ReadonlyArray<string>): string =>
  path.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")

/**
 * Tests of them for the very patch that leans on them. The generation stands for a field that is absent,
 * and where there is none the version.
 */
export const testsOf = (
  assumptions: ReadonlyArray<Assumption>,
  object: Guarded
): ReadonlyArray<JsonPatchOperation> =>
  assumptions.length === 0
    ? []
    : [
        object.metadata.generation == null
          ? { op: "test", path: "/metadata/resourceVersion", value: object.metadata.resourceVersion }
          : { op: "test", path: "/metadata/generation", value: object.metadata.generation },
        ...assumptions.flatMap((assumption): ReadonlyArray<JsonPatchOperation> => {
          const [value] = assumption.path.includes("*") ? [] : valuesAt(object, assumption.path)
          return value === undefined ? [] : [{ op: "test", path: pointerTo(assumption.path), value }]
        })
      ]
