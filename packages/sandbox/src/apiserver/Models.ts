/** The names of the fields of Kubernetes' own kinds, as its public client has them. */
import * as Effect from "effect/Effect"

/** A field as it is in JSON, and its type: `V1PodSpec`, `Array<string>`, `{ [key: string]: string; }`. */
export interface Field {
  readonly baseName: string
  readonly type: string
}

/** The fields of a type, such as `V1Pod`; undefined if the type is not an object with named fields. */
export type Models = (type: string) => ReadonlyArray<Field> | undefined

// It takes a fifth of a second to load: only who needs it does.
const library = Effect.promise(() => import("@kubernetes/client-node/dist/gen/models/all.js"))

const isField = (value: unknown): value is Field =>
  typeof value === "object" && value !== null && "baseName" in value && "type" in value

export const load: Effect.Effect<Models> = Effect.map(library, (models) => (type) => {
  const found: unknown = Object.hasOwn(models, type) ? Reflect.get(models, type) : undefined
  if (typeof found !== "function" || !("attributeTypeMap" in found)) return undefined
  const fields = found.attributeTypeMap
  return Array.isArray(fields) ? fields.filter(isField) : undefined
})
