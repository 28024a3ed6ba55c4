/** Checks a value against a published JSON Schema: the keywords that those use, and no others. */
import { readFileSync } from "node:fs"

interface JsonSchema {
  readonly type?: string
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly enum?: ReadonlyArray<unknown>
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: ReadonlyArray<string>
  readonly additionalProperties?: boolean | JsonSchema
  readonly allOf?: ReadonlyArray<JsonSchema>
  readonly $ref?: string
  readonly prefixItems?: ReadonlyArray<JsonSchema>
  readonly minItems?: number
  readonly minLength?: number
  readonly $defs?: Readonly<Record<string, JsonSchema>>
}

const annotations = ["$schema", "$id", "title", "description"]
const checked = ["$ref", "$defs", "type", "anyOf", "allOf", "enum", "minimum", "maximum"]
const ofArraysAndTexts = ["items", "prefixItems", "minItems", "minLength"]
const ofObjects = ["properties", "required", "additionalProperties"]
const understood = new Set([annotations, checked, ofArraysAndTexts, ofObjects].flat())

export const published = (name: "AppState" | "AppDocument" | "AppStateList" | "Profile"): JsonSchema =>
  JSON.parse(
    readFileSync(new URL(`../../packages/sdk/schema/${name}.json`, import.meta.url), "utf8")
  ) as JsonSchema

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value

const hasType = (value: unknown, type: string): boolean =>
  type === "integer" ? Number.isInteger(value) : typeOf(value) === type

/** Where and how a value is not as the schema says; a property that it does not describe counts too. */
export const violations = (
  schema: JsonSchema,
  value: unknown,
  path = "$",
  root: JsonSchema = schema
): ReadonlyArray<string> => {
  const strange = Object.keys(schema).filter((keyword) => !understood.has(keyword))
  if (strange.length > 0) throw new Error(`${path}: no such keyword is checked: ${strange.join(", ")}`)
  const inner = (part: JsonSchema, of: unknown, at: string) => violations(part, of, at, root)
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace("#/$defs/", "")]
    return target === undefined ? [`${path}: ${schema.$ref} is nowhere`] : inner(target, value, path)
  }
  const found: Array<string> = (schema.allOf ?? []).flatMap((part) => [...inner(part, value, path)])
  if (schema.anyOf !== undefined) {
    const each = schema.anyOf.map((part) => inner(part, value, path))
    if (each.every((faults) => faults.length > 0)) {
      found.push(...(each.toSorted((a, b) => a.length - b.length)[0] ?? []))
    }
  }
  if (schema.type !== undefined && !hasType(value, schema.type)) {
    return [...found, `${path}: ${typeOf(value)}, not ${schema.type}`]
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) found.push(`${path}: ${String(value)}`)
  if (schema.minimum !== undefined && !(Number(value) >= schema.minimum)) found.push(`${path}: too small`)
  if (schema.maximum !== undefined && !(Number(value) <= schema.maximum)) found.push(`${path}: too large`)
  if (typeof value === "string" && value.length < (schema.minLength ?? 0)) found.push(`${path}: too short`)
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) found.push(`${path}: too few`)
    value.forEach((item, index) =>
      found.push(...inner(schema.prefixItems?.[index] ?? schema.items ?? {}, item, `${path}[${index}]`))
    )
  } else if (typeof value === "object" && value !== null) {
    for (const name of schema.required ?? []) {
      if (!Object.hasOwn(value, name)) found.push(`${path}.${name}: absent`)
    }
    const { properties = {}, additionalProperties: others } = schema
    for (const [name, field] of Object.entries(value)) {
      const described = Object.hasOwn(properties, name) ? properties[name] : undefined
      if (described !== undefined) found.push(...inner(described, field, `${path}.${name}`))
      else if (typeof others === "object") found.push(...inner(others, field, `${path}.${name}`))
      else if (schema.properties !== undefined) found.push(`${path}.${name}: not described`)
    }
  }
  return found
}
