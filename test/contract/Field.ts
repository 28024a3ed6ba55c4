/** Fields of an answer, by their paths. */
import { isObject, type Json } from "./Normal.ts"

/** `spec.replicas` of an answer; undefined where there is none. */
export const at = (body: Json | undefined, path: string): Json | undefined => {
  let value: Json | undefined = body
  for (const key of path.split(".")) {
    if (Array.isArray(value)) value = value[Number(key)]
    else value = isObject(value) ? value[key] : undefined
  }
  return value
}

/** A word or a number at a path; empty where there is neither. */
export const text = (body: Json | undefined, path: string): string => {
  const value = at(body, path)
  return typeof value === "string" || typeof value === "number" ? String(value) : ""
}

/** The order of texts, and of other values by their JSON. */
export const byText = (left: unknown, right: unknown): number =>
  JSON.stringify(left) < JSON.stringify(right) ? -1 : 1

/** The complaint of an answer, or what stands at a path where there is none; the first line of it. */
export const outcome =
  (path: string) =>
  (body: Json): Json =>
    (text(body, "message") || text(body, path)).split("\n")[0] ?? null
