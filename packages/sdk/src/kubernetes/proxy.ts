/**
 * The proxy that the environment names, as Go programs read it.
 *
 * Source: pkg.go.dev/golang.org/x/net/http/httpproxy
 */
import { BlockList, isIP } from "node:net"
import { hostOf, portOf } from "./dial.ts"

/** True if an address is within a block such as `10.0.0.0/8`. */
const within = (host: string, rule: string): boolean => {
  const [network = "", bits = ""] = rule.split("/")
  const family = isIP(host)
  const prefix = Number(bits)
  if (family === 0 || isIP(network) !== family || !/^\d+$/.test(bits)) return false
  if (prefix > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  const type = family === 4 ? "ipv4" : "ipv6"
  list.addSubnet(network, prefix, type)
  return list.check(host, type)
}

/** A rule's host, and its port; `null` for any. A bare IPv6 address has colons and no port. */
const hostAndPort = (rule: string): readonly [string, string | null] => {
  const [, address, name, port] = /^(?:\[(.*)\]|([^:]*)):(\d*)$/.exec(rule) ?? []
  return port === undefined ? [rule, null] : [address ?? name ?? "", port === "" ? null : port]
}

/** True if a rule of `NO_PROXY` is about this server. */
const isExcepted = (host: string, port: number, rule: string): boolean => {
  if (rule === "*" || within(host, rule)) return true
  const [name, of] = hostAndPort(rule)
  if (of !== null && of !== String(port)) return false
  const family = isIP(name)
  if (family !== 0) return within(host, `${name}/${family === 4 ? 32 : 128}`)
  // A domain with a dot before it is its subdomains alone.
  const suffix = name.replace(/^\*\./, ".")
  if (suffix === "" || suffix === ".") return false
  return suffix.startsWith(".") ? host.endsWith(suffix) : host === suffix || host.endsWith(`.${suffix}`)
}

const isThisMachine = (host: string): boolean =>
  host === "localhost" || within(host, "127.0.0.0/8") || within(host, "::1/128")

/** By `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; `null` for none, and always for this machine itself. */
export const proxyFromEnvironment = (
  url: URL,
  environment: Readonly<Record<string, string | undefined>>
): string | null => {
  const read = (name: string) => environment[name] || environment[name.toLowerCase()] || ""
  const proxy = read(url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY")
  const host = hostOf(url)
  if (proxy === "" || isThisMachine(host)) return null
  const rules = read("NO_PROXY").split(",")
  return rules.some((rule) => isExcepted(host, portOf(url), rule.trim().toLowerCase())) ? null : proxy
}
