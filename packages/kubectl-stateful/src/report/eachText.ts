/** Changes every text of a value; its shape and the names of its fields stay. */
export const eachText = <A>(value: A, change: (text: string) => string): A => changed(value, change) as A

const changed = (value: unknown, change: (text: string) => string): unknown => {
  if (typeof value === "string") return change(value)
  if (Array.isArray(value)) return value.map((one) => changed(one, change))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, changed(each, change)]))
}
