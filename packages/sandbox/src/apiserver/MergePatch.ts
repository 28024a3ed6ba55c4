/** RFC 7386, and Kubernetes' strategic variant of it, in which some lists merge by a key. */
import { at, isArray, isObject, type JsonObject, put } from "../apimachinery/Json.ts"
import { badRequest, plain } from "../apimachinery/Status.ts"

/** RFC 7386: objects merge, null removes, all else replaces. */
export const merge = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, item] of Object.entries(patch)) {
    if (item === null) delete merged[key]
    else put(merged, key, merge(at(merged, key), item))
  }
  return merged
}

/**
 * The lists that merge, by the field that holds them and the keys of their first
 * item, from the `patchMergeKey` of the API's types.
 */
const mergeKeyOf = (field: string, parent: string): string | undefined => {
  switch (field) {
    case "containers":
    case "initContainers":
    case "ephemeralContainers":
    case "volumes":
    case "env":
    case "imagePullSecrets":
    case "resourceClaims":
      return "name"
    case "volumeMounts":
      return "mountPath"
    case "volumeDevices":
      return "devicePath"
    case "ports":
      return parent === "spec" ? "port" : "containerPort"
    case "conditions":
    case "addresses":
      return "type"
    case "ownerReferences":
      return "uid"
    case "hostAliases":
      return "ip"
    case "topologySpreadConstraints":
      return "topologyKey"
    case "podIPs":
    case "hostIPs":
      return "ip"
    case "secrets":
      return "name"
    default:
      return undefined
  }
}

/** Lists of plain values that are joined, not replaced. */
const isJoined = (field: string, parent: string): boolean => field === "finalizers" && parent === "metadata"

const withoutDirectives = (value: JsonObject): JsonObject => {
  const { $patch: _, $retainKeys: __, ...rest } = value
  return rest
}

/** As the server's language prints a map; what lies deeper, only nearly so. */
const inGo = (item: JsonObject): string =>
  `map[${Object.keys(item)
    .toSorted()
    .map((key) => `${key}:${typeof item[key] === "string" ? item[key] : JSON.stringify(item[key])}`)
    .join(" ")}]`

const mergeList = (
  target: ReadonlyArray<unknown>,
  patch: ReadonlyArray<unknown>,
  key: string,
  field: string
): ReadonlyArray<unknown> => {
  const patches = patch.map((item) => {
    if (!isObject(item)) throw badRequest(`invalid patch: the list ${field} holds objects`)
    return item
  })
  if (patches.some((item) => item["$patch"] === "replace")) {
    return patches.filter((item) => item["$patch"] === undefined)
  }
  const named = new Map<unknown, JsonObject>()
  for (const item of patches) {
    if (item[key] === undefined) {
      throw plain(500, `map: ${inGo(item)} does not contain declared merge key: ${key}`)
    }
    named.set(item[key], item)
  }
  const keyIn = (item: unknown): unknown => (isObject(item) ? item[key] : undefined)
  const place = new Map(target.map((item, i) => [keyIn(item), i]))
  const merged = [...named]
    .filter(([, item]) => item["$patch"] !== "delete")
    .map(([name, item]) => strategicMerge(target[place.get(name) ?? -1] ?? {}, item, field))
  // What only the server has comes before the first patched item that stood behind it; new items lead.
  const rest = target.filter((item) => !named.has(keyIn(item)))
  const ordered: Array<unknown> = []
  let next = 0
  for (const item of merged) {
    const before = place.get(keyIn(item)) ?? -1
    while (next < rest.length && (place.get(keyIn(rest[next])) ?? 0) < before) {
      ordered.push(rest[next])
      next += 1
    }
    ordered.push(item)
  }
  return [...ordered, ...rest.slice(next)]
}

/**
 * Strategic merge over the lists that our kinds have: containers, volumes and env
 * by name, mounts by path, conditions by type, owners by uid, ports by number.
 * A node's taints have no merge key that counts: the list is replaced.
 */
export const strategicMerge = (target: unknown, patch: unknown, field = ""): unknown => {
  if (!isObject(patch)) return patch
  if (patch["$patch"] === "replace") return withoutDirectives(patch)
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, item] of Object.entries(patch)) {
    if (key === "$patch" || key === "$retainKeys" || key.startsWith("$setElementOrder/")) continue
    if (key.startsWith("$deleteFromPrimitiveList/")) {
      const name = key.slice("$deleteFromPrimitiveList/".length)
      const [from, gone] = [at(merged, name), item]
      if (isArray(from) && isArray(gone))
        put(
          merged,
          name,
          from.filter((each) => !gone.includes(each))
        )
    } else if (item === null) delete merged[key]
    else if (isObject(item) && item["$patch"] === "delete") delete merged[key]
    else if (isArray(item)) {
      const before = at(merged, key)
      const list = isArray(before) ? before : []
      const mergeKey = mergeKeyOf(key, field)
      // New items lead.
      if (isJoined(key, field)) put(merged, key, [...new Set([...item, ...list])])
      else put(merged, key, mergeKey === undefined ? item : mergeList(list, item, mergeKey, key))
    } else put(merged, key, strategicMerge(at(merged, key), item, key))
  }
  return merged
}
