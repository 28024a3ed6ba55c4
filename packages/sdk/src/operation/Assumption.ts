/**
 * The fields of an object that a step relies on, as data: each change of the object tests them in its own
 * write, and each wait notices when one changes. Another client may change them at any moment, a GitOps tool
 * most of all.
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
  /** The value of an absent field. */
  readonly absent: string
}

/** The required value of a field. */
export interface Assumption extends Field {
  /** Its name in messages. */
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

/** The current value of the field; the items of a list are joined. */
export const fieldOf = ({ path, absent }: Field, object: Guarded): string => {
  const found = valuesAt(object, path)
  return found.length === 0 ? absent : found.map(String).join(", ")
}

/** The remedy if another client changes the object. */
export const findWriter = ({ kind, namespace, name }: Place): string =>
  kind === "StatefulSet"
    ? `find who writes it: ${describeCommand(statefulSet(namespace, name))} names autoscalers, GitOps tools and operators`
    : "find who writes it: an autoscaler, a GitOps tool or an operator"

/** Reason that the object is not as the step needs it; `null` if it is. */
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
 * Tests of them for the patch that relies on them. The generation stands for an absent field, and without a
 * generation the version.
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
