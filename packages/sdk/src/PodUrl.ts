/** An address in a pod, reached over HTTP through the API server's pod proxy: `http://:8008/health`. */
import * as Schema from "effect/Schema"

export const PodUrl = Schema.Struct({
  scheme: Schema.Literals(["http", "https"]),
  port: Schema.Natural,
  /**
   * With its query, if it has one; from a profile it can contain `{pod}`, `{ordinal}` and `{fqdn}` for the
   * member's own values.
   */
  path: Schema.String
})
export type PodUrl = typeof PodUrl.Type

/**
 * True if a path cannot leave its pod: proxies may resolve dots, also escaped ones, to another path of the
 * API server, and would send the request there with the user's permissions.
 */
const stays = (path: string): boolean =>
  /^[!-~]*$/.test(path) &&
  !path.includes("\\") &&
  path
    .replace(/\?.*$/, "")
    .split(/\/|%2f|%5c/i)
    .every((part) => !/^(\.|%2e){1,2}$/i.test(part.split(";", 1)[0] ?? ""))

/** `null` if it is not a URL of this form. */
export const parse = (text: string): PodUrl | null => {
  const found = /^(https?):\/\/:(\d{1,5})(\/[^\s#]*)?$/.exec(text)
  const port = Number(found?.[2])
  if (found === null || port < 1 || port > 65535 || !stays(found[3] ?? "/")) return null
  return { scheme: found[1] === "https" ? "https" : "http", port, path: found[3] ?? "/" }
}

/** Its path at the API server, without the query. */
export const proxyPath = ({ scheme, port, path }: PodUrl, namespace: string, pod: string): string =>
  `/api/v1/namespaces/${namespace}/pods/${scheme}:${pod}:${port}/proxy${path.replace(/\?.*$/, "")}`

/** Its query, in pairs. */
export const queryOf = ({ path }: PodUrl): ReadonlyArray<readonly [string, string]> => [
  ...new URLSearchParams(/\?(.*)$/.exec(path)?.[1] ?? "")
]
