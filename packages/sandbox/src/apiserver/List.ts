/** Lists: at which version, which page, and the token for the next one. */
import type { KubeObject } from "../apimachinery/KubeObject.ts"
import type { ResourceType } from "../apimachinery/ResourceType.ts"
import type { ListMeta } from "./Answer.ts"
import * as Selector from "../apimachinery/Selector.ts"
import * as Status from "../apimachinery/Status.ts"
import { keyOfObject, type Store } from "../registry/Store.ts"
import { prohibited, unsupported } from "../apimachinery/FieldError.ts"

interface Token {
  readonly rv: number
  readonly start: string
}

const invalidToken = (why: string): Token => {
  throw Status.badRequest(`invalid continue token: continue key is not valid: ${why}`)
}

/** The server's own token: readable base64, and not to be read. */
const encodeToken = ({ rv, start }: Token): string =>
  btoa(JSON.stringify({ v: "meta.k8s.io/v1", rv, start: `${start}\u0000` }))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/(?<!=)=+$/, "")

const decodeToken = (text: string): Token => {
  let decoded: string
  try {
    decoded = atob(text.replaceAll("-", "+").replaceAll("_", "/"))
  } catch {
    return invalidToken("illegal base64 data at input byte 0")
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(decoded)
  } catch {
    const code = (decoded.codePointAt(0) ?? 0).toString(16).padStart(4, "0")
    return invalidToken(`invalid character '\\u${code}' looking for beginning of value`)
  }
  if (typeof parsed !== "object" || parsed === null) return invalidToken("no token")
  const { v, rv, start } = parsed as { readonly v?: unknown; readonly rv?: unknown; readonly start?: unknown }
  if (v !== "meta.k8s.io/v1")
    return invalidToken(`server does not recognize this encoded version ${typeof v === "string" ? v : ""}`)
  if (typeof rv === "number" && !Number.isInteger(rv)) {
    return invalidToken(
      `json: cannot unmarshal number ${rv} into Go struct field continueToken.rv of type int64`
    )
  }
  if (typeof rv !== "number" || rv === 0) {
    return invalidToken("incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
  }
  if (typeof start !== "string" || start === "") {
    return invalidToken("encoded start key empty (version meta.k8s.io/v1)")
  }
  if (start.split("/").some((part) => part === "." || part === "..")) return invalidToken(start)
  return { rv, start: start.replace("\u0000", "") }
}

/** A resourceVersion of a query; undefined for none or the empty one. */
export const parseVersion = (text: string | null): number | undefined => {
  if (text === null || text === "") return undefined
  if (!/^\d+$/.test(text)) {
    const shown = JSON.stringify(text)
    throw Status.badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: invalid syntax`
    )
  }
  if (BigInt(text) >= 2n ** 64n) {
    const shown = JSON.stringify(text)
    throw Status.badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: value out of range`
    )
  }
  return Number(text)
}

/** A whole number of a query; the query's absent ones are zero. */
export const integer = (text: string | null): number => {
  if (text === null) return 0
  const shown = JSON.stringify(text)
  if (!/^[-+]?\d+$/.test(text)) throw Status.badRequest(`strconv.ParseInt: parsing ${shown}: invalid syntax`)
  if (!Number.isSafeInteger(Number(text)))
    throw Status.badRequest(`strconv.ParseInt: parsing ${shown}: value out of range`)
  return Number(text)
}

export const selectorOf = (type: ResourceType, query: URLSearchParams): Selector.Match =>
  Selector.both(
    Selector.labels(query.get("labelSelector") ?? ""),
    Selector.fields(type, query.get("fieldSelector") ?? "")
  )

const checkMatch = (query: URLSearchParams): void => {
  const match = query.get("resourceVersionMatch") ?? ""
  const version = query.get("resourceVersion") ?? ""
  const faults = []
  if (match !== "") {
    if (version === "") {
      faults.push(
        prohibited(
          "resourceVersionMatch",
          "resourceVersionMatch is forbidden unless resourceVersion is provided"
        )
      )
    }
    if ((query.get("continue") ?? "") !== "") {
      faults.push(
        prohibited("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
      )
    }
    if (match !== "Exact" && match !== "NotOlderThan") {
      faults.push(unsupported("resourceVersionMatch", match, ["Exact", "NotOlderThan", ""]))
    }
    if (match === "Exact" && version === "0") {
      faults.push(
        prohibited(
          "resourceVersionMatch",
          'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        )
      )
    }
  }
  if (query.has("sendInitialEvents")) {
    faults.push(prohibited("sendInitialEvents", "sendInitialEvents is forbidden for list"))
  }
  if (faults.length > 0) throw Status.invalidOptions("ListOptions", faults)
}

const gone =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list."

export const list = (
  store: Store,
  type: ResourceType,
  namespace: string | undefined,
  query: URLSearchParams
): { readonly items: ReadonlyArray<KubeObject>; readonly metadata: ListMeta } => {
  checkMatch(query)
  const match = selectorOf(type, query)
  const limit = integer(query.get("limit"))
  integer(query.get("timeoutSeconds"))
  const version = parseVersion(query.get("resourceVersion"))
  const continued = query.get("continue") ?? ""
  let token: Token | undefined
  let exact: number | undefined
  if (continued !== "") {
    if (version !== undefined && version > 0) {
      throw Status.badRequest("specifying resource version is not allowed when using continue")
    }
    token = decodeToken(continued)
    if (token.rv > store.revision) throw Status.tooLargeVersion(token.rv, store.revision)
    if (token.rv > 0) exact = token.rv
  } else if (version !== undefined && version > 0) {
    if (version > store.revision) throw Status.tooLargeVersion(version, store.revision)
    const how = query.get("resourceVersionMatch")
    // Without a match a limited list is exact, as it was before the parameter existed.
    if (how === "Exact" || (how === null && limit > 0)) exact = version
  }
  const all = exact === undefined ? store.list(type, namespace) : store.listAt(type, namespace, exact)
  if (all === undefined) {
    throw token === undefined
      ? Status.expired("The resourceVersion for the provided list is too old.")
      : Status.expired(gone, encodeToken({ rv: -1, start: token.start }))
  }
  const revision = String(exact ?? store.revision)
  const start = token?.start
  const rest = start === undefined ? all : all.filter((object) => keyOfObject(object) > start)
  const found = Selector.isEverything(match) ? rest : rest.filter(match)
  if (limit <= 0 || found.length <= limit) return { items: found, metadata: { resourceVersion: revision } }
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return {
    items,
    metadata: {
      resourceVersion: revision,
      continue: encodeToken({ rv: Number(revision), start: last === undefined ? "" : keyOfObject(last) }),
      // With a selector the server cannot know how many are left.
      ...(Selector.isEverything(match) ? { remainingItemCount: found.length - limit } : {})
    }
  }
}
