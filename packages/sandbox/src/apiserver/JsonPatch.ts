/**
 * RFC 6902 with `test`, `move` and `copy`, which effect's JsonPatch leaves out.
 * A patch that does not parse is a 400, one that does not apply a 422.
 */
import * as JsonPointer from "effect/JsonPointer"
import { equal, isArray, isDeeper, isObject, type JsonObject } from "../apimachinery/Json.ts"
import { deepest, goName } from "./Decode.ts"
import { badRequest, notImplemented, tooManyOperations, unprocessable } from "../apimachinery/Status.ts"

interface Operation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test"
  readonly path: ReadonlyArray<string>
  readonly from: ReadonlyArray<string>
  readonly value: unknown
}

/** The server's own limits: on the operations, and on what all copies add together. */
const mostOperations = 10_000
const mostCopied = 3 * 1024 * 1024

const ops: ReadonlyArray<Operation["op"]> = ["add", "remove", "replace", "move", "copy", "test"]

const pointer = (text: unknown): ReadonlyArray<string> => {
  if (text === undefined || text === "") return []
  if (typeof text !== "string") throw unprocessable()
  // Whatever stands before the first slash is passed over, as the server's library does.
  return text.split("/").slice(1).map(JsonPointer.unescapeToken)
}

export const parse = (body: unknown): ReadonlyArray<Operation> => {
  if (body === null) return []
  if (!isArray(body)) {
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${goName(body)} into Go value of type []handlers.jsonPatchOp`
    )
  }
  if (body.length > mostOperations) throw tooManyOperations(mostOperations, body.length)
  return body.map((item) => {
    if (item === null) throw unprocessable()
    if (!isObject(item)) {
      throw badRequest(
        `error decoding patch: json: cannot unmarshal ${goName(item)} into Go value of type handlers.jsonPatchOp`
      )
    }
    for (const field of ["op", "path", "from"]) {
      const said = item[field]
      if (said === undefined || said === null || typeof said === "string") continue
      throw badRequest(
        `error decoding patch: json: cannot unmarshal ${goName(said)} into Go struct field jsonPatchOp.${field} of type string`
      )
    }
    const op = ops.find((known) => known === item["op"])
    if (op === undefined || typeof item["path"] !== "string") throw unprocessable()
    return { op, path: pointer(item["path"]), from: pointer(item["from"]), value: item["value"] ?? null }
  })
}

const index = (key: string, length: number): number => {
  if (!/^(0|[1-9]\d*)$/.test(key) || Number(key) > length) throw unprocessable()
  return Number(key)
}

const has = (object: JsonObject, key: string): boolean =>
  Object.hasOwn(object, key) && object[key] !== undefined

const read = (value: unknown, path: ReadonlyArray<string>): unknown => {
  let current = value
  for (const key of path) {
    if (isArray(current)) current = current[index(key, current.length - 1)]
    else if (isObject(current) && has(current, key)) current = current[key]
    else throw unprocessable()
  }
  return current
}

/** The value with the container at `path` minus its last key rebuilt by `change`. */
const within = (
  value: unknown,
  path: ReadonlyArray<string>,
  change: (container: unknown, key: string) => unknown
): unknown => {
  const [key, ...rest] = path
  if (key === undefined) throw unprocessable()
  if (rest.length === 0) return change(value, key)
  if (isArray(value)) {
    const at = index(key, value.length - 1)
    return value.with(at, within(value[at], rest, change))
  }
  if (!isObject(value) || !has(value, key)) throw unprocessable()
  return { ...value, [key]: within(value[key], rest, change) }
}

const add = (value: unknown, path: ReadonlyArray<string>, item: unknown): unknown =>
  path.length === 0
    ? item
    : within(value, path, (container, key) => {
        if (isArray(container)) {
          return container.toSpliced(key === "-" ? container.length : index(key, container.length), 0, item)
        }
        if (!isObject(container)) throw unprocessable()
        return { ...container, [key]: item }
      })

const remove = (value: unknown, path: ReadonlyArray<string>): unknown =>
  within(value, path, (container, key) => {
    if (isArray(container)) return container.toSpliced(index(key, container.length - 1), 1)
    if (!isObject(container) || !has(container, key)) throw unprocessable()
    const { [key]: _, ...others } = container
    return others
  })

/** In an object the key need not be there: the server's library adds it, against RFC 6902. */
const replace = (value: unknown, path: ReadonlyArray<string>, item: unknown): unknown => {
  return path.length === 0
    ? item
    : within(value, path, (container, key) => {
        if (isArray(container)) return container.with(index(key, container.length - 1), item)
        if (!isObject(container)) throw unprocessable()
        return { ...container, [key]: item }
      })
}

/** An absent value and null are the same to a `test`, as they are to the server's library. */
const test = (value: unknown, path: ReadonlyArray<string>, wanted: unknown): void => {
  let found: unknown
  try {
    found = read(value, path)
  } catch (refusal) {
    if (wanted !== null && wanted !== undefined) throw refusal
  }
  if (!equal(found ?? null, wanted ?? null)) throw unprocessable()
}

export const apply = (operations: ReadonlyArray<Operation>, value: unknown): unknown => {
  let copied = 0
  const copy = (item: unknown): unknown => {
    copied += JSON.stringify(item)?.length ?? 0
    // Each copy of a whole that holds the last one doubles it: some thirty would fill the memory.
    if (copied > mostCopied) throw unprocessable()
    return item
  }
  const patched = operations.reduce((current: unknown, { op, path, from, value: item }) => {
    if (op === "add") return add(current, path, item)
    if (op === "remove") return remove(current, path)
    if (op === "replace") return replace(current, path, item)
    if (op === "copy") return add(current, path, copy(read(current, from)))
    if (op === "move") return add(remove(current, from), path, read(current, from))
    test(current, path, item)
    return current
  }, value)
  if (!isObject(patched)) throw unprocessable()
  if (isDeeper(patched, deepest)) throw notImplemented(`values nested deeper than ${deepest}`)
  return patched
}
