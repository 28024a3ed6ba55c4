/** The fields of each kind: a strict write is validated by them, and unknown fields are dropped. */
import * as Effect from "effect/Effect"
import { load, type Models } from "./Models.ts"
import { isArray, isObject, put } from "../apimachinery/Json.ts"
import { type FieldTable, groupVersion, type ResourceType } from "../apimachinery/ResourceType.ts"

export type Form =
  /** A scalar, or a type with its own parser: not validated. */
  | { readonly _tag: "Any" }
  /** All fields are known; only a duplicate field is an error. */
  | { readonly _tag: "Open" }
  /** The items of a list, or the values of a map. */
  | { readonly _tag: "Each"; readonly of: Form }
  | { readonly _tag: "Fields"; readonly fields: ReadonlyMap<string, Form> }

export const any: Form = { _tag: "Any" }
export const open: Form = { _tag: "Open" }
export const each = (of: Form): Form => ({ _tag: "Each", of })
export const fields = (named: Readonly<Record<string, Form>>): Form => ({
  _tag: "Fields",
  fields: new Map(Object.entries(named))
})

/**
 * The fields of several versions of a kind. The sandbox stores an object as it came, whatever its version.
 */
const union = (left: Form, right: Form): Form => {
  if (left === right || left._tag !== "Fields" || right._tag !== "Fields") return left
  const merged = new Map(left.fields)
  for (const [name, form] of right.fields) {
    const known = merged.get(name)
    merged.set(name, known === undefined ? form : union(known, form))
  }
  return { _tag: "Fields", fields: merged }
}

export class FieldNames {
  readonly #models: Models
  readonly #byType = new Map<string, Form>()
  readonly #byKind = new Map<string, Form>()

  constructor(models: Models) {
    this.#models = models
  }

  /** Of an object of the resource. */
  of(type: ResourceType): Form {
    const key = `${groupVersion(type)} ${type.kind}`
    const known = this.#byKind.get(key)
    if (known !== undefined) return known
    const form = type.custom ? this.#custom(type) : this.#builtIn(type)
    this.#byKind.set(key, form)
    return form
  }

  /** Of a Scale, the face of a workload. */
  get scale(): Form {
    return this.#typed("V1Scale")
  }

  #builtIn(type: ResourceType): Form {
    // The client tells the two kinds of events apart by a prefix.
    const prefix = type.group === "" && type.kind === "Event" ? "Core" : ""
    const forms = type.versions
      .map((version) => `${prefix}V${version.slice(1)}${type.kind}`)
      .filter((name) => this.#models(name) !== undefined)
      .map((name) => this.#typed(name))
    return forms.length === 0 ? open : forms.reduce(union)
  }

  #custom({ fields: table }: ResourceType): Form {
    return table === undefined || table === "any"
      ? open
      : union(
          fields({ apiVersion: any, kind: any, metadata: this.#typed("V1ObjectMeta") }),
          this.#tabled(table)
        )
  }

  #tabled(table: FieldTable): Form {
    if (table === "any") return any
    if (isArray(table)) return each(this.#tabled(table[0]))
    return fields(Object.fromEntries(Object.entries(table).map(([name, of]) => [name, this.#tabled(of)])))
  }

  #typed(name: string): Form {
    const inner = /^Array<(.*)>$/.exec(name)?.[1] ?? /^\{ \[key: string\]: (.*); \}$/.exec(name)?.[1]
    if (inner !== undefined) return each(this.#typed(inner))
    const known = this.#byType.get(name)
    if (known !== undefined) return known
    const model = this.#models(name)
    if (model === undefined) return any
    const found = new Map<string, Form>()
    const form: Form = { _tag: "Fields", fields: found }
    // Before its fields: a type may hold itself.
    this.#byType.set(name, form)
    for (const { baseName, type } of model) found.set(baseName, this.#typed(type))
    return form
  }
}

/** For `Api.learn`. The first time takes a fifth of a second. */
export const fieldNames: Effect.Effect<FieldNames> = Effect.map(load, (models) => new FieldNames(models))

/** The value without unknown fields; the same value if there are none. */
export const known = (value: unknown, form: Form): unknown => {
  if (form._tag === "Any" || form._tag === "Open") return value
  if (isArray(value)) {
    if (form._tag !== "Each") return value
    const items = value.map((item) => known(item, form.of))
    return items.some((item, i) => item !== value[i]) ? items : value
  }
  if (!isObject(value)) return value
  const kept: Record<string, unknown> = {}
  let changed = false
  for (const [name, item] of Object.entries(value)) {
    const of = form._tag === "Each" ? form.of : form.fields.get(name)
    const next = of === undefined ? undefined : known(item, of)
    if (of !== undefined) put(kept, name, next)
    if (of === undefined || next !== item) changed = true
  }
  return changed ? kept : value
}
