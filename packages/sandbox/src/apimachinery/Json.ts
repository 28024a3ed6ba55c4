/** JSON values as the sandbox stores them: never changed in place, so that reads share them. */

/** A JSON object whose fields are not known yet. */
export type JsonObject = { readonly [key: string]: unknown }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const isArray = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)

/** The value at a path of keys, `undefined` where something on the way is absent. */
export const at = (value: unknown, ...path: ReadonlyArray<string>): unknown => {
  let current = value
  for (const key of path) {
    // A client's key may be `constructor` or `__proto__`: what an object inherits is no field of it.
    if (!isObject(current) || !Object.hasOwn(current, key)) return undefined
    current = current[key]
  }
  return current
}

/** Sets a field of an object that is being built, whatever its name. */
export const put = (into: Record<string, unknown>, key: string, item: unknown): void => {
  if (key !== "__proto__") into[key] = item
  else Object.defineProperty(into, key, { value: item, configurable: true, enumerable: true, writable: true })
}

/** True if lists and objects are nested deeper than `limit`. */
export const isDeeper = (value: unknown, limit: number): boolean =>
  typeof value === "object" &&
  value !== null &&
  (limit <= 0 || Object.values(value).some((item) => isDeeper(item, limit - 1)))

export const stringAt = (value: unknown, ...path: ReadonlyArray<string>): string | undefined => {
  const found = at(value, ...path)
  return typeof found === "string" ? found : undefined
}

export const numberAt = (value: unknown, ...path: ReadonlyArray<string>): number | undefined => {
  const found = at(value, ...path)
  return typeof found === "number" ? found : undefined
}

export const arrayAt = (value: unknown, ...path: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const found = at(value, ...path)
  return isArray(found) ? found : []
}

/** A map of strings, such as labels; what is not a string is left out. */
export const stringsAt = (
  value: unknown,
  ...path: ReadonlyArray<string>
): Readonly<Record<string, string>> => {
  const found = at(value, ...path)
  if (!isObject(found)) return {}
  const strings: Record<string, string> = {}
  for (const [key, item] of Object.entries(found)) if (typeof item === "string") put(strings, key, item)
  return strings
}

/** Structural equality; an absent key and an `undefined` one are the same. */
export const equal = (left: unknown, right: unknown): boolean => {
  if (left === right) return true
  if (isArray(left)) {
    return isArray(right) && left.length === right.length && left.every((item, i) => equal(item, right[i]))
  }
  if (!isObject(left) || !isObject(right)) return false
  for (const key in left)
    if (!equal(left[key], Object.hasOwn(right, key) ? right[key] : undefined)) return false
  for (const key in right) if (!Object.hasOwn(left, key) && right[key] !== undefined) return false
  return true
}

/** The object with what lies at `path` replaced, sharing all else; `undefined` removes it. */
export const set = (value: unknown, path: ReadonlyArray<string>, replacement: unknown): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return replacement
  const from = isObject(value) ? value : {}
  const item = set(from[key], rest, replacement)
  if (item !== undefined) return { ...from, [key]: item }
  const { [key]: _, ...others } = from
  return others
}

/** Makes a value that leaves the sandbox by reference unchangeable, once. */
export const freeze = <T>(value: T): T => {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const item of Object.values(value)) freeze(item)
  }
  return value
}
